#include "store/files/file.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace tidelimit::store {
namespace {

constexpr std::string_view kAside = ".tmp-";

/// Closes on the way out, whichever way that is.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }

 private:
  int fd_;
};

Code code_of(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return Code::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::permission_denied;
    case EEXIST:
    case ENOTEMPTY:
      return Code::already_exists;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
      return Code::resource_exhausted;
    default:
      return Code::unavailable;
  }
}

Result<void> write_all(int fd, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail_errno(path, "write", errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return fail_errno(path, "sync", errno);
  return {};
}

}  // namespace

tl::unexpected<Error> fail_errno(const std::filesystem::path& path, std::string_view what,
                                 int error_number) {
  return fail(code_of(error_number),
              fmt::format("{}: cannot {}: {}", path.string(), what,
                          std::error_code(error_number, std::generic_category()).message()));
}

std::filesystem::path name_aside(const std::filesystem::path& path) {
  static std::atomic<unsigned> count{0};
  return path.string() + fmt::format("{}{}-{}", kAside, ::getpid(), ++count);
}

void remove_asides_of(const std::filesystem::path& path, bool of_any_process) {
  std::string begin = path.filename().string() + std::string(kAside);
  if (!of_any_process) begin += fmt::format("{}-", ::getpid());
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    std::error_code kept;
    if (entry->path().filename().string().starts_with(begin))
      std::filesystem::remove(entry->path(), kept);
  }
}

bool is_aside(const std::filesystem::path& path) {
  return path.filename().string().find(kAside) != std::string::npos;
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t most) {
  // Without waiting for the other end of a pipe, which is refused below.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) return fail_errno(path, "open", errno);
  struct stat about {};
  if (::fstat(file.get(), &about) != 0) return fail_errno(path, "read", errno);
  if (!S_ISREG(about.st_mode)) {
    return fail(Code::invalid_argument, path.string() + ": not a regular file");
  }
  std::string bytes;
  char part[1 << 16];
  while (true) {
    const auto got = ::read(file.get(), part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path, "read", errno);
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(got) > most) {
      return fail(Code::resource_exhausted,
                  fmt::format("{}: longer than the {} bytes allowed", path.string(), most));
    }
    bytes.append(part, static_cast<std::size_t>(got));
  }
}

Result<void> write_file(const std::filesystem::path& path, std::string_view bytes) {
  const auto aside = name_aside(path);
  const auto written = [&]() -> Result<void> {
    const Descriptor file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file.open()) return fail_errno(path, "create", errno);
    return write_all(file.get(), bytes, path);
  }();
  if (!written) {
    ::unlink(aside.c_str());
    return written;
  }
  if (::rename(aside.c_str(), path.c_str()) != 0) {
    const int why = errno;
    ::unlink(aside.c_str());
    return fail_errno(path, "replace", why);
  }
  return sync_folder(path.parent_path());
}

Result<void> make_folder(const std::filesystem::path& folder) {
  if (folder.empty()) return {};
  std::error_code why;
  std::filesystem::create_directories(folder, why);
  if (why) return fail_errno(folder, "make the folder", why.value());
  return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path named = folder.empty() ? "." : folder;
  const Descriptor opened(::open(named.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened.open()) return fail_errno(named, "open the folder", errno);
  // Some file systems (overlay, FUSE) know no sync of folders and say EINVAL: nothing more to do.
  if (::fsync(opened.get()) != 0 && errno != EINVAL) return fail_errno(named, "sync", errno);
  return {};
}

}  // namespace tidelimit::store
