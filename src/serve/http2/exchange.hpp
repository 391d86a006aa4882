#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "serve/http/handler.hpp"
#include "serve/http2/flood_guard.hpp"

namespace tidelimit::serve {

class Http2Session;

/// What one read of an answer's body gave.
struct Produced {
  std::size_t size = 0;
  enum class Next : std::uint8_t {
    more,   ///< ask again
    later,  ///< nothing now; Http2Session::resume asks again
    end,    ///< the body is whole; trailers were given to the session before, if there are any
  } next = Next::end;
};

/// One request and its answer on a stream, from the answering side. The session calls it as the
/// request arrives; it answers through the session, at once or later, on the loop's thread.
class Exchange {
 public:
  virtual ~Exchange() = default;

  /// The fields of the head, pseudo-fields included (":path"), names in lower case.
  virtual void on_header(std::string_view name, std::string_view value) = 0;
  /// The head is whole, or its fields were more than the session takes: answer that.
  virtual void on_head(bool too_large) = 0;
  virtual void on_data(std::string_view bytes) = 0;
  /// The request is whole.
  virtual void on_end() = 0;
  /// Fills in the next part of the answer's body, asked for as the client's windows allow.
  virtual Produced produce(char* into, std::size_t size) = 0;
  /// Once a second: what took too long is ended here.
  virtual void check_time(Instant now) = 0;
  /// The server is about to go: what would never end by itself ends now.
  virtual void drain() = 0;

  /// By the session alone.
  std::size_t slot = 0;
};

/// What a server does with requests. One per loop, so that implementations need no locks.
class Application {
 public:
  virtual ~Application() = default;
  /// A request begins on a stream. The exchange holds until `end`.
  [[nodiscard]] virtual Exchange& begin(Http2Session& session, std::int32_t stream) = 0;
  /// Its stream has closed, whoever closed it.
  virtual void end(Exchange& exchange) = 0;
  /// Callers that are exempt from the bound on connections per address.
  [[nodiscard]] virtual bool trusts(const Peer& peer) = 0;
  /// A connection ends for it.
  virtual void note_flood(Flood of) = 0;
};

}  // namespace tidelimit::serve
