#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

#include "store/files/file.hpp"
#include "store/history/history_begin.hpp"
#include "store/history/history_file.hpp"

namespace tidelimit::store {
namespace fs = std::filesystem;
namespace {

Result<void> out_of_place(const fs::path& path, const std::string& why) {
  return fail(Code::resource_exhausted,
              fmt::format("{}: deleted or replaced while in use ({}), so nothing is written there. "
                          "Restart the gate to go on with what is there now, or move that away: "
                          "then the file in use is written anew",
                          path.string(), why));
}

Result<void> written_over(const fs::path& path) {
  return fail(Code::resource_exhausted,
              fmt::format("{}: cut or written over while in use, so nothing is written there. It "
                          "is begun anew with what is in force",
                          path.string()));
}

Result<void> open_both(HistoryFile& file) {
  auto writer = open_writer(file.path);
  if (!writer) return tl::unexpected(writer.error());
  auto reader = Database::open(file.path, Database::Access::read);
  if (!reader) return tl::unexpected(reader.error());
  file.writer = std::move(*writer);
  file.reader = std::move(*reader);
  file.opened = found_at(file.path).value_or(FileIdentity{});
  file.left = stamp_of(file.writer);
  return {};
}

fs::path copy_path(const HistoryFile& file) {
  return file.path.string() + ".anew";
}

/// An empty file beside the one in use, in the place of what an attempt before may have left.
Result<void> begin_copy(const HistoryFile& file) {
  std::error_code why;
  for (const char* end : {"", "-wal", "-shm"}) fs::remove(copy_path(file).string() + end, why);
  return create_private(copy_path(file));
}

/// The copy takes the file's name, which nothing has by now. SQLite may remove the log of the one
/// that it closes by its name, so that one is closed before the new one gets it.
Result<void> put_copy_in_place(HistoryFile& file) {
  file.reader = {};
  file.writer = {};
  // What is left of its log is in the copy, and must not be taken for the copy's.
  std::error_code why;
  for (const char* end : {"-wal", "-shm"}) fs::remove(file.path.string() + end, why);
  fs::rename(copy_path(file), file.path, why);
  if (why) return fail_errno(file.path, "write anew", why.value());
  file.overwritten = false;
  file.unwritable.reset();
  file.opened = found_at(file.path).value_or(FileIdentity{});
  auto open = open_both(file);
  if (!open) file.unwritable = open.error();  // it is tried again as one that was opened so
  return open;
}

/// The open file has no name any more, but all that it held.
Result<void> write_anew(HistoryFile& file) {
  if (auto begun = begin_copy(file); !begun) return begun;
  Database& whole = file.unwritable ? file.reader : file.writer;
  if (auto copied = whole.copy_to(copy_path(file)); !copied) return copied;
  if (auto put = put_copy_in_place(file); !put) return put;
  file.notice = fmt::format(
      "the state file {} was deleted while in use; it was written anew with all that it held",
      file.path.string());
  spdlog::error("{}", file.notice);
  return {};
}

/// Of a file that was opened to be read: its disk may have room again.
Result<void> open_to_be_written(HistoryFile& file) {
  file.reader = {};  // which has the file to itself
  if (auto open = open_both(file); !open) {
    file.unwritable = open.error();
    if (auto reader = open_lone_reader(file.path)) file.reader = std::move(*reader);
    const bool full = open.error().code == Code::resource_exhausted;
    return fail(open.error().code,
                full ? fmt::format("{}: the disk is full, so nothing is written; what is stored "
                                   "there is in force. Free space on it, writing resumes by itself",
                                   file.path.string())
                     : open.error().message);
  }
  file.unwritable.reset();
  return {};
}

}  // namespace

bool is_in_place(const HistoryFile& file) {
  return !file.unwritable && !file.overwritten && is_as_left(file.writer, file.left) &&
         file.opened == file.left.outside.file && file.lock.is_at(lock_path(file.path));
}

Result<void> keep_in_place(HistoryFile& file) {
  if (file.overwritten) return written_over(file.path);
  const auto there = found_at(file.path);
  // One that can't be looked at is not gone.
  if (!there && errno != ENOENT && errno != ENOTDIR) return {};
  if (auto made = make_folder(file.path.parent_path()); !made) return made;
  if (!file.lock.is_at(lock_path(file.path))) {
    auto lock = FileLock::take(lock_path(file.path));
    if (!lock) return out_of_place(file.path, lock.error().message);
    file.lock = std::move(*lock);
  }
  if (there == file.opened) {
    if (file.unwritable) return open_to_be_written(file);
    if (is_checkpointed(file.writer, file.left)) {
      file.left = stamp_of(file.writer);
      return {};
    }
    file.overwritten = true;
    // Nor is anything to be mixed into what stands there now.
    for (Database* open : {&file.writer, &file.reader}) open->leave_log_on_close();
    return written_over(file.path);
  }
  if (there) return out_of_place(file.path, "another file stands in its place");
  return write_anew(file);
}

Result<void> begin_anew(HistoryFile& file, const std::function<Result<void>(Database&)>& fill) {
  if (!file.overwritten) return {};
  if (auto begun = begin_copy(file); !begun) return begun;
  {
    auto fresh = open_writer(copy_path(file));
    if (!fresh) return tl::unexpected(fresh.error());
    if (auto filled = fresh->transaction([&] { return fill(*fresh); }); !filled) return filled;
  }
  file.reader = {};
  file.writer = {};
  // Its log is of the file that was: what stands there now must not meet it.
  std::error_code why;
  for (const char* end : {"-wal", "-shm"}) fs::remove(file.path.string() + end, why);
  fs::path aside = file.path;
  if (fs::exists(file.path, why)) {
    auto moved = move_aside(file.path, "overwritten");
    if (!moved) return tl::unexpected(moved.error());
    aside = std::move(*moved);
  }
  if (auto put = put_copy_in_place(file); !put) return put;
  file.notice = fmt::format(
      "the state file {} was cut or written over while in use; what stood there is now {}, and a "
      "fresh one was begun with what was in force",
      file.path.string(), aside.string());
  spdlog::error("{}", file.notice);
  return {};
}

}  // namespace tidelimit::store
