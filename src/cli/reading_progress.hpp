#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/input.hpp"
#include "cli/progress_bar.hpp"

namespace tidelimit::cli {

/// A pass over the requests of the inputs with a progress bar by bytes read. One thread.
class ReadingProgress {
 public:
  ReadingProgress(const Input& input, std::string title);

  /// As Input::open; ready windows, which hold no requests, are refused.
  [[nodiscard]] Result<ingest::RecordReader> open();

  /// Gives each request to `take` and then tells how the reading went.
  template <class Take>
  [[nodiscard]] Result<ingest::ReadReport> each(Take&& take) {
    auto reader = open();
    if (!reader) return tl::unexpected(reader.error());
    traffic::Request request;
    while (reader->next(request)) {
      take(request);
      count();
    }
    bar_.wipe();
    if (reader->failure()) return tl::unexpected(*reader->failure());
    return reader->report();
  }

  /// One more request; paints now and then.
  void count() {
    if ((++requests_ & 0x3fffu) == 0 && bar_.visible()) paint();
  }

 private:
  [[nodiscard]] Result<ingest::RecordReader> open_counted();
  void paint();

  const Input& input_;
  ProgressBar bar_;
  std::shared_ptr<std::uint64_t> bytes_ = std::make_shared<std::uint64_t>(0);
  std::uint64_t bytes_total_ = 0;  // 0: unknown
  std::uint64_t requests_ = 0;
};

}  // namespace tidelimit::cli
