// The table against a slow obvious oracle, in virtual time: a map of TATs that forgets nothing.
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <vector>

#include "limiter/bucket_calls.hpp"
#include "limiter/interval_bound.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::minutes;

struct Step {
  std::int64_t wait_us;
  std::uint64_t key;
  Hits hits;
  bool peek;
};
void showValue(const Step& step, std::ostream& out) {
  out << '+' << step.wait_us << " us, key " << step.key << " x" << step.hits
      << (step.peek ? " peek" : "");
}

// Mostly short waits, so that buckets are live; now and then a long one, so that they drain.
rc::Gen<std::vector<Step>> any_steps(std::int64_t earliest_us) {
  const auto wait = rc::gen::weightedOneOf<std::int64_t>(
      {{6, rc::gen::just<std::int64_t>(0)},
       {6, rc::gen::inRange<std::int64_t>(0, 200'000)},
       {1, rc::gen::inRange<std::int64_t>(earliest_us, 30'000'000)}});
  return rc::gen::scale(
      4.0, rc::gen::container<std::vector<Step>>(rc::gen::construct<Step>(
               wait, rc::gen::inRange<std::uint64_t>(0, 40), rc::gen::inRange<Hits>(1, 4),
               rc::gen::weightedElement<bool>({{5, false}, {1, true}}))));
}

rc::Gen<Limit> any_limit() {
  return rc::gen::apply(
      [](std::int64_t interval_us, std::uint64_t burst) {
        return Limit{std::chrono::microseconds{interval_us}, burst};
      },
      rc::gen::inRange<std::int64_t>(1, 2'000'000), rc::gen::inRange<std::uint64_t>(1, 20));
}

void expect_equal(const Conformance& said, const Conformance& expected) {
  RC_ASSERT(said.conforms == expected.conforms);
  RC_ASSERT(said.remaining == expected.remaining);
  RC_ASSERT(said.retry_after == expected.retry_after);
  RC_ASSERT(said.reset_after == expected.reset_after);
}

// 32 places for 40 keys: buckets are reclaimed all the time, and a call that finds every place
// taken says so.
RC_GTEST_PROP(BucketOracle, AgreesCallByCallWhileTimeRuns, ()) {
  const Limit limit = *any_limit();
  const auto steps = *any_steps(0);
  BucketRegion region(4 * 128);
  std::map<std::uint64_t, Tat> oracle;
  Nanos now = minutes{60};
  for (const Step& step : steps) {
    now += std::chrono::microseconds{step.wait_us};
    const BucketCall call = call_on(key_number(step.key), limit, at(now), step.hits);
    Charge said;
    Tat& tat = oracle[step.key];
    const Conformance expected = conform(tat, step.hits, limit, call.now);
    const bool found = step.peek ? region.peek(call, said) : region.charge(call, said);
    if (!found) {
      RC_ASSERT(tat <= now);  // only an absent bucket can fail to find a place
      continue;
    }
    expect_equal(said.conformance, expected);
    if (!step.peek) tat = expected.tat;
  }
}

// Undoing at once equals not having called.
RC_GTEST_PROP(BucketOracle, UndoesExactly, ()) {
  const Limit limit = *any_limit();
  const auto steps = *any_steps(0);
  BucketRegion region(64 * 128);
  std::map<std::uint64_t, Tat> oracle;
  Nanos now = minutes{60};
  for (const Step& step : steps) {
    now += std::chrono::microseconds{step.wait_us};
    const BucketCall call = call_on(key_number(step.key), limit, at(now), step.hits);
    Charge said;
    RC_ASSERT(region.charge(call, said));
    Tat& tat = oracle[step.key];
    const Conformance expected = conform(tat, step.hits, limit, call.now);
    expect_equal(said.conformance, expected);
    if (step.peek)
      BucketRegion::undo(said);
    else
      tat = expected.tat;
  }
}

// Whatever the clock does, and with buckets reclaimed under it: going back over the same time
// grants nothing twice.
RC_GTEST_PROP(BucketOracle, HoldsTheBoundUnderAClockThatWanders, ()) {
  const Limit limit = *any_limit();
  const auto steps = *any_steps(-30'000'000);
  BucketRegion region(4 * 128);
  std::vector<Passed> passed;
  Nanos now = minutes{60};
  for (const Step& step : steps) {
    now = std::max(now + std::chrono::microseconds{step.wait_us}, Nanos{0});
    Charge said;
    if (region.charge(call_on(key_number(step.key), limit, at(now), step.hits), said) &&
        said.conformance.conforms)
      passed.push_back({now, step.key, step.hits});
  }
  RC_ASSERT(within_bound(std::move(passed), limit));
}

}  // namespace
}  // namespace tidelimit::limiter
