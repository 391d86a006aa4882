#include "cli/suggest/peak_book.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/hash.hpp"

namespace tidelimit::cli {
namespace {

constexpr ClientId kClient{0, std::uint64_t{0xffff} << 32 | 7};

WallTime at(double seconds) {
  return WallTime{
      std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(1'795'000'000 + seconds))};
}

// The most of the times that lie within one span of that length.
std::uint32_t most_within(const std::vector<double>& times, double span) {
  std::size_t most = 0;
  for (std::size_t first = 0; first < times.size(); ++first) {
    std::size_t last = first;
    while (last < times.size() && times[last] < times[first] + span) ++last;
    most = std::max(most, last - first);
  }
  return static_cast<std::uint32_t>(most);
}

RC_GTEST_PROP(PeakBookProperty, IsAtMostTheBusiestMinuteAndAtLeastTheBusiest55Seconds, ()) {
  std::vector<double> times;
  for (const unsigned tenth :
       *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(0u, 9000u)))
    times.push_back(tenth / 10.0);
  std::sort(times.begin(), times.end());
  PeakBook book;
  for (const double time : times) book.add(1, kClient, 0, 0, at(time));
  const auto peaks = book.peaks();
  if (times.empty()) {
    RC_ASSERT(peaks.empty());
    return;
  }
  RC_ASSERT(peaks.size() == 1U);
  RC_ASSERT(peaks[0].total == times.size());
  RC_ASSERT(peaks[0].peak >= most_within(times, 54.999));
  RC_ASSERT(peaks[0].peak <= most_within(times, 60));
}

TEST(PeakBook, TellsEndpointsAndPrincipalsApart) {
  PeakBook book;
  book.add(1, kClient, 0, 0, at(0));
  book.add(1, kClient, 1, 0, at(0));
  book.add(2, kClient, 0, 0, at(0));
  book.add(2, kClient, 0, 0, at(1));
  auto peaks = book.peaks();
  EXPECT_EQ(peaks.size(), 3U);
  EXPECT_EQ(std::count_if(peaks.begin(), peaks.end(), [](const Peak& p) { return p.peak == 2; }),
            1);
}

TEST(PeakBook, CountsOnePrincipalOverAllTiersItComesIn) {
  PeakBook book;
  for (int second = 0; second < 10; ++second)
    book.add(1, kClient, 0, second % 2 == 0 ? 1 : 63, at(second));
  const auto peaks = book.peaks();
  ASSERT_EQ(peaks.size(), 1U);
  EXPECT_EQ(peaks[0].peak, 10U);
  EXPECT_TRUE(peaks[0].came_in(1));
  EXPECT_TRUE(peaks[0].came_in(63));
  EXPECT_FALSE(peaks[0].came_in(0));
}

TEST(PeakBook, FollowsAFairPartOfManyPrincipals) {
  constexpr std::uint64_t kPrincipals = 20'000;
  PeakBook book(1000);
  for (int round = 1; round <= 3; ++round)
    for (std::uint64_t i = 0; i < kPrincipals; ++i) book.add(mix(i, 5), kClient, 0, 0, at(round));
  const auto peaks = book.peaks();
  EXPECT_LE(peaks.size(), 1000U);
  EXPECT_NEAR(static_cast<double>(peaks.size() * book.one_in()), kPrincipals, kPrincipals * 0.2);
  for (const Peak& peak : peaks) ASSERT_EQ(peak.peak, 3U);  // each of them from the start
}

TEST(PeakBook, IsExactForAnEvenFlow) {
  PeakBook book;
  for (int second = 0; second < 600; ++second) book.add(1, kClient, 0, 0, at(second + 0.3));
  EXPECT_EQ(book.peaks().front().peak, 60U);
}

TEST(PeakBook, CountsWhatComesLateAtTheLatestTime) {
  PeakBook book;
  book.add(1, kClient, 0, 0, at(500));
  book.add(1, kClient, 0, 0, at(0));
  EXPECT_EQ(book.peaks().front().peak, 2U);
}

}  // namespace
}  // namespace tidelimit::cli
