#pragma once

#include <memory>
#include <string>

#include "serve/http/chunked_decoder.hpp"
#include "serve/http/server.hpp"
#include "serve/net/stream.hpp"

namespace tidelimit::serve {

/// One HTTP/1.x connection: reads heads and bodies, hands whole requests to the handler in order,
/// and writes the answers of a pipeline at once.
/// Bytes are received into the loop's buffer; only what is left of a request that is not whole yet
/// is kept here. So an idle connection costs this object and nothing more.
class HttpConnection final : public Source {
 public:
  HttpConnection(HttpServer& server, std::uint64_t id, Fd socket, const Peer& peer, bool exempt);
  ~HttpConnection() override;

  void on_ready(std::uint32_t events) override;
  [[nodiscard]] int descriptor() const { return stream_.descriptor(); }

  /// The answer of request number `request`, which was handled elsewhere. May destroy this.
  void answer(std::uint64_t request, const Response& response);
  /// Lets go of a client that was too slow. May destroy this.
  void check_time(Instant now);
  /// Finishes what is under way and goes. May destroy this.
  void drain();

 private:
  /// What the connection is busy with; each has its own time to last.
  enum class Phase : std::uint8_t { idle, head, body, waiting, writing, lingering };

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

  bool receive();
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
  [[nodiscard]] bool dead() const { return dead_ || stream_.broken(); }
  [[nodiscard]] bool reading() const;
  [[nodiscard]] Phase phase() const;

  void flush();
  void send_kept();
  void count_unsent();
  void resume();
  void settle();

  HttpServer& server_;
  const std::uint64_t id_;
  Stream stream_;
  const Peer peer_;
  const bool exempt_;              ///< as told to the quota
  const std::size_t most_unsent_;  ///< then nothing more is read until it does
  BudgetShare unsent_;             ///< what the stream keeps
  std::size_t read_ = 0;           ///< of what the stream kept, since its time began anew

  std::string pending_;  ///< the start of a head, or requests behind one that waits
  std::unique_ptr<Upload> upload_;
  ResponseWriter::Context waiting_context_;  ///< of the request that waits for its answer
  std::uint64_t requests_ = 0;
  Phase timed_phase_ = Phase::idle;
  std::uint64_t timed_requests_ = 0;
  Instant since_;                      ///< when timed_phase_ began
  bool waiting_ = false;               ///< for an answer from another thread
  std::shared_ptr<const bool> waits_;  ///< held while waiting_, so that it can be known there
  bool caller_gone_ = false;           ///< it has ended its side
  bool closing_ = false;               ///< nothing more is handled; goes when all is sent
  bool lingering_ = false;  ///< after a refusal: discards what still comes, so that it is read
  bool finished_ = false;   ///< while lingering: it was told that all is sent
  bool dead_ = false;       ///< goes now
};

}  // namespace tidelimit::serve
