#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/error.hpp"

namespace tidelimit::store {

/// Which file a path leads to.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t number = 0;
  bool operator==(const FileIdentity&) const = default;
};
/// None where it leads nowhere, and errno says why.
[[nodiscard]] std::optional<FileIdentity> found_at(const std::filesystem::path& path);

/// The lock that keeps a second gate off the file. Released by the kernel when the process ends,
/// however it ends.
class FileLock {
 public:
  [[nodiscard]] static Result<FileLock> take(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();
  /// False when `path` leads to another file now, or to none: it keeps nobody off any more.
  [[nodiscard]] bool is_at(const std::filesystem::path& path) const;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace tidelimit::store
