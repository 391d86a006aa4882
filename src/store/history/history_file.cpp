#include "store/history/history_file.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <spdlog/spdlog.h>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/text.hpp"
#include "store/files/file.hpp"
#include "store/history/history_begin.hpp"
#include "store/history/salvage.hpp"
#include "store/history/schema.hpp"

namespace tidelimit::store {
namespace fs = std::filesystem;
namespace {

/// How long the check of a file may hold up the start. A large file is checked in part; damage in
/// the rest shows as errors of single calls, never as a crash.
constexpr std::chrono::milliseconds kCheckBudget{1000};

enum class Kind {
  absent,   ///< no file, or an empty one
  ours,     ///< by its header, whatever the rest is like
  sqlite,   ///< a SQLite file whose header names no program
  foreign,  ///< anything else
};

/// What the first 100 bytes say (https://sqlite.org/fileformat2.html, 1.3). A header of zeros is
/// what some file systems leave of a file after a power cut: nobody's treasure, so it counts as
/// ours.
Result<Kind> kind_of(const fs::path& path) {
  std::error_code why;
  const auto status = fs::status(path, why);
  if (status.type() == fs::file_type::not_found) return Kind::absent;
  if (status.type() != fs::file_type::regular) {
    return fail(Code::invalid_argument,
                path.string() + ": not a regular file; `state` names a file that tidelimit makes");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail_errno(path, "open", errno);
  std::array<char, 100> header{};
  file.read(header.data(), header.size());
  if (file.gcount() == 0) return Kind::absent;
  if (header == std::array<char, 100>{}) return Kind::ours;
  if (std::string_view(header.data(), 16) != std::string_view("SQLite format 3\0", 16)) {
    return Kind::foreign;
  }
  std::uint32_t id = 0;
  for (std::size_t i = 68; i < 72; ++i) id = id << 8 | static_cast<unsigned char>(header[i]);
  return id == kApplicationId ? Kind::ours : Kind::sqlite;
}

}  // namespace

Result<void> create_private(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    auto error = fail_errno(path, "open for writing", errno).value();
    error.message +=
        "; make the file and its folder writable for this user, or name another `state`";
    return tl::unexpected(std::move(error));
  }
  ::close(fd);
  return {};
}

namespace {

/// data_loss when the file is damaged, as far as kCheckBudget shows.
Result<void> check(Database& database) {
  auto deadline = std::chrono::steady_clock::now() + kCheckBudget;
  const auto out_of_time = [](void* end) {
    return static_cast<int>(std::chrono::steady_clock::now() >
                            *static_cast<std::chrono::steady_clock::time_point*>(end));
  };
  sqlite3_progress_handler(database.handle(), 10'000, out_of_time, &deadline);
  std::string verdict = "ok";
  const Error* failed = nullptr;
  Error error;
  {
    auto query = database.query("PRAGMA quick_check(1)");
    const auto row = query.step();
    if (row && *row) verdict = query.text(0);
    if (!row) failed = &(error = row.error());
  }
  const bool interrupted = sqlite3_errcode(database.handle()) == SQLITE_INTERRUPT;
  sqlite3_progress_handler(database.handle(), 0, nullptr, nullptr);
  if (failed != nullptr && !interrupted) return tl::unexpected(error);
  if (verdict != "ok") {
    return fail(Code::data_loss, database.path().string() + ": " + printable(verdict));
  }
  return {};
}

}  // namespace

fs::path lock_path(const fs::path& path) {
  return path.string() + ".lock";
}

bool is_of_the_disk(const Error& error) {
  return error.code == Code::resource_exhausted || error.code == Code::unavailable;
}

Result<Database> open_writer(const fs::path& path) {
  auto writer = Database::open(path, Database::Access::write);
  if (!writer) return writer;
  // 64 MiB: what a burst may leave of the log on disk after it was folded into the file.
  auto ready = writer->script(
      "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 67108864;"
      "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY");
  if (ready) ready = migrate(*writer);
  if (ready) ready = check(*writer);
  // The header, with the mark that the file is ours, belongs in the main file at once.
  if (ready) ready = writer->script("PRAGMA wal_checkpoint(PASSIVE)");
  if (!ready) return tl::unexpected(ready.error());
  return writer;
}

Result<Database> open_lone_reader(const fs::path& path) {
  auto reader = Database::open(path, Database::Access::write);
  if (!reader) return reader;
  // In this mode the index of the log is kept in memory, and no file is needed for it.
  auto ready = reader->script("PRAGMA locking_mode = EXCLUSIVE");
  if (!ready) return tl::unexpected(ready.error());
  const auto version = reader->number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version != schema_version()) {
    return fail(Code::failed_precondition,
                path.string() +
                    ": of an earlier version, which is brought up to date on a disk "
                    "with room only");
  }
  return reader;
}

Result<fs::path> move_aside(const fs::path& path, std::string_view what) {
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  std::string stamp = format_time(WallTime{now});
  std::erase(stamp, ':');
  std::erase(stamp, '-');
  fs::path aside = fmt::format("{}.{}-{}", path.string(), what, stamp);
  std::error_code why;
  for (int n = 2; fs::exists(aside, why); ++n) {
    aside = fmt::format("{}.{}-{}-{}", path.string(), what, stamp, n);
  }
  fs::rename(path, aside, why);
  if (why) return fail_errno(path, "move the file aside", why.value());
  // The log goes with its file: what it holds may be wanted, and a fresh file must not meet it.
  fs::rename(path.string() + "-wal", aside.string() + "-wal", why);
  fs::remove(path.string() + "-shm", why);
  return aside;
}

namespace {

struct Begun {
  Database writer;
  fs::path moved_aside;
  std::string notice;
};

Result<Begun> begin_afresh(const fs::path& path, const Error& damage) {
  auto aside = move_aside(path, "corrupt");
  if (!aside) return tl::unexpected(aside.error());
  Salvage found;
  std::error_code why;
  Result<Database> damaged = tl::unexpected(damage);
  if (fs::file_size(*aside, why) > 0) damaged = Database::open(*aside, Database::Access::read);
  if (damaged) {
    found = salvage(*damaged);
  } else {
    found.holed.emplace_back("all that was set by hand");
  }
  const std::string notice =
      fmt::format("the state file was damaged and is now {}; a fresh one was begun with {}",
                  aside->string(), found.in_words());
  spdlog::error("{} ({}). Until there is enough history again, forecasts are the simple ones.",
                notice, damage.message);
  if (auto made = create_private(path); !made) return tl::unexpected(made.error());
  auto writer = open_writer(path);
  if (!writer) return tl::unexpected(writer.error());
  auto kept = writer->transaction(
      [&] { return put_salvage(*writer, found, engine::History::kConfigurationsKept); });
  if (!kept) return tl::unexpected(kept.error());
  return Begun{std::move(*writer), *aside, notice};
}

/// Its disk keeps the file from being written, so that it is read, and what it holds is in force.
Result<HistoryFile> open_to_be_read(FileLock lock, const fs::path& path, const Error& why) {
  auto reader = open_lone_reader(path);
  if (reader) {
    if (auto whole = check(*reader); !whole) reader = tl::unexpected(whole.error());
  }
  if (!reader) return tl::unexpected(why);
  HistoryFile file{std::move(lock), {}, std::move(*reader), {}, {}};
  file.path = path;
  file.opened = found_at(path).value_or(FileIdentity{});
  file.unwritable = why;
  return file;
}

}  // namespace

Result<HistoryFile> open_history_file(const fs::path& named) {
  // A link is followed once: its lock is that of the file it leads to, and what is written anew or
  // moved aside is that file, wherever the link leads later.
  std::error_code why;
  fs::path path = fs::weakly_canonical(named, why);
  if (why) path = named;
  if (auto made = make_folder(path.parent_path()); !made) {
    Error error = made.error();
    error.message += "; make it writable for this user, or name another `state`";
    return tl::unexpected(std::move(error));
  }
  // The lock stays behind: where it is, and an empty file, there was more once.
  const bool had = fs::exists(lock_path(path), why) && fs::exists(path, why);
  auto lock = FileLock::take(lock_path(path));
  if (!lock) return tl::unexpected(lock.error());
  const auto kind = kind_of(path);
  if (!kind) return tl::unexpected(kind.error());
  if (*kind == Kind::foreign) {
    return fail(Code::failed_precondition,
                path.string() +
                    ": not a tidelimit history (no SQLite file), and left alone; name "
                    "another `state`");
  }
  if (auto made = create_private(path); !made) return tl::unexpected(made.error());

  const bool emptied = *kind == Kind::absent && had;
  Result<Database> writer = fail(Code::data_loss, path.string() + ": empty, though a gate had it");
  if (!emptied) writer = open_writer(path);
  if (!writer && *kind == Kind::ours && is_of_the_disk(writer.error()))
    return open_to_be_read(std::move(*lock), path, writer.error());
  HistoryFile file{std::move(*lock), {}, {}, {}, {}};
  if (!writer && writer.error().code == Code::data_loss && (*kind == Kind::ours || emptied)) {
    auto begun = begin_afresh(path, writer.error());
    if (!begun) return tl::unexpected(begun.error());
    file.moved_aside = begun->moved_aside;
    file.notice = std::move(begun->notice);
    writer = std::move(begun->writer);
  }
  if (!writer) {
    // One that was made here must not look like one that lost all.
    if (*kind == Kind::absent) fs::remove(path, why);
    return tl::unexpected(writer.error());
  }
  auto reader = Database::open(path, Database::Access::read);
  if (!reader) return tl::unexpected(reader.error());
  file.writer = std::move(*writer);
  file.reader = std::move(*reader);
  file.path = path;
  file.opened = found_at(path).value_or(FileIdentity{});
  file.left = stamp_of(file.writer);
  return file;
}

}  // namespace tidelimit::store
