#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/rule_parts.hpp"
#include "limiter/verdict.hpp"

namespace tidelimit::config {
namespace {

using limiter::VerdictKind;
using policy::Condition;
using policy::Planned;

constexpr DurationRange kQueueing{std::chrono::milliseconds{1}, std::chrono::minutes{1}};
constexpr DurationRange kPlannedFor{std::chrono::minutes{1}, policy::kLongestPlanned};

/// Whether the text of a time says of which zone it is; Unix seconds are of none.
bool names_zone(std::string_view time) {
  if (time.find('-', 1) == std::string_view::npos) return true;
  const auto hour = time.find_first_of("Tt ");
  return hour != std::string_view::npos &&
         time.find_first_of("Zz+-", hour) != std::string_view::npos;
}

std::optional<WallTime> read_moment(const Field& field, Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const auto time = parse_time(*text);
  if (time) return *time;
  report.mistake(field.line, fmt::format("{}: \"{}\" is no time: write 2026-11-27T18:00:00+01:00",
                                         field.where, printable(*text)));
  return std::nullopt;
}

/// When a planned time starts is meant to the hour, so its zone counts.
std::optional<WallTime> read_start(const Field& field, Report& report) {
  const auto time = read_moment(field, report);
  if (const auto text = time ? read_text(field, report) : std::nullopt;
      text && !names_zone(*text)) {
    report.warning(field.line,
                   fmt::format("{}: \"{}\" names no zone and is taken as UTC: write {}, or your "
                               "own zone like +01:00",
                               field.where, printable(*text), format_time(*time)));
  }
  return time;
}

/// `calendar: { from: 2026-11-27T18:00:00+01:00, for: 6h, every: week, expires: 2027-01-31 }`
std::optional<Planned> read_calendar(const Field& field, Report& report) {
  Planned planned;
  std::optional<WallTime> from;
  std::optional<Nanos> length;
  const std::size_t before = report.count();
  Section section(field, report);
  section.read("from", from, read_start);
  section.read("for", length, kPlannedFor);
  section.read("every", planned.every, [](const Field& value, Report& r) {
    return read_choice<Nanos>(value, r,
                              {{"day", std::chrono::hours{24}}, {"week", std::chrono::hours{168}}});
  });
  section.read("expires", planned.expires, read_moment);
  section.finish();
  if (report.count() != before) return std::nullopt;
  const auto mistake = [&](std::string_view what) {
    report.mistake(field.line, fmt::format("{} {}", field.where, what));
    return std::nullopt;
  };
  if (!from) return mistake("has no start: add from: 2026-11-27T18:00:00+01:00");
  if (!length) return mistake("has no length: add for: 6h");
  planned.from = *from;
  planned.length = *length;
  if (planned.every && planned.length > *planned.every) {
    return mistake(fmt::format("lasts {}, longer than from one start to the next",
                               format_duration(planned.length)));
  }
  if (planned.every && !planned.expires) {
    return mistake("comes again without an end: add expires: 2027-01-31");
  }
  if (planned.expires && !planned.every) {
    return mistake("has expires, but is planned once: remove it, or add every: week");
  }
  if (planned.expires && *planned.expires <= planned.from)
    return mistake("expires before it starts");
  if (planned.expires && *planned.expires - planned.from > policy::kLongestRepeated) {
    return mistake("expires more than 400 days after it starts: choose an earlier end");
  }
  return planned;
}

/// Utilisation alone, queueing, the load and clients are four kinds of rules.
void check_kind(const Condition& when, const Slip& slip) {
  if (!when.asks() && !when.spike) {
    slip(
        "asks for nothing: name forecast, cpu, calendar, utilisation, queueing, verdict or a "
        "client's own figures");
  }
  if (when.on_claims() && (when.on_plan() || when.on_queueing() || when.on_client())) {
    slip(
        "joins utilisation with something else: with forecast: NAME it looks at that endpoint, "
        "alone at all that have a capacity");
  }
  if (when.on_claims() && *when.utilisation > 1) {
    slip(fmt::format("divides {} of a capacity, more than there is: choose at most 1",
                     *when.utilisation));
  }
  if (when.on_queueing() && (when.on_plan() || when.on_client()))
    slip("joins queueing with something else: it stands alone, write two rules");
  if (when.on_plan() && when.on_client()) {
    slip(
        "joins the load (forecast, cpu, calendar) with a client (verdict, user_agent, error_rate, "
        "requests, requests_per_minute): write two rules");
  }
}

void check_forecast(const Condition& when, bool has_min_requests, const Slip& slip) {
  if (when.forecast && !when.spike && !when.utilisation)
    slip("has a forecast but no threshold: add spike or utilisation");
  if (!when.forecast && when.spike)
    slip("has a threshold but no forecast: add forecast: NAME, or any");
  if (has_min_requests && !when.spike) slip("has min_requests without spike: remove it");
}

void check_cpu(const Condition& when, const Slip& slip) {
  if (when.until && !when.cpu) slip("has until without cpu: remove it");
  if (when.until && when.cpu && *when.until >= *when.cpu) {
    slip(fmt::format("releases at {} what starts at {}: until must be below cpu", *when.until,
                     *when.cpu));
  }
  if (when.cpu && !when.until && *when.cpu <= Condition::kReleaseBelow) {
    slip(fmt::format("has a cpu of {}, too low for the default release {} below it: add until",
                     *when.cpu, Condition::kReleaseBelow));
  }
}

void check_client(const Condition& when, const Slip& slip) {
  const bool agent_alone =
      when.user_agent && !when.error_rate && !when.requests && !when.requests_per_minute;
  if (agent_alone && !when.verdict) {
    slip(
        "judges by the user agent alone, which anybody can choose: add error_rate, requests or "
        "requests_per_minute");
  }
}

/// A forecast is compared with a capacity: there must be one.
void check_capacity(const Condition& when, const Config& config, const Slip& slip) {
  if (!when.utilisation || !when.forecast) return;
  const auto& endpoints = config.engine.policy.endpoints;
  const bool any = *when.forecast == "any";
  if (std::any_of(endpoints.begin(), endpoints.end(), [&](const auto& endpoint) {
        return endpoint.capacity && (any || *when.forecast == endpoint.name);
      }))
    return;
  slip(fmt::format("compares with a capacity that {} lacks: add capacity, like 200/s",
                   any ? "every endpoint" : "endpoint \"" + *when.forecast + "\""));
}

void check_condition(const Condition& when, bool has_min_requests, const Config& config,
                     const Slip& slip) {
  check_kind(when, slip);
  check_forecast(when, has_min_requests, slip);
  check_cpu(when, slip);
  check_client(when, slip);
  check_capacity(when, config, slip);
}

}  // namespace

std::optional<limiter::VerdictKind> read_verdict(const Field& field, Report& report) {
  return read_choice<limiter::VerdictKind>(
      field, report,
      {{"suspicious", VerdictKind::suspicious}, {"malicious", VerdictKind::malicious}});
}

Condition read_condition(const Field& field, const Config& config, Report& report) {
  Condition when;
  const std::size_t before = report.count();
  Section section(field, report);
  auto endpoints = endpoint_names(config);
  endpoints.emplace_back("any");
  section.read("forecast", when.forecast, [&](const Field& value, Report& r) {
    return read_known(value, "endpoint", endpoints, r);
  });
  section.read("spike", when.spike, Range{1, false, 1000, true});
  section.read("utilisation", when.utilisation, Range{0, false, 10, true});
  section.read("min_requests", when.min_requests, Range{0, true, 1e15, true});
  section.read("cpu", when.cpu, kShare);
  section.read("until", when.until, kInside);
  section.read("calendar", when.calendar, read_calendar);
  section.read("queueing", when.queueing, kQueueing);
  section.read("verdict", when.verdict, read_verdict);
  section.read("user_agent", when.user_agent, read_text);
  section.read("error_rate", when.error_rate, kShare);
  section.read("requests", when.requests, [](const Field& value, Report& r) {
    const auto count = read_count(value, r);
    return count ? std::optional(static_cast<std::uint32_t>(*count)) : std::nullopt;
  });
  section.read("requests_per_minute", when.requests_per_minute, kPositive);
  // A part that is there but wrong has been named; what is missing then is no second mistake.
  const bool whole = report.count() == before;
  const bool has_min_requests = section.has("min_requests");
  section.finish();
  if (whole) check_condition(when, has_min_requests, config, Slip{field, report});
  return when;
}

}  // namespace tidelimit::config
