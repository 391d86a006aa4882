#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "base/address.hpp"
#include "base/time.hpp"
#include "limiter/response_class.hpp"

namespace tidelimit::traffic {

/// What became of the question to tidelimit about a request, as far as anybody says.
enum class Asked : std::uint8_t {
  unsaid,  ///< taken as answered
  answered,
  unanswered,  ///< the gate was down or late, and the gateway went on without it
  never,       ///< the gateway answered by itself (400, 413)
};

/// One API call as a log line, a report or a gateway names it. The views are borrowed: they hold
/// until the reader's next record, or for the call that is handed the request.
struct Request {
  WallTime time{};
  ClientId client;
  std::string_view client_name;  ///< the client as written; for host names the only readable form
  std::string_view user_id;      ///< empty: unknown
  std::string_view tier;         ///< empty: unknown
  std::string_view method;
  std::string_view path;  ///< the raw target, query included; empty when the request was garbage
  std::string_view user_agent;
  std::uint16_t status = 0;  ///< 0: unknown
  /// Whether tidelimit's own refusal was answered, not the service; empty: nobody says.
  std::optional<bool> own_denial = {};
  Asked asked = Asked::unsaid;
  float latency_ms = std::numeric_limits<float>::quiet_NaN();
  std::int64_t bytes = -1;  ///< -1: unknown
};

/// Whether limits and windows are about it. What tidelimit was never asked about is nobody's
/// demand, neither live nor in a log: it counts among its client's errors, and nowhere else.
[[nodiscard]] inline bool meets_limits(const Request& request) {
  return request.asked != Asked::never;
}

/// nginx's word for a client that hung up before it was answered.
inline constexpr std::uint16_t kHungUp = 499;

/// The status that the service answered with; 0: it did not, or that is not known.
[[nodiscard]] inline std::uint16_t answered_status(const Request& request) {
  const bool answered = request.status != kHungUp && !request.own_denial.value_or(false);
  return answered ? request.status : std::uint16_t{0};
}

[[nodiscard]] inline bool is_error(std::uint16_t status) {
  return status >= 400;
}

/// A client makes no 503. Nor is it its doing that a limit held it back (429). But where the
/// service broke (500) or knew no answer (501), what was asked may have been meant to do that.
[[nodiscard]] inline limiter::ResponseClass response_class(std::uint16_t status) {
  if (!is_error(status)) return limiter::ResponseClass::fine;
  if (status == 500 || status == 501) return limiter::ResponseClass::breakage;
  const bool own = status < 500 && status != 429;
  return own ? limiter::ResponseClass::client_error : limiter::ResponseClass::other_error;
}

}  // namespace tidelimit::traffic
