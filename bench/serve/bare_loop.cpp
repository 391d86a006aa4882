// What a call over loopback costs before anybody thinks about it: epoll, one read, one write.
#include <array>
#include <cstdio>
#include <netinet/in.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/servers.hpp"

namespace tidelimit::bench {
namespace {

constexpr std::string_view kEnd = "\r\n\r\n";
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

int listen_on(std::uint16_t port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  const int one = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound =
      ::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  return bound && ::listen(listener, 1024) == 0 ? listener : -1;
}

/// False when the connection is over. A head comes whole: the load sends it with one write.
bool answer(int connection) {
  std::array<char, 4096> buffer;
  const ssize_t count = ::read(connection, buffer.data(), buffer.size());
  if (count <= 0) return false;
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  if (!bytes.ends_with(kEnd)) return false;
  return ::write(connection, kAnswer.data(), kAnswer.size()) ==
         static_cast<ssize_t>(kAnswer.size());
}

}  // namespace

int run_bare_loop(std::uint16_t port) {
  const int listener = listen_on(port);
  const int epoll = ::epoll_create1(0);
  const auto watch = [&](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
  };
  if (listener < 0 || !watch(listener)) {
    std::perror("bare loop");
    return 1;
  }
  std::array<epoll_event, 64> events;
  for (;;) {
    const int ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener)
        watch(::accept(listener, nullptr, nullptr));
      else if (!answer(fd))
        ::close(fd);
    }
  }
}

}  // namespace tidelimit::bench
