#pragma once

#include <memory>
#include <string>

#include "serve/http/chunked_decoder.hpp"
#include "serve/http/client_connection.hpp"
#include "serve/http/server.hpp"

namespace tidelimit::serve {

/// One HTTP/1.x connection: reads heads and bodies, hands whole requests to the handler in order,
/// and writes the answers of a pipeline at once.
/// Bytes are received into the loop's buffer; only what is left of a request that is not whole yet
/// is kept here. So an idle connection costs this object and nothing more.
class HttpConnection final : public ClientConnection {
 public:
  HttpConnection(HttpServer& server, std::uint64_t id, Fd socket, const Peer& peer, bool exempt);
  ~HttpConnection() override;

  /// The answer of request number `request`, which was handled elsewhere. May destroy this.
  void answer(std::uint64_t request, const Response& response);
  /// Lets go of a client that was too slow. May destroy this.
  void check_time(Instant now);
  /// Finishes what is under way and goes. May destroy this.
  void drain();

 private:
  /// What the connection waits for; each has its own time to last.
  enum class Phase : std::uint8_t { idle, head, body, waiting };

  /// A request whose body is still arriving, or comes in chunks.
  struct Upload {
    explicit Upload(ByteBudget* budget) : body(budget) {}
    /// Takes what is the body's of these bytes; says how many were.
    std::size_t take(std::string_view bytes);
    [[nodiscard]] bool whole() const { return chunked ? decoder.done() : left == 0; }

    std::string head;
    HeldBody body;
    std::uint64_t left = 0;  ///< of a body with a known length
    bool chunked = false;
    ChunkedDecoder decoder;
    std::size_t limit = 0;
  };

  void on_bytes(std::string_view bytes) override { take(bytes, false); }
  void on_all_sent() override;
  void on_turn_end() override;
  void leave() override;
  void take(std::string_view received, bool resumed);
  /// Handles whole requests at the start of `bytes`; returns how many bytes they took.
  std::size_t consume(std::string_view bytes);
  std::size_t consume_request(std::string_view bytes);
  std::size_t consume_body(std::string_view bytes);
  void begin_upload(const Head& head, std::string_view bytes, std::size_t limit);
  void dispatch(const Head& head, std::string_view body, HeldBody* held = nullptr);
  void refuse(const Refusal& refusal);
  void end_with(const Response& response, const ResponseWriter::Context& how);
  [[nodiscard]] Reply make_reply();
  [[nodiscard]] ResponseWriter::Context context(const Head& head);
  [[nodiscard]] Phase phase() const;
  [[nodiscard]] bool idle() const;
  void flush();
  void resume();
  void begin_phase() { since_ = server_.loop_.now().mono; }

  HttpServer& server_;
  const std::uint64_t id_;
  const Peer peer_;
  const bool exempt_;  ///< as told to the quota

  std::string pending_;  ///< the start of a head, or requests behind one that waits
  std::unique_ptr<Upload> upload_;
  ResponseWriter::Context waiting_context_;  ///< of the request that waits for its answer
  std::shared_ptr<const bool> waits_;        ///< held while it does, so that it can be known there
  std::uint64_t requests_ = 0;
  Instant since_;  ///< when the phase began
};

}  // namespace tidelimit::serve
