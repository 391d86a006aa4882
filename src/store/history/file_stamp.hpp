#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "store/history/file_lock.hpp"
#include "store/history/sqlite.hpp"

namespace tidelimit::store {

/// How the file and its log were left by the last write: nothing but SQLite changes either, so that
/// a difference which SQLite's own books don't explain is somebody's `cp` or `>` into the file.
struct FileStamp {
  /// What stat(2) says. A log may grow in between: another SQLite program wrote.
  struct Outside {
    FileIdentity file, log;
    std::uint64_t size = 0, log_size = 0;
    std::int64_t changed_ns = 0;
  };
  /// Which log it is, and how many of its frames were folded into the file
  /// (https://sqlite.org/walformat.html, 2.1): every checkpoint changes one of these.
  using Folded = std::array<std::uint32_t, 3>;
  Outside outside;
  std::optional<Folded> folded;
};

[[nodiscard]] FileStamp stamp_of(const Database& writer);

/// One call of stat(2) for each of the two: cheap enough for every write.
[[nodiscard]] bool is_as_left(const Database& writer, const FileStamp& left);
/// For one that is not: whether checkpoints of another SQLite program explain it, or may.
[[nodiscard]] bool is_checkpointed(const Database& writer, const FileStamp& left);

}  // namespace tidelimit::store
