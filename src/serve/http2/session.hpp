#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http/unsent_limits.hpp"
#include "serve/http2/block_pool.hpp"
#include "serve/http2/exchange.hpp"
#include "serve/http2/flood_guard.hpp"

struct nghttp2_session;

namespace tidelimit::serve {

/// Bounds on slow and hostile clients.
struct Http2Limits {
  /// Calls are answered as they arrive, so an open stream is one whose request is not whole, whose
  /// answer is not read, or that lasts. Envoy opens one per request under way; beyond this it
  /// queues them or opens another connection.
  std::uint32_t streams = 1000;
  /// Of callers that are counted per address: RFC 9113 (6.5.2) advises no fewer.
  static constexpr std::uint32_t kUntrustedStreams = 100;
  /// Of one request's fields, 32 for each field included. A larger head is answered; one of four
  /// times that ends the connection.
  std::size_t head_bytes = 16 << 10;
  std::int32_t window = 1 << 20;     ///< of a connection: what may arrive unread, over all streams
  std::size_t held_bytes = 4 << 20;  ///< of requests that are not whole, per connection
  Nanos head_timeout{std::chrono::seconds{10}};  ///< from a request's first frame to its head
  static constexpr Nanos kBodyTimeout{std::chrono::seconds{30}};  ///< from there to its last byte
  Nanos idle_timeout{std::chrono::minutes{10}};                   ///< without any call
  UnsentLimits unsent{};
};

/// A header or trailer field. `constant` ones live as long as the program and are not copied.
struct Field {
  std::string_view name;
  std::string_view value;
  bool constant = false;
};

/// HTTP/2's error codes that this server gives (RFC 9113, 7).
enum class Http2Error : std::uint32_t {
  none = 0x0,
  internal = 0x2,
  cancel = 0x8,
  enhance_your_calm = 0xb,
};

/// The server's side of one HTTP/2 connection, without its socket: bytes in, bytes out, exchanges
/// between. The client begins with the preface (h2c by prior knowledge). One thread.
class Http2Session {
 public:
  /// `now` is the loop's and changes with its turns. `wake` is called when there is something to
  /// collect though nothing was received. Without a `pool` memory is malloc's, which checkers know.
  Http2Session(Application& application, const Peer& peer, bool exempt, const Http2Limits& limits,
               const Now& now, std::function<void()> wake, BlockPool* pool = nullptr);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  /// Takes what arrived. What it leads to is to be collected next, even when this is the end.
  void receive(std::string_view bytes);
  /// Appends what is to be sent, until nothing is left or `out` holds `most` bytes or more.
  void collect(std::string& out, std::size_t most);
  /// Nothing more is to be received.
  [[nodiscard]] bool deaf() const;
  /// Nothing more is to be received or sent.
  [[nodiscard]] bool over() const;
  [[nodiscard]] std::size_t streams() const { return live_.size(); }

  /// Once a second.
  void check_time();
  /// Says that it goes: answers what is under way, and calls that cross the word on their way.
  void drain();

  // For exchanges.
  /// Sends the head of an answer; `has_body` asks the exchange for the body from then on.
  void respond(std::int32_t stream, std::span<const Field> fields, bool has_body);
  /// In the `produce` that ends the body.
  void trail(std::int32_t stream, std::span<const Field> fields);
  /// After Produced::later: ask again.
  void resume(std::int32_t stream);
  void reset(std::int32_t stream, Http2Error error);
  /// Counts bytes that are kept until a request is whole; false when there are too many.
  [[nodiscard]] bool hold(std::size_t bytes);
  void let_go(std::size_t bytes) { held_ -= bytes; }
  [[nodiscard]] const Peer& peer() const { return peer_; }
  [[nodiscard]] const Now& now() const { return now_; }
  [[nodiscard]] const Http2Limits& limits() const { return limits_; }

 private:
  struct Callbacks;  // nghttp2's, and the only ones that know its types
  friend struct Callbacks;
  struct HeadUnderway {
    Exchange* exchange = nullptr;
    std::size_t bytes = 0;
    bool request = false;  ///< and no trailers
    Instant since;
  };

  [[nodiscard]] Exchange* exchange(std::int32_t stream) const;
  bool spend(Flood of);
  void calm(Flood of);
  [[nodiscard]] bool count_field(std::size_t bytes);
  void remove(Exchange& exchange);
  void say_goodbye();
  void stir();

  Application& application_;
  const Peer& peer_;
  const Http2Limits& limits_;
  const Now& now_;
  const std::function<void()> wake_;
  nghttp2_session* session_ = nullptr;
  std::vector<Exchange*> live_;
  HeadUnderway head_;
  FloodGuard floods_;
  std::size_t held_ = 0;
  Instant last_call_;
  Instant notice_;        ///< when it said that it goes
  bool greeted_ = false;  ///< the client's settings have come
  bool busy_ = false;     ///< in receive or collect: nobody needs to be woken
  bool failed_ = false;   ///< nothing more is read
  bool broken_ = false;   ///< nothing more is sent either: no memory
  bool noticed_ = false;
  bool draining_ = false;
};

}  // namespace tidelimit::serve
