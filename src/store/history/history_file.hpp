#pragma once

#include <filesystem>
#include <optional>

#include "base/error.hpp"
#include "store/history/sqlite.hpp"

namespace tidelimit::store {

/// The lock that keeps a second gate off the file. Released by the kernel when the process ends,
/// however it ends.
class FileLock {
 public:
  [[nodiscard]] static Result<FileLock> take(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

/// The history's SQLite file, checked, migrated and open twice: reads don't wait for writes (WAL).
struct HistoryFile {
  FileLock lock;
  Database writer;
  Database reader;
  std::optional<std::filesystem::path> moved_aside;  ///< where a damaged file was put
};

/// Opens or makes the file. What is not ours, of a newer version, locked or not writable is refused
/// with the reason. A file of ours that is damaged is moved to NAME.corrupt-TIME and a fresh one
/// begun, since the gate must start; overrides that can still be read are carried over.
[[nodiscard]] Result<HistoryFile> open_history_file(const std::filesystem::path& path);

}  // namespace tidelimit::store
