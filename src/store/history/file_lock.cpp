#include "store/history/file_lock.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "store/files/file.hpp"

namespace tidelimit::store {
namespace fs = std::filesystem;

std::optional<FileIdentity> found_at(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileIdentity{status.st_dev, status.st_ino};
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

bool FileLock::is_at(const fs::path& path) const {
  struct stat held {};
  if (::fstat(fd_, &held) != 0) return true;
  return found_at(path) == FileIdentity{held.st_dev, held.st_ino};
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

}  // namespace tidelimit::store
