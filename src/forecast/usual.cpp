#include <algorithm>
#include <cmath>
#include <numeric>

#include "forecast/forecaster.hpp"
#include "forecast/recurrence.hpp"

namespace tidelimit::forecast {
namespace {

/// Requests of the windows from `from` on; empty where one was not observed.
std::optional<double> sum_of(const std::vector<traffic::WindowStats>& stats, std::size_t from,
                             std::size_t count) {
  double requests = 0;
  for (std::size_t i = from; i < from + count; ++i) {
    if (!stats[i].observed) return {};
    requests += stats[i].requests;
  }
  return requests;
}

/// How far the shape of the last day is from that of the same weekdays before, `offset` windows
/// later: the sum over its hours of what part of the day's requests falls elsewhere, in [0, 2].
/// Empty: too little is known.
std::optional<double> misfit(const std::vector<traffic::WindowStats>& stats, std::size_t origin,
                             const Spans& spans, std::size_t hour, std::ptrdiff_t offset) {
  constexpr std::size_t kWeeks = 4;
  constexpr std::size_t kFewestHours = 20;
  std::vector<double> last, before;
  for (std::size_t from = origin - spans.day; from < origin; from += hour) {
    std::vector<double> weeks;
    for (std::size_t k = 1; k <= kWeeks; ++k) {
      const auto at =
          static_cast<std::ptrdiff_t>(from) + offset - static_cast<std::ptrdiff_t>(k * spans.week);
      if (at < 0) break;
      if (const auto sum = sum_of(stats, static_cast<std::size_t>(at), hour)) weeks.push_back(*sum);
    }
    const auto came = sum_of(stats, from, hour);
    if (!came || weeks.empty()) continue;
    last.push_back(*came);
    before.push_back(median(weeks));
  }
  const double came = std::accumulate(last.begin(), last.end(), 0.0);
  const double came_before = std::accumulate(before.begin(), before.end(), 0.0);
  if (last.size() < kFewestHours || came <= 0 || came_before <= 0) return {};
  double misfit = 0;
  for (std::size_t i = 0; i < last.size(); ++i)
    misfit += std::fabs(last[i] / came - before[i] / came_before);
  return misfit;
}

/// By how many windows the day has moved: an hour where people live by a local time and its clocks
/// were changed within the last two weeks, else none. By the whole last day's shape, so that an
/// hour's spike moves nothing, and only where that fits far better than no move.
std::ptrdiff_t day_moved(const std::vector<traffic::WindowStats>& stats, std::size_t origin,
                         const Spans& spans, const Shape& shape) {
  constexpr double kFarBetter = 0.6;
  const Nanos hour = std::chrono::hours{1};
  if (hour % shape.window != Nanos{0} || origin < spans.day) return 0;
  const auto step = static_cast<std::size_t>(hour / shape.window);
  const auto unmoved = misfit(stats, origin, spans, step, 0);
  if (!unmoved) return 0;
  double best = kFarBetter * *unmoved;
  std::ptrdiff_t moved = 0;
  for (const std::ptrdiff_t offset :
       {-static_cast<std::ptrdiff_t>(step), static_cast<std::ptrdiff_t>(step)}) {
    const auto fit = misfit(stats, origin, spans, step, offset);
    if (!fit || *fit >= best) continue;
    best = *fit;
    moved = offset;
  }
  return moved;
}

}  // namespace

std::optional<double> usual(const traffic::WindowGrid& grid, std::size_t endpoint,
                            std::size_t origin, const Shape& shape) {
  constexpr std::size_t kDays = 28;
  constexpr std::size_t kFewestDays = 7;
  const Spans spans = Spans::of(shape);
  const auto& stats = grid.stats[endpoint];
  const std::ptrdiff_t moved = day_moved(stats, origin, spans, shape);
  std::vector<double> days;
  for (std::size_t k = 1; k <= kDays && k * spans.day <= origin; ++k) {
    const auto from = static_cast<std::ptrdiff_t>(origin - k * spans.day) + moved;
    if (from < 0 || static_cast<std::size_t>(from) + spans.horizon > origin) continue;
    if (const auto requests = sum_of(stats, static_cast<std::size_t>(from), spans.horizon))
      days.push_back(*requests);
  }
  if (days.size() < kFewestDays) return {};
  return median(days);
}

}  // namespace tidelimit::forecast
