#include "serve/http2/server.hpp"

#include <string_view>
#include <vector>

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
                 .take = [this](Fd socket, const Peer& peer,
                                bool exempt) { take(std::move(socket), peer, exempt); }}) {
  loop_.every_second([this] { keep_house(); });
}

Http2Server::~Http2Server() = default;

void Http2Server::take(Fd socket, const Peer& peer, bool exempt) {
  const std::uint64_t id = next_id_++;
  const int fd = socket.get();
  auto connection = std::make_unique<Http2Connection>(*this, id, std::move(socket), peer, exempt);
  if (!loop_.add(fd, Stream::kEvents, *connection)) return;
  connections_.emplace(id, std::move(connection));
}

void Http2Server::close(std::uint64_t id) {
  connections_.erase(id);
}

void Http2Server::keep_house() {
  std::vector<Http2Connection*> all;  // a connection may go while it is looked at
  all.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) all.push_back(connection.get());
  for (Http2Connection* connection : all) connection->check_time(loop_.now().mono);
}

void Http2Server::drain() {
  acceptor_.close();
  std::vector<Http2Connection*> all;
  for (const auto& [id, connection] : connections_) all.push_back(connection.get());
  for (Http2Connection* connection : all) connection->drain();
}

}  // namespace tidelimit::serve
