#pragma once

#include <cstdint>

#include "serve/http/acceptor.hpp"
#include "serve/http/connection_table.hpp"
#include "serve/http/server.hpp"
#include "serve/http2/session.hpp"

namespace tidelimit::serve {

class Http2Connection;

/// One listening socket of one loop for HTTP/2 in the clear, with its connections. On the loop's
/// thread only.
class Http2Server final {
 public:
  Http2Server(Loop& loop, LoopBuffers& buffers, Fd listener, Application& application,
              const Http2Limits& limits, ConnectionQuota& quota);
  ~Http2Server();

  /// Accepts no more, tells clients that it goes, and lets them finish what is under way.
  void drain();
  [[nodiscard]] bool empty() const { return connections_.empty(); }

 private:
  friend class Http2Connection;

  Loop& loop_;
  LoopBuffers& buffers_;
  Application& application_;
  const Http2Limits limits_;
  ConnectionQuota& quota_;
  BlockPool pool_;
  Acceptor acceptor_;
  ConnectionTable<Http2Connection> connections_;
};

}  // namespace tidelimit::serve
