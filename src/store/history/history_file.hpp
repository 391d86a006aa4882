#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "store/history/file_lock.hpp"
#include "store/history/file_stamp.hpp"
#include "store/history/sqlite.hpp"

namespace tidelimit::store {

/// The history's SQLite file, checked, migrated and open twice: reads don't wait for writes (WAL).
struct HistoryFile {
  FileLock lock;
  Database writer;  ///< of no file while `unwritable`
  Database reader;
  std::optional<std::filesystem::path> moved_aside;  ///< where a damaged file was put
  std::string notice;                                ///< of that, for people
  std::filesystem::path path = {};
  FileIdentity opened = {};
  FileStamp left = {};                   ///< as of the last write
  bool overwritten = false;              ///< what stands in it now is not what was written
  std::optional<Error> unwritable = {};  ///< it was opened to be read only, since its disk is full
};

/// Opens or makes the file. What is not ours, of a newer version, locked or not writable is refused
/// with the reason; where it is its disk that has no room or fails, the file is opened to be read.
/// A file of ours that is damaged, or is empty though a gate had it, is moved to NAME.corrupt-TIME
/// and a fresh one begun, since the gate must start; what people decided is carried over, as far as
/// it can be read.
[[nodiscard]] Result<HistoryFile> open_history_file(const std::filesystem::path& path);

/// The path leads to the file that is open, as it was left, and so does the lock's to the one that
/// is held.
[[nodiscard]] bool is_in_place(const HistoryFile& file);
/// For one that is not. A file that was deleted is written anew from the open one, with its lock
/// and its folder: all that was stored is kept, and `notice` says so. One that was opened to be
/// read is opened to be written, if that can be. Where another stands in its place, another
/// process holds the lock, or it was cut or written over, an error with the mend: what is written
/// now would be lost.
[[nodiscard]] Result<void> keep_in_place(HistoryFile& file);
/// Of one that was `overwritten`: what stands there is moved to NAME.overwritten-TIME, and a fresh
/// file begun, which `fill` fills in one transaction.
[[nodiscard]] Result<void> begin_anew(HistoryFile& file,
                                      const std::function<Result<void>(Database&)>& fill);

}  // namespace tidelimit::store
