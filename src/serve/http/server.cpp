#include "serve/http/server.hpp"

#include <string_view>

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
                 .take =
                     [this](Fd socket, const Peer& peer, bool exempt) {
                       connections_.take(*this, std::move(socket), peer, exempt);
                     }}),
      connections_(loop) {}

HttpServer::~HttpServer() = default;

void HttpServer::drain() {
  draining_ = true;
  acceptor_.close();
  connections_.drain();
}

}  // namespace tidelimit::serve
