#include "anomaly/harm_levels.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "anomaly/tail.hpp"

namespace tidelimit::anomaly {
namespace {

using traffic::ClientFeatures;
using traffic::Feature;

constexpr std::size_t kLeastRowsOfDay = 256;
constexpr std::size_t kLeastDays = 3;  // of one or two no day is the usual one
// Where so much of what the others ask for fails, whoever asks for many things fails at many.
constexpr double kOutageRatio = 0.15;

/// Attackers that fail can be told and were left out; those that only press are still among the
/// rows, a few in a thousand, and would draw the level up to themselves. So the loudest rows, as
/// many as are expected to be malicious, have no say in it.
std::vector<double> without_loudest(std::vector<double> values, double contamination) {
  std::sort(values.begin(), values.end());
  const auto kept = static_cast<double>(values.size()) * (1 - contamination);
  values.resize(std::max<std::size_t>(1, static_cast<std::size_t>(kept)));
  return values;
}

/// In requests a minute; `log_rates` are log(1 + x).
double rate_level(std::vector<double> log_rates, double exceeded, double contamination,
                  TailShape shape) {
  const double greatest = *std::max_element(log_rates.begin(), log_rates.end());
  const TailLevel tail(without_loudest(std::move(log_rates), contamination), shape);
  const double level =
      std::min(std::expm1(tail.exceeded_with(exceeded)), kOverGreatest * std::expm1(greatest));
  return std::max(level, kRateLeast);
}

double error_level(std::vector<double> excesses, double exceeded) {
  return std::clamp(TailLevel(std::move(excesses)).exceeded_with(exceeded), kErrorRatioLeast,
                    kErrorRatioMost);
}

/// `level_of` all values, but not far above the median of the levels of single days.
template <class LevelOf>
double bounded(std::vector<double> values, std::span<const std::uint32_t> days,
               LevelOf&& level_of) {
  std::map<std::uint32_t, std::vector<double>> by_day;
  for (std::size_t i = 0; i < days.size(); ++i) by_day[days[i]].push_back(values[i]);
  std::vector<double> levels;
  for (auto& [day, those] : by_day) {
    if (those.size() >= kLeastRowsOfDay) levels.push_back(level_of(std::move(those)));
  }
  const double pooled = level_of(std::move(values));
  if (levels.size() < kLeastDays) return pooled;
  std::sort(levels.begin(), levels.end());
  return std::min(pooled, kOverUsualDay * quantile(levels, 0.5));
}

}  // namespace

double recent_excess_ratio(const ClientFeatures& f) {
  const double outage =
      std::max(0.0, static_cast<double>(f.background_error_ratio) - traffic::kUsualErrorRatio);
  return static_cast<double>(f.client_error_ratio) - outage;
}

double excess_error_ratio(const ClientFeatures& f) {
  return std::max(recent_excess_ratio(f), static_cast<double>(f.hour_excess_ratio));
}

bool fails_at(const ClientFeatures& f, double level) {
  if (f.neighbourhood) return true;
  return f.hour_excess_errors >= static_cast<float>(kLeastErrors) && excess_error_ratio(f) >= level;
}

bool presses_at(const ClientFeatures& f, double level, double granted) {
  const auto rate = static_cast<double>(f[Feature::requests_per_minute]);
  const auto busiest = static_cast<double>(f.busiest_requests);
  const bool stays = rate >= level && static_cast<double>(f.steady_requests) >= level;
  return (stays && rate > granted) || (busiest >= kFloodTimes * level && busiest > granted);
}

double error_level_for(const ClientFeatures& f, const HarmLevels& levels) {
  const bool scans = static_cast<double>(f.failed_paths) >= levels.failed_paths &&
                     static_cast<double>(f.background_error_ratio) < kOutageRatio;
  return scans ? levels.error_ratio / 2 : levels.error_ratio;
}

HarmLevels draw_harm_levels(const std::vector<ClientFeatures>& rows,
                            std::span<const std::uint32_t> days, double false_alarms,
                            double contamination) {
  std::vector<double> excesses;
  std::vector<double> failed_paths;
  std::vector<double> log_rates;
  for (const ClientFeatures& row : rows) {
    const bool counts = row.hour_excess_errors >= static_cast<float>(kLeastErrors / 2);
    excesses.push_back(counts ? excess_error_ratio(row) : 0);
    failed_paths.push_back(static_cast<double>(row.failed_paths));
    log_rates.push_back(std::log1p(static_cast<double>(row[Feature::requests_per_minute])));
  }
  const double each = false_alarms / 2;  // two ways to do harm share the promise
  HarmLevels levels;
  levels.error_ratio = bounded(std::move(excesses), days, [each](std::vector<double> those) {
    return error_level(std::move(those), each);
  });
  levels.failed_paths = bounded(std::move(failed_paths), days, [each](std::vector<double> those) {
    return std::clamp(TailLevel(std::move(those)).exceeded_with(each), kFailedPathsLeast,
                      kFailedPathsMost);
  });
  const auto rate = [&](TailShape shape) {
    return bounded(log_rates, days, [&](std::vector<double> those) {
      return rate_level(std::move(those), each, contamination, shape);
    });
  };
  levels.plain_requests_per_minute = rate(TailShape::zero);
  levels.requests_per_minute = std::min(rate(TailShape::fitted), levels.plain_requests_per_minute);
  return levels;
}

}  // namespace tidelimit::anomaly
