#pragma once

#include <string_view>

#include "serve/http/client_connection.hpp"
#include "serve/http2/server.hpp"

namespace tidelimit::serve {

/// The socket under one HTTP/2 session. What a turn brings is answered with one write. A client
/// that speaks HTTP/1.1 is told so in its own words.
class Http2Connection final : public ClientConnection {
 public:
  Http2Connection(Http2Server& server, std::uint64_t id, Fd socket, const Peer& peer, bool exempt);
  ~Http2Connection() override;

  /// Lets go of a client that was too slow. May destroy this.
  void check_time(Instant now);
  /// Finishes what is under way and goes. May destroy this.
  void drain();

 private:
  void on_bytes(std::string_view bytes) override;
  void on_all_sent() override {}
  void on_turn_end() override;
  void leave() override;
  /// False for a client that does not speak HTTP/2 by prior knowledge; it was told so.
  bool check_preface(std::string_view bytes);
  void flush();

  Http2Server& server_;
  const std::uint64_t id_;
  const Peer peer_;
  const bool exempt_;  ///< as told to the quota
  Http2Session session_;
  std::size_t prefaced_ = 0;  ///< bytes of the client's preface that have come
};

}  // namespace tidelimit::serve
