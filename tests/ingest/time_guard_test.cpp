#include "ingest/time_guard.hpp"

#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t k2026 = 1767225600;
constexpr std::int64_t k2099 = 4070908800;

/// A csv whose n-th path is /n.
std::string log_of(const std::vector<std::int64_t>& seconds) {
  std::string text = "timestamp,client_ip,path\n";
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    text += std::to_string(seconds[i]) + ",192.0.2.1,/" + std::to_string(i) + "\n";
  }
  return text;
}

std::vector<std::int64_t> seconds_from(std::int64_t start, std::size_t count,
                                       std::int64_t step = 60) {
  std::vector<std::int64_t> seconds(count);
  for (std::size_t i = 0; i < count; ++i) {
    seconds[i] = start + static_cast<std::int64_t>(i) * step;
  }
  return seconds;
}

std::vector<std::int64_t> joined(std::initializer_list<std::vector<std::int64_t>> parts) {
  std::vector<std::int64_t> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// Reads them, checks that every line is accounted for, and returns the paths that came.
struct Guarded {
  explicit Guarded(const std::vector<std::int64_t>& seconds) : reading(read_text(log_of(seconds))) {
    EXPECT_FALSE(reading.failure);
    EXPECT_EQ(reading.report.lines, seconds.size());
    EXPECT_EQ(reading.report.requests, reading.requests.size());
    EXPECT_EQ(reading.report.requests + reading.report.unreadable, seconds.size());
    EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(Unreadable::wrong_clock)],
              reading.report.unreadable);
  }
  [[nodiscard]] bool in_order() const {
    int before = -1;
    for (const Owned& request : reading.requests) {
      const int index = std::stoi(request.path.substr(1));
      if (index <= before) return false;
      before = index;
    }
    return true;
  }
  [[nodiscard]] std::uint64_t refused() const { return reading.report.unreadable; }
  Reading reading;
};

TEST(TimeGuard, RefusesASingleWrongClockWhereverItStands) {
  for (const std::int64_t wrong : {k2099, std::int64_t{0}}) {
    for (const std::size_t place : {0u, 1u, 5u, 7u, 8u, 9u, 50u, 98u, 99u, 100u}) {
      auto seconds = seconds_from(k2026, 100);
      seconds.insert(seconds.begin() + static_cast<std::ptrdiff_t>(place), wrong);
      const Guarded log(seconds);
      ASSERT_EQ(log.refused(), 1u) << place;
      EXPECT_EQ(log.reading.report.examples.front().line, place + 2);
      EXPECT_TRUE(log.in_order());
    }
  }
}

TEST(TimeGuard, SaysWhichLineAndWhy) {
  auto seconds = seconds_from(k2026, 3000);
  seconds[1000] = k2099;
  const Guarded log(seconds);
  EXPECT_EQ(describe(log.reading.report.examples.at(0)),
            "access.log:1002: a time far from all others (a wrong clock?): "
            "4070908800,192.0.2.1,/1000");
  const Reading strict = read_text(log_of(seconds), options("", {}, true));
  ASSERT_TRUE(strict.failure);
  EXPECT_EQ(strict.failure->code, Code::invalid_argument);
  EXPECT_TRUE(strict.failure->message.starts_with("access.log:1002: a time far"));
}

TEST(TimeGuard, BelievesARealGap) {
  for (const std::int64_t later : {k2026 + 60 * kDay, k2026 - 60 * kDay, k2099}) {
    const Guarded log(joined({seconds_from(k2026, 100), seconds_from(later, 100)}));
    EXPECT_EQ(log.refused(), 0u);
    EXPECT_TRUE(log.in_order());
  }
}

TEST(TimeGuard, BelievesTheFirstFewAfterAGapAtTheEndUnlessDecadesAway) {
  const auto month = seconds_from(k2026, 100);
  EXPECT_EQ(Guarded(joined({month, seconds_from(k2026 + 30 * kDay, 2)})).refused(), 0u);
  EXPECT_EQ(Guarded(joined({month, seconds_from(k2026 + 30 * kDay, 1)})).refused(), 1u);
  EXPECT_EQ(Guarded(joined({month, seconds_from(k2099, 3)})).refused(), 3u);
}

TEST(TimeGuard, NeverBelievesAMinority) {
  // Every fourth line from a machine that lives in 2099.
  auto seconds = seconds_from(k2026, 4000);
  for (std::size_t i = 3; i < seconds.size(); i += 4) seconds[i] = k2099 + seconds[i] - k2026;
  const Guarded log(seconds);
  EXPECT_EQ(log.refused(), 1000u);
  EXPECT_TRUE(log.in_order());
}

TEST(TimeGuard, LetsAllThroughThatIsSparseOrShuffled) {
  EXPECT_EQ(Guarded(seconds_from(k2026, 1)).refused(), 0u);
  EXPECT_EQ(Guarded(seconds_from(k2026, 5, 30 * kDay)).refused(), 0u);
  const auto few = joined({seconds_from(k2026, 2), {k2026 + 20 * kDay, k2026 + 51 * kDay}});
  EXPECT_EQ(Guarded(few).refused(), 0u);
  EXPECT_EQ(Guarded(joined({few, {k2099}})).refused(), 1u);
  const Guarded sparse(seconds_from(k2026, 500, 10 * kDay));
  EXPECT_EQ(sparse.refused(), 0u);
  EXPECT_TRUE(sparse.in_order());
  // A month in the order of its clients.
  auto seconds = seconds_from(k2026, 3000, 15 * 60);
  std::vector<std::int64_t> shuffled;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    shuffled.push_back(seconds[i * 1009 % seconds.size()]);
  }
  EXPECT_EQ(Guarded(shuffled).refused(), 0u);
}

TEST(TimeGuard, GoesOnFromOneInputToTheNext) {
  auto first = seconds_from(k2026, 50);
  first.push_back(k2026 + 20 * kDay);  // belongs to the next one
  first.push_back(k2099);
  const Reading reading =
      read_all({text_source("a", log_of(first)),
                text_source("b", log_of(seconds_from(k2026 + 20 * kDay + 60, 50)))});
  EXPECT_EQ(reading.report.requests, 101u);
  EXPECT_EQ(reading.report.unreadable, 1u);
  EXPECT_EQ(reading.report.examples.at(0).source, "a");
  EXPECT_EQ(reading.report.examples.at(0).line, 53u);
}

TEST(TimeGuard, HoldsABoundedNumber) {
  TimeGuard guard;
  traffic::Request request;
  const std::string path(100'000, 'x');
  request.path = path;
  for (std::int64_t i = 0; i < 10'000; ++i) {
    // Up to the year 2244: times end in 2262.
    request.time = WallTime{std::chrono::seconds{k2026 + i * 1009 % 800 * 100 * kDay}};
    if (!guard.passes(request.time)) guard.hold(request, {});
    EXPECT_LE(guard.held(), TimeGuard::kHeldMost);
    while (guard.any_free()) static_cast<void>(guard.take_free());
  }
}

}  // namespace
}  // namespace tidelimit::ingest
