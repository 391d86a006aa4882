#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/input.hpp"
#include "cli/progress_bar.hpp"

namespace tidelimit::cli {

/// A pass over the inputs with a progress bar by bytes read. One thread.
///   ReadingProgress progress(input, "replaying");
///   auto reader = progress.open();
///   while (reader->next(request)) { ...; progress.count(); }
class ReadingProgress {
 public:
  ReadingProgress(const Input& input, std::string title);

  /// As Input::open.
  [[nodiscard]] Result<ingest::RecordReader> open();

  /// One more request; paints now and then.
  void count() {
    if ((++requests_ & 0x3fffu) == 0 && bar_.visible()) paint();
  }
  void wipe() { bar_.wipe(); }

 private:
  void paint();

  const Input& input_;
  ProgressBar bar_;
  std::shared_ptr<std::uint64_t> bytes_ = std::make_shared<std::uint64_t>(0);
  std::uint64_t bytes_total_ = 0;  // 0: unknown
  std::uint64_t requests_ = 0;
};

}  // namespace tidelimit::cli
