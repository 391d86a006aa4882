#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "store/history/sqlite.hpp"

namespace tidelimit::store {

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

/// The history's SQLite file, checked, migrated and open twice: reads don't wait for writes (WAL).
struct HistoryFile {
  /// Which file a path leads to.
  struct Identity {
    std::uint64_t device = 0;
    std::uint64_t number = 0;
    bool operator==(const Identity&) const = default;
  };
  FileLock lock;
  Database writer;
  Database reader;
  std::optional<std::filesystem::path> moved_aside;  ///< where a damaged file was put
  std::string notice;                                ///< of that, for people
  std::filesystem::path path = {};
  Identity opened = {};
};

/// Opens or makes the file. What is not ours, of a newer version, locked or not writable is refused
/// with the reason. A file of ours that is damaged is moved to NAME.corrupt-TIME and a fresh one
/// begun, since the gate must start; what people decided is carried over, as far as it can be read.
[[nodiscard]] Result<HistoryFile> open_history_file(const std::filesystem::path& path);

/// The path leads to the file that is open, and so does the lock's to the one that is held.
[[nodiscard]] bool is_in_place(const HistoryFile& file);
/// For one that is not. A file that was deleted is written anew from the open one, with its lock
/// and its folder: all that was stored is kept, and `notice` says so. Where another stands in its
/// place, or another process holds the lock, an error with the mend: what is written now would be
/// lost.
[[nodiscard]] Result<void> keep_in_place(HistoryFile& file);

}  // namespace tidelimit::store
