#include "serve/net/socket.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidelimit::serve {
namespace {

constexpr int kBacklog = 4096;                // the kernel cuts it to net.core.somaxconn
constexpr int kSyslogReceiveBytes = 4 << 20;  // a burst of some thousand access-log lines

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<SocketAddress> to_socket_address(const HostPort& place) {
  SocketAddress address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (inet_pton(AF_INET, place.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(place.port);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
  } else if (inet_pton(AF_INET6, place.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(place.port);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
  } else {
    return fail(Code::invalid_argument, "can't listen on " + format_host_port(place) + ": \"" +
                                            place.host +
                                            "\" is no IP address; use 127.0.0.1, 0.0.0.0, ::1 or "
                                            "another address of this machine");
  }
  return address;
}

tl::unexpected<Error> bind_failure(const HostPort& place, int error) {
  const std::string where = "can't listen on " + format_host_port(place) + ": ";
  switch (error) {
    case EADDRINUSE:
      return fail(Code::failed_precondition,
                  where +
                      "the port is in use by another process; stop it or choose another port "
                      "under `listen`");
    case EADDRNOTAVAIL:
      return fail(Code::invalid_argument, where + "this machine has no such address");
    case EACCES:
      return fail(Code::permission_denied,
                  where + "no permission; ports below 1024 need CAP_NET_BIND_SERVICE");
    default:
      return fail(Code::internal, where + std::strerror(error));
  }
}

void set_option(int fd, int level, int name, int value) {
  // Failure leaves the kernel's default, which is safe everywhere this is used.
  (void)setsockopt(fd, level, name, &value, sizeof value);
}

Result<Fd> bound_socket(const HostPort& place, int type, bool shared) {
  const auto address = to_socket_address(place);
  if (!address) return tl::unexpected(address.error());
  Fd fd(socket(address->storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return bind_failure(place, errno);
  if (type == SOCK_STREAM) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (shared) set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address->storage), address->size) != 0)
    return bind_failure(place, errno);
  return fd;
}

}  // namespace

void Fd::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Fd> listen_tcp(const HostPort& place) {
  auto fd = bound_socket(place, SOCK_STREAM, true);
  if (fd && listen(fd->get(), kBacklog) != 0) return bind_failure(place, errno);
  return fd;
}

Result<Fd> bind_udp(const HostPort& place) {
  auto fd = bound_socket(place, SOCK_DGRAM, false);
  if (fd) set_option(fd->get(), SOL_SOCKET, SO_RCVBUF, kSyslogReceiveBytes);
  return fd;
}

Result<void> require_free_port(const HostPort& place) {
  if (place.port == 0) return {};
  const auto probe = bound_socket(place, SOCK_STREAM, false);
  if (!probe) return tl::unexpected(probe.error());
  if (listen(probe->get(), 1) != 0) return bind_failure(place, errno);
  return {};
}

std::uint16_t local_port(const Fd& socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
  if (storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

std::optional<Address> peer_address(const sockaddr_storage& peer) {
  Address address;
  if (peer.ss_family == AF_INET) {
    address.bytes[10] = address.bytes[11] = 0xff;
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    std::memcpy(&address.bytes[12], &v4.sin_addr, 4);
    return address;
  }
  if (peer.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer);
    std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
    return address;
  }
  return std::nullopt;
}

}  // namespace tidelimit::serve
