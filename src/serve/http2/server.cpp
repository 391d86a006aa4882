#include "serve/http2/server.hpp"

#include <string_view>

#include "serve/http2/connection.hpp"

namespace tidelimit::serve {
namespace {

using namespace std::string_view_literals;

/// Settings, as every connection must begin, and GOAWAY with ENHANCE_YOUR_CALM.
constexpr std::string_view kFull =
    "\0\0\0\4\0\0\0\0\0"
    "\0\0\x8\7\0\0\0\0\0\0\0\0\0\0\0\0\xb"sv;

}  // namespace

Http2Server::Http2Server(Loop& loop, LoopBuffers& buffers, Fd listener, Application& application,
                         const Http2Limits& limits, ConnectionQuota& quota)
    : loop_(loop),
      buffers_(buffers),
      application_(application),
      limits_(limits),
      quota_(quota),
      acceptor_(loop, std::move(listener), quota, Wire::grpc, kFull,
                {.trusts = [this](const Peer& peer) { return application_.trusts(peer); },
                 .take =
                     [this](Fd socket, const Peer& peer, bool exempt) {
                       connections_.take(*this, std::move(socket), peer, exempt);
                     }}),
      connections_(loop) {}

Http2Server::~Http2Server() = default;

void Http2Server::drain() {
  acceptor_.close();
  connections_.drain();
}

}  // namespace tidelimit::serve
