#include "policy/trigger.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/seconds.hpp"
#include "policy/rates.hpp"
#include "policy/words.hpp"

namespace tidelimit::policy {
namespace {

constexpr double kCalmRatio = 0.9;     // of the threshold: below it a window counts as calm
constexpr int kCalmWindows = 2;        // in a row, then a forecast rule ends
constexpr double kExcessSigmas = 3.0;  // a spike exceeds the usual by so many Poisson deviations

bool has_capacity(const Readings& readings) {
  return readings.endpoint != nullptr && readings.endpoint->capacity.has_value();
}

/// `requests` over the horizon as a share of the endpoint's capacity; 0 where it has none.
double utilisation(double requests, const Readings& readings) {
  if (!has_capacity(readings)) return 0.0;
  return requests /
         (in_seconds(readings.forecast->horizon) * readings.endpoint->capacity->per_second());
}

// Comparisons are put so that what is not a number starts nothing and ends what holds.

bool forecast_starts(const Condition& condition, const Readings& readings) {
  if (!readings.forecast || !std::isfinite(readings.forecast->median())) return false;
  const double median = readings.forecast->median();
  if (condition.spike) {
    const auto spike = readings.forecast->spike();
    if (!spike || !(*spike >= *condition.spike)) return false;
    const double usual = *readings.forecast->usual;
    if (!(median - usual >= kExcessSigmas * std::sqrt(usual))) return false;
    if (!(median >= condition.min_requests)) return false;
  }
  return !condition.utilisation || utilisation(median, readings) >= *condition.utilisation;
}

bool calm(const Condition& condition, const Readings& readings) {
  // Early warning comes from the forecast; the all-clear needs the traffic itself to be quiet too.
  const double requests = std::max(readings.forecast->median(), readings.demand.value_or(0.0));
  if (condition.spike && !(requests / *readings.forecast->usual >= kCalmRatio * *condition.spike)) {
    return true;
  }
  return condition.utilisation &&
         !(utilisation(requests, readings) >= kCalmRatio * *condition.utilisation);
}

std::string describe_forecast(const Condition& condition, const Readings& readings) {
  const auto& forecast = *readings.forecast;
  std::string text =
      fmt::format("forecast of {}: {} requests in the next {}", forecast.endpoint,
                  count_in_words(forecast.median()), span_in_words(forecast.horizon));
  if (condition.spike) {
    text += fmt::format(", {} times the usual {}", ratio_in_words(*forecast.spike()),
                        count_in_words(*forecast.usual));
  }
  if (condition.utilisation) {
    text += fmt::format(", {} of its capacity of {}",
                        percent_in_words(utilisation(forecast.median(), readings)),
                        format_rate(*readings.endpoint->capacity));
  }
  if (readings.demand.value_or(0.0) > forecast.median()) {
    text += fmt::format(" (lately seen: {})", count_in_words(*readings.demand));
  }
  return text;
}

std::string describe(const Condition& condition, const Readings& readings) {
  std::string text;
  if (condition.on_forecast()) text = describe_forecast(condition, readings);
  if (condition.on_signal()) {
    if (!text.empty()) text += "; ";
    text += fmt::format("cpu is at {} (threshold {})", percent_in_words(*readings.cpu),
                        percent_in_words(*condition.cpu));
  }
  if (condition.on_calendar()) {
    if (!text.empty()) text += "; ";
    text += "planned until " + format_time(*condition.calendar->end_at(readings.now));
  }
  return text;
}

std::string missing_forecast(const Readings& readings) {
  const std::string name = readings.endpoint ? " of " + readings.endpoint->name : "";
  return readings.forecast_stale ? "forecast" + name + " is stale" : "no forecast" + name;
}

}  // namespace

bool Trigger::starts(const Condition& condition, const Readings& readings) const {
  if (condition.on_forecast() && !forecast_starts(condition, readings)) return false;
  if (condition.on_signal() && !(readings.cpu.value_or(0.0) >= *condition.cpu)) return false;
  if (condition.on_calendar() && !condition.calendar->end_at(readings.now)) return false;
  return condition.on_plan();
}

std::string Trigger::end(const Condition& condition, const Readings& readings) {
  if (condition.on_signal()) {
    if (!readings.cpu || std::isnan(*readings.cpu)) return "no fresh cpu signal";
    if (*readings.cpu < condition.release()) {
      return fmt::format("cpu is back at {}", percent_in_words(*readings.cpu));
    }
  }
  if (condition.on_calendar() && !condition.calendar->end_at(readings.now)) {
    return "the planned time is over";
  }
  if (!condition.on_forecast()) return {};
  if (!readings.forecast) return missing_forecast(readings);
  if (!std::isfinite(readings.forecast->median()))
    return fmt::format("the forecast of {} is not a number", readings.forecast->endpoint);
  if (condition.utilisation && !has_capacity(readings))
    return fmt::format("no capacity of {} is given any more", readings.forecast->endpoint);
  if (condition.spike && !readings.forecast->spike()) {
    return fmt::format("the usual traffic of {} is no longer known", readings.forecast->endpoint);
  }
  if (readings.forecast->made_at == last_window_) return {};
  last_window_ = readings.forecast->made_at;
  calm_windows_ = calm(condition, readings) ? calm_windows_ + 1 : 0;
  if (calm_windows_ < kCalmWindows) return {};
  return "calm again: " + describe_forecast(condition, readings);
}

bool Trigger::update(const Condition& condition, const Readings& readings) {
  const bool reached = starts(condition, readings);
  if (active_) {
    std::string ended = end(condition, readings);
    active_ = ended.empty();
    met_ = active_ && reached;
    cause_ = active_ ? describe(condition, readings) : std::move(ended);
    return !active_;
  }
  if (!reached) return false;
  active_ = true;
  met_ = true;
  calm_windows_ = 0;
  last_window_ = readings.forecast ? readings.forecast->made_at : WallTime{};
  cause_ = describe(condition, readings);
  return true;
}

}  // namespace tidelimit::policy
