#include "serve/http/server.hpp"

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <vector>

#include "serve/http/connection.hpp"

namespace tidelimit::serve {
namespace {

constexpr int kAcceptsPerTurn = 64;  // a storm of connections must not starve those that are open
constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";

bool is_loopback(const Address& address) {
  if (address.is_v4()) return address.bytes[12] == 127;
  Address one;
  one.bytes[15] = 1;
  return address == one;
}

}  // namespace

HttpServer::HttpServer(Loop& loop, LoopBuffers& buffers, Fd listener, Handler& handler,
                       const HttpLimits& limits, ConnectionQuota& quota)
    : loop_(loop),
      buffers_(buffers),
      listener_(std::move(listener)),
      handler_(handler),
      limits_(limits),
      quota_(quota) {
  (void)loop_.add(listener_.get(), EPOLLIN, *this);
  loop_.every_second([this] { keep_house(); });
}

HttpServer::~HttpServer() = default;

void HttpServer::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    Fd socket(accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size,
                      SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        resting_ = true;
        loop_.remove(listener_.get());
      }
      return;
    }
    if (const auto address = peer_address(peer)) accept_one(std::move(socket), *address);
  }
}

void HttpServer::accept_one(Fd socket, const Address& address) {
  const Peer peer{.address = address, .loopback = is_loopback(address)};
  const bool exempt = handler_.trusts(peer);
  const ClientId client = client_of(address);
  if (!quota_.enter(client, exempt)) {
    (void)!send(socket.get(), kFull.data(), kFull.size(), MSG_NOSIGNAL);
    return;
  }
  const int on = 1;
  (void)setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const std::uint64_t id = next_id_++;
  const int fd = socket.get();
  auto connection = std::make_unique<HttpConnection>(*this, id, std::move(socket), peer, exempt);
  if (!loop_.add(fd, EPOLLIN | EPOLLRDHUP | EPOLLET, *connection)) return;
  connections_.emplace(id, std::move(connection));
}

void HttpServer::close(std::uint64_t id) {
  connections_.erase(id);
}

HttpConnection* HttpServer::find(std::uint64_t id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void HttpServer::keep_house() {
  if (resting_ && listener_) resting_ = !loop_.add(listener_.get(), EPOLLIN, *this);
  std::vector<HttpConnection*> all;  // a connection may go while it is looked at
  all.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) all.push_back(connection.get());
  for (HttpConnection* connection : all) connection->check_time(loop_.now().mono);
}

void HttpServer::drain() {
  draining_ = true;
  if (listener_) {
    loop_.remove(listener_.get());
    listener_.close();
  }
  std::vector<HttpConnection*> all;
  for (const auto& [id, connection] : connections_) all.push_back(connection.get());
  for (HttpConnection* connection : all) connection->drain();
}

}  // namespace tidelimit::serve
