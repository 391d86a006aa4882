#include "engine/forecast_record.hpp"

#include <cmath>

namespace tidelimit::engine {
namespace {

constexpr Nanos kRemembered = std::chrono::hours{24};

/// Requests of an endpoint, a row of the grid, over [from, from + span); empty where a window of it
/// is a gap or beyond the grid.
std::optional<double> came(const traffic::WindowGrid& grid,
                           const std::vector<traffic::WindowStats>& row, WallTime from,
                           Nanos span) {
  const auto first = (from - grid.start) / grid.step;
  const auto count = span / grid.step;
  if (from < grid.start || static_cast<std::size_t>(first + count) > grid.size()) return {};
  double sum = 0;
  for (auto i = first; i < first + count; ++i) {
    const auto& stats = row[static_cast<std::size_t>(i)];
    if (!stats.observed) return {};
    sum += stats.requests;
  }
  return sum;
}

}  // namespace

void ForecastRecord::published(const std::vector<forecast::EndpointForecast>& forecasts) {
  for (const auto& made : forecasts) {
    if (made.source == forecast::Source::none) continue;
    auto& open = endpoints_[made.endpoint].open;
    // Made again for the same time (new models): the one that acts counts.
    if (!open.empty() && open.back().made_at == made.made_at) open.pop_back();
    open.push_back({made.made_at, made.horizon, made.median(), made.naive});
  }
}

void ForecastRecord::judge(const traffic::WindowGrid& closed) {
  const WallTime end = closed.time_of(closed.size());
  for (auto& [name, endpoint] : endpoints_) {
    const auto* row = closed.row_of(name);
    while (!endpoint.open.empty() &&
           endpoint.open.front().made_at + endpoint.open.front().horizon <= end) {
      const Open made = endpoint.open.front();
      endpoint.open.pop_front();
      if (row == nullptr) continue;
      if (const auto actual = came(closed, *row, made.made_at, made.horizon))
        endpoint.judged.push_back({made.made_at + made.horizon, std::abs(made.median - *actual),
                                   std::abs(made.naive - *actual)});
    }
    while (!endpoint.judged.empty() && endpoint.judged.front().ended <= end - kRemembered)
      endpoint.judged.pop_front();
  }
}

void ForecastRecord::forget_after(WallTime now) {
  for (auto& [name, endpoint] : endpoints_) {
    std::erase_if(endpoint.open, [&](const Open& made) { return made.made_at > now; });
    std::erase_if(endpoint.judged, [&](const Judged& one) { return one.ended > now; });
  }
}

ForecastRecord::Score ForecastRecord::score(const std::string& endpoint) const {
  const auto found = endpoints_.find(endpoint);
  if (found == endpoints_.end() || found->second.judged.empty()) return {};
  double error = 0;
  double naive = 0;
  for (const Judged& one : found->second.judged) {
    error += one.error;
    naive += one.naive_error;
  }
  Score score;
  score.absolute_error = error / static_cast<double>(found->second.judged.size());
  if (naive > 0) score.error_ratio = error / naive;
  return score;
}

}  // namespace tidelimit::engine
