#pragma once

#include <span>

#include "engine/engine.hpp"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "serve/gate/settings.hpp"

namespace tidelimit::serve::envoy {

using RateLimitRequest = ::envoy::service::ratelimit::v3::RateLimitRequest;
using RateLimitResponse = ::envoy::service::ratelimit::v3::RateLimitResponse;

/// A limit in Envoy's units: in the unit of its configured period, or the next one in which a whole
/// request fits.
struct UnitRate {
  std::uint32_t requests = 0;
  RateLimitResponse::RateLimit::Unit unit = RateLimitResponse::RateLimit::UNKNOWN;
};
[[nodiscard]] UnitRate unit_rate(const limiter::Limit& limit, Nanos configured_period);

/// What was decided of a call, as Envoy reads it. Pure.
///   Each descriptor gets its status, with limit, remaining and reset where a limit stands. Of one
///   that the gate only watches (shadow mode) it is OK and says nothing more, or Envoy would make
///   headers of it.
///   A denial brings the headers and the problem document that HTTP callers get; a pass brings the
///   RateLimit fields of the limit with the least left.
/// `out` must be clear.
void write_response(const RateLimitRequest& call,
                    std::span<const engine::EngineWorker::Asked> asked,
                    std::span<const engine::Answer> answers, bool passed,
                    const FrontSettings& settings, limiter::Mode all, RateLimitResponse& out);

/// All OK, with nothing said: of a domain that nobody knows.
void write_unlimited(const RateLimitRequest& call, RateLimitResponse& out);

}  // namespace tidelimit::serve::envoy
