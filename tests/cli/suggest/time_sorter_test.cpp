#include "cli/suggest/time_sorter.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

namespace tidelimit::cli {
namespace {

using std::chrono::seconds;

std::vector<WallTime> sorted(const std::vector<WallTime>& times, TimeSorter& sorter) {
  std::vector<WallTime> given;
  const auto take = [&](const traffic::Request& request) { given.push_back(request.time); };
  for (const WallTime time : times) {
    traffic::Request request;
    request.time = time;
    sorter.add(request, take);
  }
  sorter.finish(take);
  return given;
}

RC_GTEST_PROP(TimeSorterProperty, OrdersWhatIsLateByNoMoreThanItsReach, ()) {
  std::vector<WallTime> times;
  for (const int second : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 3600)))
    times.push_back(WallTime{seconds{1'795'000'000 + second}});
  TimeSorter sorter;
  const auto given = sorted(times, sorter);
  std::sort(times.begin(), times.end());
  RC_ASSERT(given == times);
  RC_ASSERT(sorter.late() == 0U);
}

TEST(TimeSorter, CountsWhatIsLaterThanItsReachAndGivesItAllTheSame) {
  TimeSorter sorter;
  const WallTime day{seconds{1'795'000'000}};
  const auto given =
      sorted({day, day + seconds{7200}, day + seconds{1}, day + seconds{7201}}, sorter);
  EXPECT_EQ(given, (std::vector<WallTime>{day, day + seconds{1}, day + seconds{7200},
                                          day + seconds{7201}}));
  EXPECT_EQ(sorter.late(), 0U);  // nothing later was given out before it
  TimeSorter other;
  EXPECT_EQ(
      sorted({day, day + seconds{7200}, day + seconds{14400}, day + seconds{1}}, other).size(), 4U);
  EXPECT_EQ(other.late(), 1U);
}

TEST(TimeSorter, KeepsTheOrderOfEqualTimesAndTheTexts) {
  TimeSorter sorter;
  std::string paths;
  const auto take = [&](const traffic::Request& request) { paths += request.path; };
  for (std::string path : {"/a", "/b", "/c"}) {
    traffic::Request request;
    request.time = WallTime{seconds{1}};
    request.path = path;
    sorter.add(request, take);
  }
  sorter.finish(take);
  EXPECT_EQ(paths, "/a/b/c");
}

TEST(TimeSorter, HoldsABoundedNumber) {
  TimeSorter sorter;
  std::size_t given = 0;
  traffic::Request request;
  request.time = WallTime{seconds{1}};
  for (std::size_t i = 0; i < TimeSorter::kHeldMost + 5; ++i)
    sorter.add(request, [&](const traffic::Request&) { ++given; });
  EXPECT_EQ(given, 5U);
}

}  // namespace
}  // namespace tidelimit::cli
