#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/address.hpp"
#include "base/error.hpp"
#include "base/host_port.hpp"

struct sockaddr_storage;

namespace tidelimit::serve {

/// A file descriptor with one owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { close(); }

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

/// A listening TCP socket that others of this process may share (SO_REUSEPORT), non-blocking.
/// Errors name the address: a port in use, an address that is not this machine's, no permission.
[[nodiscard]] Result<Fd> listen_tcp(const HostPort& place);

/// A UDP socket with a receive buffer of several MiB where the kernel allows it, non-blocking.
[[nodiscard]] Result<Fd> bind_udp(const HostPort& place);

/// Refuses an address that some process listens on already. SO_REUSEPORT alone would let a second
/// tidelimit share the port in silence and take half of the traffic.
[[nodiscard]] Result<void> require_free_port(const HostPort& place);

/// The port that the kernel gave.
[[nodiscard]] std::uint16_t local_port(const Fd& socket);

/// The address of a peer; IPv4 in IPv6 sockets as IPv4. nullopt for families without one.
[[nodiscard]] std::optional<Address> peer_address(const sockaddr_storage& peer);

}  // namespace tidelimit::serve
