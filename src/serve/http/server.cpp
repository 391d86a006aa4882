#include "serve/http/server.hpp"

#include <string_view>
#include <vector>

#include "serve/http/connection.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";

}  // namespace

HttpServer::HttpServer(Loop& loop, LoopBuffers& buffers, Fd listener, Handler& handler,
                       const HttpLimits& limits, ConnectionQuota& quota)
    : loop_(loop),
      buffers_(buffers),
      handler_(handler),
      limits_(limits),
      quota_(quota),
      acceptor_(loop, std::move(listener), quota, Wire::http, kFull,
                {.trusts = [this](const Peer& peer) { return handler_.trusts(peer); },
                 .take = [this](Fd socket, const Peer& peer,
                                bool exempt) { take(std::move(socket), peer, exempt); }}) {
  loop_.every_second([this] { keep_house(); });
}

HttpServer::~HttpServer() = default;

void HttpServer::take(Fd socket, const Peer& peer, bool exempt) {
  const std::uint64_t id = next_id_++;
  const int fd = socket.get();
  auto connection = std::make_unique<HttpConnection>(*this, id, std::move(socket), peer, exempt);
  if (!loop_.add(fd, Stream::kEvents, *connection)) return;
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
  std::vector<HttpConnection*> all;  // a connection may go while it is looked at
  all.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) all.push_back(connection.get());
  for (HttpConnection* connection : all) connection->check_time(loop_.now().mono);
}

void HttpServer::drain() {
  draining_ = true;
  acceptor_.close();
  std::vector<HttpConnection*> all;
  for (const auto& [id, connection] : connections_) all.push_back(connection.get());
  for (HttpConnection* connection : all) connection->drain();
}

}  // namespace tidelimit::serve
