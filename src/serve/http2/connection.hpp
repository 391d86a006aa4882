#pragma once

#include <string>

#include "serve/http2/server.hpp"
#include "serve/net/stream.hpp"

namespace tidelimit::serve {

/// The socket under one HTTP/2 session. What a turn brings is answered with one write. A client
/// that speaks HTTP/1.1 is told so in its own words.
class Http2Connection final : public Source {
 public:
  Http2Connection(Http2Server& server, std::uint64_t id, Fd socket, const Peer& peer, bool exempt);
  ~Http2Connection() override;

  void on_ready(std::uint32_t events) override;
  /// Lets go of a client that was too slow. May destroy this.
  void check_time(Instant now);
  /// Finishes what is under way and goes. May destroy this.
  void drain();

 private:
  bool receive();
  /// False for a client that does not speak HTTP/2 by prior knowledge; it was told so.
  bool check_preface(std::string_view bytes);
  void flush();
  void wake();
  void settle();
  [[nodiscard]] bool dead() const { return dead_ || stream_.broken(); }
  [[nodiscard]] bool reading() const;

  Http2Server& server_;
  const std::uint64_t id_;
  Stream stream_;
  const Peer peer_;
  const bool exempt_;  ///< as told to the quota
  Http2Session session_;

  Instant moved_;             ///< when something was sent last, or lingering began
  std::size_t prefaced_ = 0;  ///< bytes of the client's preface that have come
  bool closing_ = false;      ///< goes when all is sent
  bool lingering_ = false;    ///< discards what still comes, so that its last words are read
  bool dead_ = false;         ///< goes now
  bool comes_again_ = false;  ///< the loop was asked for another turn
};

}  // namespace tidelimit::serve
