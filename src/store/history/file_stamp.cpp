#include "store/history/file_stamp.hpp"

#include <cstring>
#include <sqlite3.h>
#include <sys/stat.h>

namespace tidelimit::store {
namespace {

constexpr int kCheckpointLock = 1;         // WAL_CKPT_LOCK
constexpr int kRegionBytes = 32 * 1024;    // of the log's index, as it is mapped
constexpr std::size_t kSaltOffset = 32;    // of two words
constexpr std::size_t kFramesOffset = 96;  // WalCkptInfo.nBackfill

FileStamp::Outside outside_of(const Database& writer) {
  FileStamp::Outside outside;
  struct stat status {};
  if (::stat(writer.path().c_str(), &status) == 0) {
    outside.file = {status.st_dev, status.st_ino};
    outside.size = static_cast<std::uint64_t>(status.st_size);
    outside.changed_ns = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  }
  if (::stat((writer.path().string() + "-wal").c_str(), &status) == 0) {
    outside.log = {status.st_dev, status.st_ino};
    outside.log_size = static_cast<std::uint64_t>(status.st_size);
  }
  return outside;
}

/// The connection's own view of its file; null where it has none with a shared log.
sqlite3_file* file_of(const Database& writer) {
  sqlite3_file* file = nullptr;
  if (writer.handle() == nullptr) return nullptr;
  sqlite3_file_control(writer.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  const bool shares = file != nullptr && file->pMethods != nullptr && file->pMethods->iVersion >= 2;
  return shares ? file : nullptr;
}

/// Read where the connection has it mapped: a descriptor of our own on the index would, closed,
/// take SQLite's locks with it (fcntl(2), F_SETLK).
std::optional<FileStamp::Folded> folded_of(sqlite3_file* file) {
  void volatile* region = nullptr;
  if (file == nullptr || file->pMethods->xShmMap(file, 0, kRegionBytes, 0, &region) != SQLITE_OK ||
      region == nullptr)
    return std::nullopt;
  const auto* words = static_cast<const volatile std::uint32_t*>(region);
  const auto word = [&](std::size_t offset) { return words[offset / sizeof *words]; };
  return FileStamp::Folded{word(kSaltOffset), word(kSaltOffset + 4), word(kFramesOffset)};
}

}  // namespace

// The books before the file: a checkpoint between the two shows in the books later.
FileStamp stamp_of(const Database& writer) {
  const auto folded = folded_of(file_of(writer));
  return {outside_of(writer), folded};
}

bool is_as_left(const Database& writer, const FileStamp& left) {
  const auto now = outside_of(writer);
  const auto& then = left.outside;
  return now.file == then.file && now.size == then.size && now.changed_ns == then.changed_ns &&
         now.log == then.log && now.log_size >= then.log_size;
}

bool is_checkpointed(const Database& writer, const FileStamp& left) {
  sqlite3_file* const file = file_of(writer);
  if (file == nullptr || !left.folded) return true;
  // Who can't have the lock looks on while a checkpoint is made, which is not in the books yet.
  const auto lock = [&](int how) {
    return file->pMethods->xShmLock(file, kCheckpointLock, 1, how | SQLITE_SHM_EXCLUSIVE);
  };
  if (lock(SQLITE_SHM_LOCK) != SQLITE_OK) return true;
  const auto now = folded_of(file);
  const bool alike = now == left.folded && !is_as_left(writer, left);
  lock(SQLITE_SHM_UNLOCK);
  return !alike;
}

}  // namespace tidelimit::store
