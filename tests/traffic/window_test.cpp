#include "traffic/window.hpp"

#include <gtest/gtest.h>

namespace tidelimit::traffic {
namespace {

using namespace std::chrono_literals;

const WallTime kStart{Nanos{std::chrono::hours{1000}}};

WindowGrid grid_of(std::size_t windows) {
  return {kStart, 15min, {"a", "b"}, {2, std::vector<WindowStats>(windows)}};
}

TEST(WindowGrid, KnowsTheFirstWindowFromATimeOn) {
  const WindowGrid grid = grid_of(3);
  const std::pair<Nanos, std::size_t> cases[] = {{-1h, 0},   {0s, 0},    {1ns, 1},  {15min, 1},
                                                 {16min, 2}, {45min, 3}, {60min, 4}};
  for (const auto& [after, index] : cases) EXPECT_EQ(grid.index_from(kStart + after), index);
  // Where the grid has no windows, and the time no end.
  EXPECT_EQ(WindowGrid{}.index_from(WallTime::max()), Nanos::max() / Nanos{15min} + 1);
}

TEST(WindowGrid, FindsTheRowOfAnEndpoint) {
  const WindowGrid grid = grid_of(3);
  EXPECT_EQ(grid.row_of("b"), &grid.stats[1]);
  EXPECT_EQ(grid.row_of("c"), nullptr);
}

TEST(WindowStats, AddsCountsAndTakesThemAway) {
  const WindowStats part{.requests = 1,
                         .premium = 2,
                         .errors = 3,
                         .responses = 4,
                         .latency_ms_sum = 5,
                         .malicious = 6,
                         .late = 7};
  WindowStats sum{.observed = false};
  sum += part;
  sum += part;
  sum -= part;
  EXPECT_EQ(sum.requests, 1);
  EXPECT_EQ(sum.premium, 2);
  EXPECT_EQ(sum.errors, 3);
  EXPECT_EQ(sum.responses, 4);
  EXPECT_EQ(sum.latency_ms_sum, 5);
  EXPECT_EQ(sum.malicious, 6);
  EXPECT_EQ(sum.late, 7);
  EXPECT_FALSE(sum.observed);
}

}  // namespace
}  // namespace tidelimit::traffic
