#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "serve/http/acceptor.hpp"
#include "serve/net/loop.hpp"
#include "serve/net/stream.hpp"

namespace tidelimit::serve {

/// The connections of one server, each under a number of its own. Every second the slow among them
/// are let go of. On the loop's thread only.
template <class Connection>
class ConnectionTable {
 public:
  explicit ConnectionTable(Loop& loop) : loop_(loop) {
    loop_.every_second([this] {
      visit([this](Connection& connection) { connection.check_time(loop_.now().mono); });
    });
  }
  ConnectionTable(const ConnectionTable&) = delete;
  ConnectionTable& operator=(const ConnectionTable&) = delete;

  template <class Server>
  void take(Server& server, Fd socket, const Peer& peer, bool exempt) {
    const std::uint64_t id = next_id_++;
    const int fd = socket.get();
    auto connection = std::make_unique<Connection>(server, id, std::move(socket), peer, exempt);
    if (!loop_.add(fd, Stream::kEvents, *connection)) return;
    connections_.emplace(id, std::move(connection));
  }
  void close(std::uint64_t id) { connections_.erase(id); }

  [[nodiscard]] bool empty() const { return connections_.empty(); }
  /// Null where it is gone.
  [[nodiscard]] Connection* find(std::uint64_t id) const {
    const auto found = connections_.find(id);
    return found == connections_.end() ? nullptr : found->second.get();
  }
  /// Each finishes what is under way and goes.
  void drain() {
    visit([](Connection& connection) { connection.drain(); });
  }

 private:
  /// Each of them; it may go while it is visited.
  template <class Visit>
  void visit(Visit look) {
    std::vector<Connection*> all;
    all.reserve(connections_.size());
    for (const auto& [id, connection] : connections_) all.push_back(connection.get());
    for (Connection* connection : all) look(*connection);
  }

  Loop& loop_;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
};

}  // namespace tidelimit::serve
