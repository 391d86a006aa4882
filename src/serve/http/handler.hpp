#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "base/address.hpp"
#include "base/time.hpp"
#include "serve/http/held_body.hpp"
#include "serve/http/parser.hpp"
#include "serve/http/response.hpp"

namespace tidelimit::serve {

/// The way back to a connection for an answer that is made on another thread. May be copied and
/// called from any thread, once; a second answer, or one for a connection that has gone, is
/// dropped.
class Reply {
 public:
  Reply() = default;
  /// `waits` lives as long as the answer is waited for.
  Reply(std::function<void(Response)> send, std::weak_ptr<const void> waits)
      : send_(std::move(send)), waits_(std::move(waits)) {}

  void operator()(Response response) const { send_(std::move(response)); }
  /// False: nobody waits for it any more, so that it need not be made.
  [[nodiscard]] bool wanted() const { return !waits_.expired(); }

 private:
  std::function<void(Response)> send_;
  std::weak_ptr<const void> waits_;
};

/// Who is at the other end; constant while the connection lasts.
struct Peer {
  Address address;
  bool loopback = false;
  /// Whether the caller is one of `identity.trusted_proxies`, as of configuration `trust_epoch`.
  mutable bool trusted = false;
  mutable std::uint64_t trust_epoch = 0;
};

/// One whole request. Everything is borrowed from the connection and holds for the call.
struct Request {
  const Head& head;
  /// The body; at least kBodyPadding readable bytes follow it.
  std::string_view body;
  const Peer& peer;
  const Now& now;
  const std::function<Reply()>& later;  ///< to be called before a handler returns Handling::later
  /// The same body where it was kept because it came in parts: may be moved from. Else null.
  HeldBody* held = nullptr;
  /// Whether the caller had ended its side of the connection when this was read, as whoever tires
  /// of waiting does.
  bool caller_gone = false;
};

/// simdjson reads past the end of a document by up to so much.
inline constexpr std::size_t kBodyPadding = 64;

enum class Handling : std::uint8_t {
  done,   ///< the response was written
  later,  ///< it comes through Request::later; the connection reads on only then
};

/// What a server does with requests. One per loop, so that implementations need no locks.
class Handler {
 public:
  virtual ~Handler() = default;
  /// The largest body this request may have, whoever sends it; asked for when its head is complete.
  [[nodiscard]] virtual std::size_t body_limit(const Head& head) const = 0;
  /// Asked before a body is waited for: the answer of a request that is refused whatever follows
  /// its head. Others are refused when they are handled.
  [[nodiscard]] virtual std::optional<Response> refuse_early(const Head& /*head*/,
                                                             const Peer& /*peer*/) {
    return std::nullopt;
  }
  [[nodiscard]] virtual Handling handle(const Request& request, ResponseWriter& response) = 0;
  /// Callers that are exempt from the bound on connections per address.
  [[nodiscard]] virtual bool trusts(const Peer& peer) = 0;
};

}  // namespace tidelimit::serve
