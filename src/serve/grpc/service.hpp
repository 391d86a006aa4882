#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"
#include "serve/http/handler.hpp"

/// What a gRPC service is, apart from how its calls arrive. Implementations see whole messages and
/// statuses; frames, headers, deadlines and flow control stay below. One object per loop and on its
/// thread only, so they need no locks; none of them may block.
namespace tidelimit::serve::grpc {

/// The seventeen codes of gRPC, with its numbers.
enum class StatusCode : std::uint8_t {
  ok = 0,
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
};
inline constexpr std::size_t kStatusCodes = 17;
/// "RESOURCE_EXHAUSTED", as gRPC's documents write it.
[[nodiscard]] std::string_view name_of(StatusCode code);

/// How a call ended. `message` is UTF-8 for people, of any length; it is escaped and cut below.
struct Status {
  StatusCode code = StatusCode::ok;
  std::string message;

  [[nodiscard]] bool ok() const { return code == StatusCode::ok; }
};

/// The one place where errors become gRPC codes.
[[nodiscard]] StatusCode status_code(Code code);
[[nodiscard]] Status to_status(const Error& error);

/// What is known of a call beside its messages. Borrowed for the length of one function call.
struct CallContext {
  const Peer& peer;
  const Now& now;  ///< of this turn of the loop
  std::optional<Instant> deadline;
};

enum class MethodKind : std::uint8_t {
  unary,   ///< one message each way: answered at once by Service::unary
  stream,  ///< any other number of messages either way: a CallHandler made by Service::open
};

struct Method {
  std::string_view name;  ///< "ShouldRateLimit"
  int id = 0;             ///< the service's own number for it
  MethodKind kind = MethodKind::unary;
};

/// A streaming call as its handler sees it. Outlives the handler.
class Call {
 public:
  /// Queues one message to the client. False when the call is over, or the client has left so much
  /// unread that this message was dropped: the handler decides whether to finish then.
  virtual bool send(std::string_view message) = 0;
  /// Ends the call after the messages that were sent. The handler is told nothing more and goes
  /// when it has returned. A second finish is ignored.
  virtual void finish(const Status& status) = 0;

 protected:
  ~Call() = default;
};

/// One streaming call in a service. Destroyed when the call has ended, in whichever way: finished,
/// cancelled by the client, its deadline passed, its connection lost. It may then no longer use its
/// Call; what it registered elsewhere it takes back in its destructor.
class CallHandler {
 public:
  virtual ~CallHandler() = default;
  /// A whole message from the client, valid for this function.
  virtual void on_message(std::string_view message, const CallContext& context) = 0;
  /// The client sends no more messages. A client-streaming method answers here.
  virtual void on_end(const CallContext& context) = 0;
};

/// One service on one loop.
class Service {
 public:
  virtual ~Service() = default;

  /// Full name, as paths have it: "envoy.service.ratelimit.v3.RateLimitService".
  [[nodiscard]] virtual std::string_view name() const = 0;
  /// All that it has; any other is answered UNIMPLEMENTED. Constant.
  [[nodiscard]] virtual std::span<const Method> methods() const = 0;
  /// Whether callers outside identity.trusted_proxies may call too. All others get
  /// PERMISSION_DENIED before the service hears of the call.
  [[nodiscard]] virtual bool open_to_all() const { return false; }
  /// The largest message of a client, in bytes; a larger one ends its call with RESOURCE_EXHAUSTED.
  [[nodiscard]] virtual std::size_t message_limit() const { return 64 << 10; }

  /// Answers a unary call: appends the encoded reply to `reply` (which may hold bytes already) and
  /// returns OK, or returns another status and what was appended is dropped. `message` is valid for
  /// this call. Called again and again from the loop: no allocation in the steady state, please.
  [[nodiscard]] virtual Status unary(int method, std::string_view message,
                                     const CallContext& context, std::string& reply);
  /// Begins a streaming call; `call` may be used from here on. Null refuses it as UNIMPLEMENTED.
  [[nodiscard]] virtual std::unique_ptr<CallHandler> open(int method, const CallContext& context,
                                                          Call& call);
};

}  // namespace tidelimit::serve::grpc
