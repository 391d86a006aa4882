#pragma once

#include <cstdint>
#include <string>

#include "serve/http/acceptor.hpp"
#include "serve/http/connection_table.hpp"
#include "serve/http/refusal_counts.hpp"
#include "serve/http/unsent_limits.hpp"
#include "serve/net/loop.hpp"

namespace tidelimit::serve {

class HttpConnection;

/// Bounds on slow and hostile clients.
struct HttpLimits {
  Nanos head_timeout{std::chrono::seconds{10}};   ///< from a head's first byte to its last
  Nanos idle_timeout{std::chrono::seconds{120}};  ///< between requests
  Nanos wait_timeout{std::chrono::seconds{30}};   ///< for an answer from another thread
  /// From the head to the body's last byte.
  static constexpr Nanos kBodyTimeout{std::chrono::seconds{60}};
  ByteBudget* bodies = nullptr;  ///< where bodies count that are kept; null: nowhere
  UnsentLimits unsent{};
};

/// What the connections of one loop share, so that an idle one holds next to no memory.
struct LoopBuffers {
  static constexpr std::size_t kReadBytes = 64 << 10;
  LoopBuffers() : read(kReadBytes + kBodyPadding, '\0') {}
  std::string read;  ///< what a connection receives in one turn, padded
  std::string out;   ///< the answers to it
  Head head;         ///< of the request being handled; large, so not made anew for each
  DateLine date;
  RefusalCounts refusals;
};

/// One listening socket of one loop, with its connections. On the loop's thread only.
class HttpServer final {
 public:
  HttpServer(Loop& loop, LoopBuffers& buffers, Fd listener, Handler& handler,
             const HttpLimits& limits, ConnectionQuota& quota);
  ~HttpServer();

  /// Accepts no more, closes idle connections, lets the others finish what is under way.
  void drain();
  [[nodiscard]] bool empty() const { return connections_.empty(); }

 private:
  friend class HttpConnection;

  Loop& loop_;
  LoopBuffers& buffers_;
  Handler& handler_;
  const HttpLimits limits_;
  ConnectionQuota& quota_;
  Acceptor acceptor_;
  bool draining_ = false;
  ConnectionTable<HttpConnection> connections_;
};

}  // namespace tidelimit::serve
