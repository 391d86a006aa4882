#include "serve/envoy/rate_limit_answer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "serve/envoy/descriptors.hpp"
#include "serve/gate/denial.hpp"

namespace tidelimit::serve::envoy {
namespace {

using RateLimit = RateLimitResponse::RateLimit;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Unit {
  Nanos period;
  RateLimit::Unit unit;
};
// WEEK is left out: it is newer than many an Envoy.
constexpr std::array kUnits{
    Unit{seconds{1}, RateLimit::SECOND},    Unit{minutes{1}, RateLimit::MINUTE},
    Unit{hours{1}, RateLimit::HOUR},        Unit{hours{24}, RateLimit::DAY},
    Unit{hours{24 * 30}, RateLimit::MONTH}, Unit{hours{24 * 365}, RateLimit::YEAR}};

std::uint32_t clipped(std::uint64_t count) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

using Descriptor = ::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;

/// The limit as the caller said it, where it is the one that decided.
std::optional<UnitRate> said_limit(const engine::Answer& answer,
                                   const engine::EngineWorker::Asked& asked,
                                   const Descriptor& descriptor) {
  if (asked.given == nullptr || asked.given->limit != answer.decision.limit) return std::nullopt;
  return UnitRate{descriptor.limit().requests_per_unit(),
                  static_cast<RateLimit::Unit>(descriptor.limit().unit())};
}

void write_limit(const engine::Answer& answer, const std::optional<UnitRate>& said,
                 const FrontSettings& settings, RateLimit& out) {
  const limiter::Decision& decision = answer.decision;
  const FrontSettings::Policy& policy = policy_of(decision, settings);
  const UnitRate rate = said ? *said : unit_rate(decision.limit, policy.period);
  out.set_requests_per_unit(rate.requests);
  out.set_unit(rate.unit);
  out.set_name(policy.name);
}

std::string& add_header(RateLimitResponse& out, const char* name) {
  auto* header = out.add_response_headers_to_add();
  header->set_key(name);
  return *header->mutable_value();
}

void add_rate_headers(const engine::Answer& answer, const std::optional<UnitRate>& said,
                      const FrontSettings& settings, RateLimitResponse& out) {
  if (!has_policy(answer.decision)) return;
  const auto period =
      said ? period_of(static_cast<::envoy::type::v3::RateLimitUnit>(said->unit)) : std::nullopt;
  const Quota quota{
      said ? said->requests : 0,
      static_cast<std::uint64_t>(std::chrono::ceil<seconds>(period.value_or(Nanos{0})).count())};
  append_rate_policy(add_header(out, "ratelimit-policy"), answer, settings,
                     period ? &quota : nullptr);
  append_rate(add_header(out, "ratelimit"), answer, settings);
}

void write_denial(const engine::Answer& answer, const std::optional<UnitRate>& said,
                  const FrontSettings& settings, RateLimitResponse& out) {
  append_number(add_header(out, "retry-after"), retry_after_seconds(answer.decision.retry_after));
  add_rate_headers(answer, said, settings, out);
  add_header(out, "x-tidelimit-reason") = limiter::to_string(answer.decision.reason);
  if (answer.decision_id != 0)
    add_header(out, "x-tidelimit-decision") = engine::format_decision_id(answer.decision_id);
  add_header(out, "content-type") = "application/problem+json";
  out.set_raw_body(denial_document(
      answer, describe(answer.decision.reason, settings.config.deny_status), settings));
}

/// The limit that the request comes nearest to.
const engine::Answer* tightest(std::span<const engine::Answer> answers, limiter::Mode all) {
  const engine::Answer* found = nullptr;
  for (const engine::Answer& answer : answers) {
    if (answer.decision.limit.unlimited() || !shows_rates(answer, all)) continue;
    if (found == nullptr || answer.decision.remaining < found->decision.remaining) found = &answer;
  }
  return found;
}

}  // namespace

UnitRate unit_rate(const limiter::Limit& limit, Nanos configured_period) {
  for (const Unit& each : kUnits) {
    if (each.period < configured_period || each.period < limit.emission_interval) continue;
    const double count = static_cast<double>(each.period.count()) /
                         static_cast<double>(limit.emission_interval.count());
    return {clipped(static_cast<std::uint64_t>(std::llround(count))), each.unit};
  }
  return {1, RateLimit::YEAR};
}

void write_response(const RateLimitRequest& call,
                    std::span<const engine::EngineWorker::Asked> asked,
                    std::span<const engine::Answer> answers, bool passed,
                    const FrontSettings& settings, limiter::Mode all, RateLimitResponse& out) {
  out.set_overall_code(passed ? RateLimitResponse::OK : RateLimitResponse::OVER_LIMIT);
  const auto said = [&](const engine::Answer& answer) {
    const auto i = static_cast<std::size_t>(&answer - answers.data());
    return said_limit(answer, asked[i], call.descriptors(static_cast<int>(i)));
  };
  const engine::Answer* denied = nullptr;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const limiter::Decision& decision = answers[i].decision;
    auto* status = out.add_statuses();
    status->set_code(decision.allowed ? RateLimitResponse::OK : RateLimitResponse::OVER_LIMIT);
    if (!decision.allowed && denied == nullptr) denied = &answers[i];
    const bool limited = !decision.limit.unlimited();
    if (!shows_rates(answers[i], all) || (decision.allowed && !limited)) continue;
    if (limited) {
      write_limit(answers[i], said(answers[i]), settings, *status->mutable_current_limit());
      status->set_limit_remaining(decision.allowed ? clipped(decision.remaining) : 0);
    }
    status->mutable_duration_until_reset()->set_seconds(
        static_cast<std::int64_t>(reset_seconds(decision)));
  }
  if (denied != nullptr) {
    write_denial(*denied, said(*denied), settings, out);
  } else if (const engine::Answer* nearest = tightest(answers, all)) {
    add_rate_headers(*nearest, said(*nearest), settings, out);
  }
}

void write_unlimited(const RateLimitRequest& call, RateLimitResponse& out) {
  out.set_overall_code(RateLimitResponse::OK);
  for (int i = 0; i < call.descriptors_size(); ++i)
    out.add_statuses()->set_code(RateLimitResponse::OK);
}

}  // namespace tidelimit::serve::envoy
