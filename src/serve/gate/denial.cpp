#include "serve/gate/denial.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tidelimit::serve {
namespace {

using limiter::LimitOf;
using limiter::Reason;

// A denial names a wait though none helps. What people blocked for good they may free again.
constexpr std::uint64_t kEndlessRetry = 7 * 24 * 3600;

std::uint64_t seconds_up(Nanos duration) {
  const std::int64_t ns = duration.count();
  return ns <= 0 ? 0 : static_cast<std::uint64_t>((ns - 1) / 1'000'000'000 + 1);
}

bool waits_in_vain(Nanos retry_after) {
  return retry_after > limiter::kLongestWait;
}

bool denied_in_flight(const limiter::Decision& decision) {
  return !decision.allowed && decision.rule == limiter::kConcurrencyRule;
}

/// A limit as requests per window: over the configured period where a whole request fits in it.
Quota quota_of(const limiter::Limit& limit, Nanos period) {
  const Nanos interval = limit.emission_interval;
  if (interval > period) return {1, seconds_up(interval)};
  const auto requests =
      std::llround(static_cast<double>(period.count()) / static_cast<double>(interval.count()));
  return {static_cast<std::uint64_t>(requests), seconds_up(period)};
}

const char* detail_of(const limiter::Decision& decision) {
  if (denied_in_flight(decision))
    return "As many requests as may be are in flight at this endpoint; try again when one of them "
           "has ended.";
  switch (decision.reason) {
    case Reason::over_limit:
      if (waits_in_vain(decision.retry_after))
        return "The limit for this endpoint never lets so much pass at once; waiting does not "
               "help.";
      return "The limit for this endpoint is used up; try again after the time in Retry-After.";
    case Reason::reduced_capacity:
      return "The limit is lowered at present to keep the service up; try again after the time in "
             "Retry-After.";
    case Reason::load_shed:
      return "The service is under load and serves more important calls first; try again after "
             "the time in Retry-After.";
    case Reason::client_blocked:
      return "Requests from this address look like abuse and are refused for a while.";
    case Reason::client_limited:
      return "Requests from this address look unusual and are limited for a while.";
    case Reason::override_:
      return "Requests of this client are limited by the operator.";
    case Reason::ok:
      break;
  }
  return "";
}

/// Policies that no configuration of an endpoint holds.
const FrontSettings::Policy kClient{"client", "\"client\""};
const FrontSettings::Policy kOverride{"override", "\"override\""};
const FrontSettings::Policy kLoad{"load", "\"load\""};
const FrontSettings::Policy kDefault{"default", "\"default\""};

}  // namespace

Denial describe(Reason reason, int reduced_capacity_status) {
  switch (reason) {
    case Reason::reduced_capacity:
    case Reason::load_shed:
      return {reduced_capacity_status,
              "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
              "Temporarily reduced capacity"};
    case Reason::client_blocked:
    case Reason::client_limited:
      return {429, "https://iana.org/assignments/http-problem-types#abnormal-usage-detected",
              "Abnormal usage detected"};
    default:
      return {429, "https://iana.org/assignments/http-problem-types#quota-exceeded",
              "Quota exceeded"};
  }
}

void append_rate_fields(std::string& lines, const engine::Answer& answer,
                        const FrontSettings& settings) {
  if (!has_policy(answer.decision)) return;
  lines.append("RateLimit-Policy: ");
  append_rate_policy(lines, answer, settings);
  lines.append("\r\nRateLimit: ");
  append_rate(lines, answer, settings);
  lines.append("\r\n");
}

bool has_policy(const limiter::Decision& decision) {
  return !decision.allowed || !decision.limit.unlimited();
}

const FrontSettings::Policy& policy_of(const limiter::Decision& decision,
                                       const FrontSettings& settings) {
  if (decision.reason == Reason::client_blocked) return kClient;
  const bool limited = !decision.limit.unlimited();
  if (limited ? decision.limit_of == LimitOf::verdict : decision.reason == Reason::client_limited)
    return kClient;
  if (limited ? decision.limit_of == LimitOf::override_ : decision.reason == Reason::override_)
    return kOverride;
  if (!limited && decision.reason == Reason::load_shed) return kLoad;
  const FrontSettings::Policies* cell = settings.of_cell(decision.endpoint, decision.tier);
  if (cell == nullptr) return kDefault;
  if (denied_in_flight(decision)) return cell->concurrency;
  switch (decision.limit_of) {
    case LimitOf::client:
      return cell->client;
    case LimitOf::total:
      return cell->total;
    default:
      return cell->principal;
  }
}

void append_rate_policy(std::string& value, const engine::Answer& answer,
                        const FrontSettings& settings, const Quota* said) {
  const limiter::Decision& decision = answer.decision;
  const FrontSettings::Policy& policy = policy_of(decision, settings);
  if (denied_in_flight(decision)) {
    value.append(policy.item).append(";q=");
    append_number(value, decision.in_flight_limit);
    value.append(";qu=\"concurrent-requests\"");
    return;
  }
  if (decision.limit.unlimited()) {
    value.append(policy.item).append(";q=0");
    return;
  }
  append_quota(value, policy.item,
               said != nullptr ? *said : quota_of(decision.limit, policy.period));
}

void append_rate(std::string& value, const engine::Answer& answer, const FrontSettings& settings) {
  append_left(value, policy_of(answer.decision, settings).item, answer.decision);
}

void append_quota(std::string& value, std::string_view item, const Quota& quota) {
  value.append(item).append(";q=");
  append_number(value, quota.requests);
  value.append(";w=");
  append_number(value, quota.seconds);
}

void append_left(std::string& value, std::string_view item, const limiter::Decision& decision) {
  value.append(item).append(";r=");
  append_number(value, decision.allowed ? decision.remaining : 0);
  value.append(";t=");
  append_number(value, reset_seconds(decision));
}

bool shows_rates(const engine::Answer& answer, limiter::Mode all) {
  return answer.decision.enforced && all == limiter::Mode::enforce;
}

std::uint64_t reset_seconds(const limiter::Decision& decision) {
  return decision.allowed ? seconds_up(decision.reset_after)
                          : retry_after_seconds(decision.retry_after);
}

std::uint64_t retry_after_seconds(Nanos retry_after) {
  if (waits_in_vain(retry_after)) return kEndlessRetry;
  return std::max<std::uint64_t>(seconds_up(retry_after), 1);
}

std::string denial_document(const engine::Answer& answer, const Denial& denial,
                            const FrontSettings& settings) {
  const limiter::Decision& decision = answer.decision;
  std::string body = fmt::format(R"({{"type":"{}","title":"{}","status":{},"detail":"{}")",
                                 denial.type, denial.title, denial.status, detail_of(decision));
  body += R"(,"violated-policies":[)";
  body += policy_of(decision, settings).item;
  body += fmt::format(R"(],"reason":"{}")", limiter::to_string(decision.reason));
  if (settings.config.expose_rule && answer.rule != nullptr) {
    body += R"(,"rule":)";
    append_json_string(body, *answer.rule);
  }
  if (answer.decision_id != 0) {
    body += R"(,"decision":)";
    append_json_string(body, engine::format_decision_id(answer.decision_id));
  }
  return body += "}\n";
}

}  // namespace tidelimit::serve
