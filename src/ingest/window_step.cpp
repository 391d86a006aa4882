#include "ingest/window_step.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <set>

namespace tidelimit::ingest {
namespace {

using std::chrono::duration_cast;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// Of so many rows one may lie off the grid, or beside another: a mistake to be named.
constexpr std::size_t kOneOff = 20;
/// A grid on which fewer windows than one in so many have a row is none.
constexpr Nanos::rep kSparsest = 50;

constexpr std::array<Nanos, 26> kCommon{
    seconds{1},  seconds{5},  seconds{10}, seconds{15}, seconds{20},  seconds{30}, minutes{1},
    minutes{2},  minutes{3},  minutes{4},  minutes{5},  minutes{6},   minutes{10}, minutes{12},
    minutes{15}, minutes{20}, minutes{30}, hours{1},    hours{2},     hours{3},    hours{4},
    hours{6},    hours{8},    hours{12},   hours{24},   hours{24 * 7}};

Nanos most_frequent(const std::vector<Nanos>& sorted) {
  Nanos found{};
  std::ptrdiff_t most = 0;
  for (auto at = sorted.begin(); at != sorted.end();) {
    const auto end = std::upper_bound(at, sorted.end(), *at);
    if (end - at > most) {
      most = end - at;
      found = *at;
    }
    at = end;
  }
  return found;
}

/// The middle of the times' places within their windows, which lie around the first one's.
WallTime middle_origin(const std::vector<WallTime>& times, Nanos step) {
  const WindowStep by_first{step, times.front()};
  std::vector<Nanos> off;
  off.reserve(times.size());
  for (const WallTime time : times) off.push_back(time - by_first.nearest(time));
  const auto middle = off.begin() + static_cast<std::ptrdiff_t>((off.size() - 1) / 2);
  std::nth_element(off.begin(), middle, off.end());
  return times.front() + *middle;
}

bool fits(const WindowStep& grid, const std::vector<WallTime>& times) {
  std::size_t off = 0;
  for (const WallTime time : times) {
    off += grid.holds(time) ? 0 : 1;
    if (off * kOneOff > times.size()) return false;
  }
  return true;
}

/// The grid of this step, if there is one: that of the clock where it fits.
std::optional<WindowStep> grid_of(Nanos step, const std::vector<WallTime>& times,
                                  const std::vector<Nanos>& sorted) {
  const auto in_one = static_cast<std::size_t>(
      std::lower_bound(sorted.begin(), sorted.end(), step - step / 10) - sorted.begin());
  if (in_one * kOneOff > sorted.size()) return std::nullopt;
  const WindowStep of_clock{step, WallTime{}};
  if (fits(of_clock, times)) return of_clock;
  const WindowStep shifted{step, middle_origin(times, step)};
  if (fits(shifted, times)) return shifted;
  return std::nullopt;
}

}  // namespace

std::optional<WindowStep> find_step(const std::vector<WallTime>& times,
                                    std::vector<Nanos> distances, Nanos otherwise) {
  if (distances.empty()) {
    for (std::size_t i = 1; i < times.size(); ++i) distances.push_back(times[i] - times[i - 1]);
  }
  if (distances.empty()) return WindowStep{otherwise, times.front()};
  std::sort(distances.begin(), distances.end());

  Nanos exact{};
  for (const Nanos distance : distances) exact = Nanos{std::gcd(exact.count(), distance.count())};
  const Nanos usual = most_frequent(distances);
  std::set<Nanos, std::greater<>> steps(kCommon.begin(), kCommon.end());
  steps.insert(
      {exact, usual, std::chrono::round<seconds>(usual), std::chrono::round<minutes>(usual)});
  const Nanos least = distances[distances.size() / 2] / kSparsest;
  for (const Nanos step : steps) {
    if (step <= Nanos{} || step < least) break;
    const auto found = grid_of(step, times, distances);
    if (!found) continue;
    for (const Nanos common : kCommon) {
      if (common == step || std::chrono::abs(common - step) > step / kOneOff) continue;
      if (auto better = grid_of(common, times, distances)) return better;
    }
    return found;
  }
  return std::nullopt;
}

}  // namespace tidelimit::ingest
