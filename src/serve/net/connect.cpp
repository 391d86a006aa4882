#include "serve/net/connect.hpp"

#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

namespace tidelimit::serve {

bool Deadline::bound(int fd, int parts) const {
  const auto left =
      std::chrono::duration_cast<std::chrono::microseconds>(end_ - std::chrono::steady_clock::now())
          .count() /
      parts;
  if (left <= 0) return false;
  const timeval limit{.tv_sec = left / 1'000'000,
                      .tv_usec = static_cast<suseconds_t>(left % 1'000'000)};
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return true;
}

Result<Fd> connect_to_any(const addrinfo* addresses, const Deadline& deadline) {
  int left = 0;
  for (const addrinfo* one = addresses; one != nullptr; one = one->ai_next) ++left;
  int error = ECONNREFUSED;
  for (const addrinfo* one = addresses; one != nullptr; one = one->ai_next, --left) {
    Fd fd(socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC, one->ai_protocol));
    if (!fd) continue;
    if (!deadline.bound(fd.get(), left)) return fail(Code::unavailable, kTooLate);
    if (connect(fd.get(), one->ai_addr, one->ai_addrlen) == 0) return fd;
    error = errno;
  }
  return fail(Code::unavailable, std::strerror(error == EINPROGRESS ? ETIMEDOUT : error));
}

}  // namespace tidelimit::serve
