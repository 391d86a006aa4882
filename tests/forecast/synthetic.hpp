#pragma once

#include <chrono>
#include <cmath>
#include <numbers>
#include <string>

#include "base/random.hpp"
#include "traffic/window.hpp"

namespace tidelimit::forecast {

/// A grid of `days` days of 15-minute windows that starts on Monday 2026-06-01: endpoint e has a
/// daily rhythm around 100 (e + 1) requests a window, and Poisson noise.
inline traffic::WindowGrid rhythm(int endpoints, int days, std::uint64_t seed) {
  traffic::WindowGrid grid;
  grid.start = WallTime{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}};
  const std::size_t windows = static_cast<std::size_t>(days) * 96;
  Random random(seed);
  for (int e = 0; e < endpoints; ++e) {
    grid.endpoints.push_back("endpoint" + std::to_string(e));
    auto& row = grid.stats.emplace_back(windows);
    for (std::size_t i = 0; i < windows; ++i) {
      const double day = 2 * std::numbers::pi * static_cast<double>(i) / 96.0;
      const double mean = 100.0 * (e + 1) * (1.0 + 0.7 * std::sin(day + e));
      auto& w = row[i];
      w.requests = static_cast<double>(random.poisson(mean));
      w.premium = std::floor(0.2 * w.requests);
      w.responses = w.requests;
      w.errors = std::floor(0.02 * w.requests);
    }
  }
  return grid;
}

/// The first `windows` windows alone.
inline traffic::WindowGrid first_windows(traffic::WindowGrid grid, std::size_t windows) {
  for (auto& row : grid.stats) row.resize(windows);
  return grid;
}

}  // namespace tidelimit::forecast
