#include <algorithm>
#include <fmt/format.h>

#include "config/endpoint_parts.hpp"

namespace tidelimit::config {
namespace {

using policy::EndpointSettings;
using policy::LimitSpec;

constexpr double kMaxBurstDays = 366;  // a burst that takes longer to earn is a slip of the pen

constexpr DurationRange kInFlight{std::chrono::milliseconds{100}, policy::kLongestInFlight};

void check_burst(const Field& field, const std::optional<Rate>& rate,
                 std::optional<std::uint64_t>& burst, Report& report) {
  if (!rate || !burst) return;
  const double days = static_cast<double>(*burst) / (rate->per_second() * 86400.0);
  if (days <= kMaxBurstDays) return;
  report.mistake(field.line, fmt::format("{}: a burst of {} takes {:.0f} days to earn at {}: "
                                         "lower the burst or raise the rate",
                                         field.where, *burst, days, format_rate(*rate)));
  burst.reset();
}

/// Rates and bursts of a mapping, or a rate alone.
std::optional<LimitSpec> read_limit(const Field& field, Report& report) {
  LimitSpec limit;
  if (field.node.IsScalar()) {
    limit.rate = read_rate(field, report);
    if (!limit.rate) return std::nullopt;
    return limit;
  }
  Section section(field, report);
  section.read("rate", limit.rate, read_rate);
  section.read("burst", limit.burst, read_count);
  section.read("total", limit.total, read_rate);
  section.read("total_burst", limit.total_burst, read_count);
  const bool rate_there = section.has("rate");
  section.finish();
  if (section.has("total_burst") && !section.has("total"))
    report.mistake(field.line, field.where + " has a total_burst but no total: add a total");
  if (section.has("burst") && !rate_there) {
    report.mistake(field.line, field.where + " has a burst but no rate: add a rate");
  } else if (field.node.IsMap() && !rate_there && !section.has("total")) {
    report.mistake(field.line, field.where + " limits nothing: give it a rate, like 100/min");
  }
  check_burst(field, limit.rate, limit.burst, report);
  check_burst(field, limit.total, limit.total_burst, report);
  if (limit.rate && limit.total && limit.total->per_second() < limit.rate->per_second()) {
    report.warning(field.line,
                   fmt::format("{}: the total of {} is below the {} of a single one, which nobody "
                               "can then reach",
                               field.where, format_rate(*limit.total), format_rate(*limit.rate)));
  }
  return limit;
}

/// The tier that a key names. `beside`: a key that may stand there, too.
std::optional<std::size_t> tier_named(std::string_view name, const Field& value,
                                      std::vector<std::string_view> tiers, std::string_view beside,
                                      Report& report) {
  const auto tier = std::find(tiers.begin(), tiers.end(), name);
  if (tier != tiers.end()) return static_cast<std::size_t>(tier - tiers.begin());
  tiers.push_back(beside);
  report.mistake(value.line, fmt::format("{}: there is no such tier in tiers{}", value.where,
                                         suggestion(name, tiers)));
  return std::nullopt;
}

}  // namespace

void read_limits(const Field& field, const Config& config, EndpointSettings& endpoint,
                 Report& report) {
  const auto tiers = tier_names(config);
  Section section(field, report);
  for (const auto& [name, value] : section.take_all()) {
    const bool per_address = name == "client";
    const auto tier = per_address ? std::nullopt : tier_named(name, value, tiers, "client", report);
    if (!per_address && !tier) continue;
    const auto limit = read_limit(value, report);
    if (!limit) continue;
    if (tier) {
      endpoint.limits[*tier] = *limit;
    } else if (limit->total) {
      report.mistake(value.line, value.where + " can't have a total: it holds for each address");
    } else {
      endpoint.client = *limit;
    }
  }
  if (field.node.IsMap() && field.node.size() == 0) {
    report.mistake(field.line,
                   fmt::format("{} is empty: name a tier, like {{ {}: 100/min }}, or remove it",
                               field.where, tiers.back()));
  }
}

void read_concurrency(const Field& field, const Config& config, EndpointSettings& endpoint,
                      Report& report) {
  const auto tiers = tier_names(config);
  Section section(field, report);
  section.read("timeout", endpoint.concurrency_timeout, kInFlight);
  endpoint.concurrency.resize(tiers.size());
  std::size_t named = 0;
  for (const auto& [name, value] : section.take_all()) {
    ++named;
    const auto tier = tier_named(name, value, tiers, "timeout", report);
    if (!tier) continue;
    const auto most = read_count_up_to(policy::kMostInFlight, value, report);
    if (!most) continue;
    endpoint.concurrency[*tier] = static_cast<std::uint16_t>(*most);
  }
  if (field.node.IsMap() && named == 0) {
    report.mistake(field.line, field.where + " limits nothing: name a tier, like { " +
                                   std::string(tiers.back()) + ": 5 }");
  }
}

}  // namespace tidelimit::config
