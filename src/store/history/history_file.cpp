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

/// The file that a path leads to; none where it leads nowhere, and errno says why.
std::optional<HistoryFile::Identity> found_at(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return HistoryFile::Identity{status.st_dev, status.st_ino};
}

fs::path lock_path(const fs::path& path) {
  return path.string() + ".lock";
}

/// Users' names and addresses are in it, so only the owner reads it.
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

Result<fs::path> move_aside(const fs::path& path) {
  const auto now =
      std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
  std::string stamp = format_time(WallTime{now});
  std::erase(stamp, ':');
  std::erase(stamp, '-');
  fs::path aside = path.string() + ".corrupt-" + stamp;
  std::error_code why;
  for (int n = 2; fs::exists(aside, why); ++n) {
    aside = fmt::format("{}.corrupt-{}-{}", path.string(), stamp, n);
  }
  fs::rename(path, aside, why);
  if (why) return fail_errno(path, "move the damaged file aside", why.value());
  // The log goes with its file: what it holds may be wanted, and a fresh file must not meet it.
  fs::rename(path.string() + "-wal", aside.string() + "-wal", why);
  fs::remove(path.string() + "-shm", why);
  return aside;
}

struct Begun {
  Database writer;
  fs::path moved_aside;
  std::string notice;
};

Result<Begun> begin_afresh(const fs::path& path, const Error& damage) {
  auto aside = move_aside(path);
  if (!aside) return tl::unexpected(aside.error());
  Salvage found;
  if (auto damaged = Database::open(*aside, Database::Access::read)) {
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

Result<void> out_of_place(const fs::path& path, const std::string& why) {
  return fail(Code::resource_exhausted,
              fmt::format("{}: deleted or replaced while in use ({}), so nothing is written there. "
                          "Restart the gate to go on with what is there now, or move that away: "
                          "then the file in use is written anew",
                          path.string(), why));
}

/// The open file has no name any more, but all that it held. SQLite may remove the log of the
/// one that it closes by its name, so that one is closed before the new one gets it.
Result<void> write_anew(HistoryFile& file) {
  const fs::path copy = file.path.string() + ".anew";
  std::error_code why;
  fs::remove(copy, why);
  if (auto made = create_private(copy); !made) return made;
  if (auto copied = file.writer.copy_to(copy); !copied) return copied;
  file.reader = {};
  file.writer = {};
  // What is left of its log is in the copy, and must not be taken for the copy's.
  for (const char* end : {"-wal", "-shm"}) fs::remove(file.path.string() + end, why);
  fs::rename(copy, file.path, why);
  if (why) return fail_errno(file.path, "write anew", why.value());
  auto writer = open_writer(file.path);
  if (!writer) return tl::unexpected(writer.error());
  auto reader = Database::open(file.path, Database::Access::read);
  if (!reader) return tl::unexpected(reader.error());
  file.writer = std::move(*writer);
  file.reader = std::move(*reader);
  file.opened = found_at(file.path).value_or(HistoryFile::Identity{});
  file.notice = fmt::format(
      "the state file {} was deleted while in use; it was written anew with all that it held",
      file.path.string());
  spdlog::error("{}", file.notice);
  return {};
}

}  // namespace

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

bool FileLock::is_at(const fs::path& path) const {
  struct stat held {};
  if (::fstat(fd_, &held) != 0) return true;
  return found_at(path) == HistoryFile::Identity{held.st_dev, held.st_ino};
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FileLock> FileLock::take(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    auto error = fail_errno(path, "open for writing", errno).value();
    error.message += "; make its folder writable for this user, or name another `state`";
    return tl::unexpected(std::move(error));
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return FileLock(fd);
  const int why = errno;
  ::close(fd);
  if (why != EWOULDBLOCK) return fail_errno(path, "lock", why);
  return fail(
      Code::failed_precondition,
      path.string() + ": held by another running tidelimit; stop it, or name another `state`");
}

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

  std::optional<fs::path> moved_aside;
  std::string notice;
  auto writer = open_writer(path);
  if (!writer && writer.error().code == Code::data_loss && *kind == Kind::ours) {
    auto begun = begin_afresh(path, writer.error());
    if (!begun) return tl::unexpected(begun.error());
    moved_aside = begun->moved_aside;
    notice = std::move(begun->notice);
    writer = std::move(begun->writer);
  }
  if (!writer) return tl::unexpected(writer.error());
  auto reader = Database::open(path, Database::Access::read);
  if (!reader) return tl::unexpected(reader.error());
  return HistoryFile{std::move(*lock),
                     std::move(*writer),
                     std::move(*reader),
                     moved_aside,
                     std::move(notice),
                     path,
                     found_at(path).value_or(HistoryFile::Identity{})};
}

bool is_in_place(const HistoryFile& file) {
  return found_at(file.path) == file.opened && file.lock.is_at(lock_path(file.path));
}

Result<void> keep_in_place(HistoryFile& file) {
  const auto there = found_at(file.path);
  // One that can't be looked at is not gone.
  if (!there && errno != ENOENT && errno != ENOTDIR) return {};
  if (auto made = make_folder(file.path.parent_path()); !made) return made;
  if (!file.lock.is_at(lock_path(file.path))) {
    auto lock = FileLock::take(lock_path(file.path));
    if (!lock) return out_of_place(file.path, lock.error().message);
    file.lock = std::move(*lock);
  }
  if (there == file.opened) return {};
  if (there) return out_of_place(file.path, "another file stands in its place");
  return write_anew(file);
}

}  // namespace tidelimit::store
