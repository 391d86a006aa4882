#include "serve/http/acceptor.hpp"

#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>

namespace tidelimit::serve {
namespace {

constexpr int kAcceptsPerTurn = 64;  // a storm of connections must not starve those that are open

/// A descriptor to give up when there is no other.
Fd open_spare() {
  return Fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool is_loopback(const Address& address) {
  if (address.is_v4()) return address.bytes[12] == 127;
  Address one;
  one.bytes[15] = 1;
  return address == one;
}

}  // namespace

Acceptor::Acceptor(Loop& loop, Fd listener, ConnectionQuota& quota, Wire wire,
                   std::string_view full, Callbacks callbacks)
    : loop_(loop),
      listener_(std::move(listener)),
      quota_(quota),
      wire_(wire),
      full_(full),
      callbacks_(std::move(callbacks)),
      spare_(open_spare()) {
  (void)loop_.add(listener_.get(), EPOLLIN, *this);
  loop_.every_second([this] {
    if (resting_ && listener_) resting_ = !loop_.add(listener_.get(), EPOLLIN, *this);
  });
}

void Acceptor::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    Fd socket(accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size,
                      SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      int fault = errno;
      if (fault == EMFILE || fault == ENFILE) {
        fault = refuse_by_spare();
        if (fault == 0) continue;
      }
      if (fault == EMFILE || fault == ENFILE || fault == ENOBUFS || fault == ENOMEM) {
        resting_ = true;
        loop_.remove(listener_.get());
      }
      return;
    }
    if (const auto address = peer_address(peer)) accept_one(std::move(socket), *address);
  }
}

/// A caller that waits unheard can't tell an overloaded gate from a dead one.
int Acceptor::refuse_by_spare() {
  spare_.close();
  Fd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  const int fault = socket ? 0 : errno;  // EAGAIN where nobody waits: that is found out last
  if (socket) {
    (void)!send(socket.get(), full_.data(), full_.size(), MSG_NOSIGNAL);
    (void)quota_.refuse(NoPlace::descriptors);
    socket.close();
  }
  spare_ = open_spare();
  return fault;
}

void Acceptor::accept_one(Fd socket, const Address& address) {
  const Peer peer{.address = address, .loopback = is_loopback(address)};
  const bool exempt = callbacks_.trusts(peer);
  if (!quota_.enter(client_of(address), exempt, wire_)) {
    (void)!send(socket.get(), full_.data(), full_.size(), MSG_NOSIGNAL);
    return;
  }
  const int on = 1;
  (void)setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  callbacks_.take(std::move(socket), peer, exempt);
}

void Acceptor::close() {
  if (!listener_) return;
  loop_.remove(listener_.get());
  listener_.close();
}

}  // namespace tidelimit::serve
