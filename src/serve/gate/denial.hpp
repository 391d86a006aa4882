#pragma once

#include <string>

#include "engine/engine.hpp"
#include "serve/gate/settings.hpp"
#include "serve/http/response.hpp"

namespace tidelimit::serve {

/// How a denial reads to the client: status, problem type and title (draft-ietf-httpapi-
/// ratelimit-headers, problem types).
struct Denial {
  int status = 429;
  const char* type = "";
  const char* title = "";
};
[[nodiscard]] Denial describe(limiter::Reason reason, int reduced_capacity_status);

/// A limit as so many requests in so many seconds.
struct Quota {
  std::uint64_t requests = 1;
  std::uint64_t seconds = 60;
};

/// Appends `RateLimit-Policy: "browse-STD";q=100;w=60` and `RateLimit: "browse-STD";r=12;t=30`.
/// Where too many requests were in flight: `…-concurrency";q=5;qu="concurrent-requests"` and `r=0`.
/// Of a block, and of a request that was shed, `q=0`: there is no quota at present. Nothing for a
/// pass without a limit. `t` is the time to the next request when denied, else until the quota is
/// whole again.
void append_rate_fields(std::string& lines, const engine::Answer& answer,
                        const FrontSettings& settings);

/// Whether a decision has a policy to name: it denies, or there is a limit.
[[nodiscard]] bool has_policy(const limiter::Decision& decision);

/// The policy that decided.
[[nodiscard]] const FrontSettings::Policy& policy_of(const limiter::Decision& decision,
                                                     const FrontSettings& settings);

/// The values of these two fields. Only for a decision with a policy. `said`: that limit as the
/// caller brought it along; null: as the configuration says it.
void append_rate_policy(std::string& value, const engine::Answer& answer,
                        const FrontSettings& settings, const Quota* said = nullptr);
void append_rate(std::string& value, const engine::Answer& answer, const FrontSettings& settings);

/// The same of a limit that has no place in the configuration's endpoints: `item;q=100;w=60`,
/// `item;r=12;t=30`.
void append_quota(std::string& value, std::string_view item, const Quota& quota);
void append_left(std::string& value, std::string_view item, const limiter::Decision& decision);

/// Whether an answer may show its limit: shadow mode adds no header. `all`: the mode of the gate.
[[nodiscard]] bool shows_rates(const engine::Answer& answer, limiter::Mode all);

/// Whole seconds until the next request when denied, else until the quota is whole again.
[[nodiscard]] std::uint64_t reset_seconds(const limiter::Decision& decision);

/// Whole seconds for Retry-After: rounded up, at least 1; a week where no wait helps (beyond
/// limiter::kLongestWait), as for a call larger than its burst.
[[nodiscard]] std::uint64_t retry_after_seconds(Nanos retry_after);

/// The problem document of a denial: type, title, status, detail, violated-policies, decision.
[[nodiscard]] std::string denial_document(const engine::Answer& answer, const Denial& denial,
                                          const FrontSettings& settings);

}  // namespace tidelimit::serve
