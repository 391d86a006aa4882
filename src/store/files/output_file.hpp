#pragma once

#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit::store {

/// A long file written piece by piece, so that nothing half-written ever stands under its name: it
/// grows aside and takes its place in commit(); without that it is gone. A name that ends in .gz or
/// .zst is compressed; "-" is standard output, which is written as it comes. Equal bytes in give
/// equal bytes out. What is a device or a pipe is written as it comes, too. One thread.
class OutputFile {
 public:
  /// Errors name the path: the folder is missing, may not be written, or the path is a folder.
  /// `mode`: who may read it.
  [[nodiscard]] static Result<OutputFile> create(const std::filesystem::path& path,
                                                 unsigned mode = 0644);
  ~OutputFile();
  OutputFile(OutputFile&&) noexcept;
  OutputFile& operator=(OutputFile&&) noexcept;

  [[nodiscard]] Result<void> write(std::string_view bytes);
  /// Everything is on disk and the file stands under its name. Call it once, last.
  [[nodiscard]] Result<void> commit();

 private:
  struct State;
  explicit OutputFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tidelimit::store
