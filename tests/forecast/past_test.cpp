#include "forecast/past.hpp"

#include <gtest/gtest.h>

#include "forecast/far_off.hpp"
#include "forecast/model.hpp"
#include "forecast/synthetic.hpp"

namespace tidelimit::forecast {
namespace {

using std::chrono::days;

/// Windows [from, to) of a grid.
traffic::WindowGrid part_of(const traffic::WindowGrid& grid, std::size_t from, std::size_t to) {
  traffic::WindowGrid part{grid.time_of(from), grid.step, grid.endpoints, {}};
  for (const auto& row : grid.stats) {
    part.stats.emplace_back(row.begin() + static_cast<std::ptrdiff_t>(from),
                            row.begin() + static_cast<std::ptrdiff_t>(to));
  }
  return part;
}

TEST(Past, KeepsTheNewestWeeksOfTheEndpointsNamed) {
  const auto grid = rhythm(3, 50, 1);
  const auto past = newest_past(grid, {"endpoint2", "unknown", "endpoint0"});
  ASSERT_EQ(past.size(), kPastDays * 96);
  EXPECT_EQ(past.endpoints, (std::vector<std::string>{"endpoint2", "endpoint0"}));
  EXPECT_EQ(past.time_of(past.size()), grid.time_of(grid.size()));
  EXPECT_EQ(past.stats[0].back().requests, grid.stats[2].back().requests);
  EXPECT_EQ(past.stats[1].front().errors, grid.stats[0][15 * 96].errors);
}

TEST(Past, OfManyEndpointsIsBounded) {
  const auto grid = rhythm(40, 14, 1);
  const auto past = newest_past(grid, grid.endpoints);
  EXPECT_LE(past.size() * past.endpoints.size(), kMostPastWindows);
  EXPECT_GE(past.size(), 6u * 96);
}

TEST(Past, ComesBeforeAGridAndItsGapsAreNoZeros) {
  const auto all = rhythm(2, 10, 1);
  const auto past = newest_past(part_of(all, 0, 5 * 96), {"endpoint1"});
  const auto whole = with_past(past, part_of(all, 6 * 96, 10 * 96));
  ASSERT_EQ(whole.size(), 10u * 96);
  EXPECT_EQ(whole.start, all.start);
  EXPECT_FALSE(whole.stats[0][0].observed) << "not in the past";
  EXPECT_EQ(whole.stats[1][7].requests, all.stats[1][7].requests);
  EXPECT_FALSE(whole.stats[1][5 * 96].observed) << "between the two";
  EXPECT_EQ(whole.stats[0][6 * 96].requests, all.stats[0][6 * 96].requests);
}

TEST(Past, GivesWayToAGridThatKnowsMoreAndOneOfAnotherTime) {
  const auto all = rhythm(1, 60, 1);
  const auto past = newest_past(part_of(all, 0, 5 * 96), all.endpoints);
  EXPECT_EQ(with_past(past, all).size(), all.size());
  auto overlapping = part_of(all, 3 * 96, 8 * 96);
  overlapping.stats[0][0].requests = 12345;
  const auto whole = with_past(past, overlapping);
  EXPECT_EQ(whole.size(), 8u * 96);
  EXPECT_EQ(whole.stats[0][3 * 96].requests, 12345);
  EXPECT_EQ(with_past(past, part_of(all, 59 * 96, 60 * 96)).size(), 96u) << "too long ago";
  auto hourly = part_of(all, 6 * 96, 7 * 96);
  hourly.step = std::chrono::hours{1};
  EXPECT_EQ(with_past(past, hourly).size(), 96u);
  auto shifted = part_of(all, 6 * 96, 7 * 96);
  shifted.start += std::chrono::minutes{5};
  EXPECT_EQ(with_past(past, shifted).size(), 96u);
  EXPECT_EQ(with_past({}, shifted).size(), 96u) << "a bundle without a past";
}

TEST(Past, LetsTheFirstDayAfterTrainingBeForecastAsIfNothingHadBeenCutOff) {
  const auto all = rhythm(2, 16, 3);
  TrainOptions options;
  options.epochs = 1;
  const auto model = train(part_of(all, 0, 14 * 96), options, {});
  ASSERT_TRUE(model.has_value()) << model.error().message;
  const auto rest = part_of(all, 14 * 96, 16 * 96);
  const auto whole = with_past((*model)->past, rest);
  ASSERT_EQ(whole.size(), all.size());
  const auto known = predict(model->get(), all, 14 * 96 + 8, options.shape);
  const auto kept = predict(model->get(), whole, 14 * 96 + 8, options.shape);
  const auto cut = predict(model->get(), rest, 8, options.shape);
  for (std::size_t e = 0; e < 2; ++e) {
    EXPECT_EQ(kept[e].quantiles, known[e].quantiles);
    EXPECT_EQ(kept[e].source, Source::lstm);
    EXPECT_NE(cut[e].source, Source::lstm);
  }
}

/// So many days of rhythm, of each `from` to `to`, with gaps between them.
traffic::WindowGrid days_of(std::initializer_list<std::pair<int, int>> stretches, int days) {
  auto grid = rhythm(1, days, 5);
  for (auto& window : grid.stats[0]) window.observed = false;
  for (const auto& [from, to] : stretches) {
    for (int i = from * 96; i < to * 96; ++i) {
      grid.stats[0][static_cast<std::size_t>(i)].observed = true;
    }
  }
  return grid;
}

TEST(FarOff, StrayWindowsAreCutOff) {
  auto grid = days_of({{60, 70}}, 200);
  const WallTime begin = grid.time_of(60 * 96);
  for (const std::size_t i : {3U, 4U, 199U * 96}) grid.stats[0][i].observed = true;
  const FarOff cut = cut_far_off(grid);
  EXPECT_EQ(cut.windows, 3U);
  EXPECT_EQ(cut.first, begin - 60 * std::chrono::hours{24} + 3 * grid.step);
  EXPECT_EQ(grid.start, begin);
  EXPECT_EQ(grid.size(), 10U * 96);
}

TEST(FarOff, PausesBetweenDaysOfTrafficStay) {
  auto grid = days_of({{0, 1}, {50, 60}, {150, 151}}, 151);
  EXPECT_EQ(cut_far_off(grid).windows, 0U);
  EXPECT_EQ(grid.size(), 151U * 96);
  auto near = days_of({{20, 30}}, 50);  // windows that are near their like stay, however few
  near.stats[0][0].observed = near.stats[0].back().observed = true;
  EXPECT_EQ(cut_far_off(near).windows, 0U);
  EXPECT_EQ(near.size(), 50U * 96);
}

TEST(FarOff, OfAnHourThatStandsAloneNothingIsCut) {
  auto grid = days_of({}, 100);
  grid.stats[0][0].observed = grid.stats[0].back().observed = true;
  EXPECT_EQ(cut_far_off(grid).windows, 0U);
  EXPECT_EQ(grid.size(), 100U * 96);
}

}  // namespace
}  // namespace tidelimit::forecast
