// A hundred times as many fresh keys as the table has places, with principals active throughout:
// the benchmark's flood (bench/limiter/flood.cpp, 100 million keys) in small.
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/hash.hpp"
#include "base/random.hpp"
#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;

constexpr std::size_t kBucketBytes = 1 << 18;  // 16,384 places
constexpr std::uint64_t kFlood = 1'600'000;
constexpr std::uint64_t kActive = 160;

double resident_mib() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

class Flood : public ::testing::Test {
 protected:
  void SetUp() override {
    Plan plan = open_plan();
    set_limits(plan, kOther, kPremium, limit);
    gate.plan.publish(std::make_shared<Plan>(plan));
  }

  [[nodiscard]] static Call call_of(std::uint64_t user, std::uint32_t address) {
    Call call;
    call.user = user | 1;
    call.client = v4_client(address);
    call.endpoint = kOther;
    return call;
  }

  // One call of an active principal, beside the TAT that it should have.
  void active_call(std::uint64_t number) {
    const Decision said = worker.decide(
        call_of(mix(number, 77), 0x0a000000U + static_cast<std::uint32_t>(number)), now);
    const Conformance expected = conform(tats[number], 1, limit, now);
    tats[number] = expected.tat;
    ++checks;
    passes += said.allowed;
    wrong += said.allowed != expected.conforms || said.remaining != expected.remaining;
    shared += said.overflow;
  }

  void flood_call(std::uint64_t number) {
    flood_passes +=
        worker
            .decide(call_of(mix(number, 0xf100d), static_cast<std::uint32_t>(mix(number, 9))), now)
            .allowed;
  }

  const Limit limit = per_minute(100, 100);
  Limiter gate{{.bucket_bytes = kBucketBytes, .client_bytes = 1 << 20, .seed = 5}};
  Worker worker{gate};
  std::vector<Tat> tats = std::vector<Tat>(kActive);
  Instant now{hours{1}};
  std::uint64_t checks = 0;
  std::uint64_t passes = 0;
  std::uint64_t wrong = 0;
  std::uint64_t shared = 0;
  std::uint64_t flood_passes = 0;
};

// The first half of the keys drains before the table is full of them, the second half would need
// six times its places.
TEST_F(Flood, LeavesActivePrincipalsTheirExactLimitsAndMemoryAsItWas) {
  Random random(3);
  for (std::uint64_t i = 0; i < 2 * kActive; ++i) active_call(i % kActive);
  double warm_mib = 0;
  Nanos debt{0};
  for (std::uint64_t i = 0; i < kFlood; ++i) {
    const Nanos step{i < kFlood / 2 ? 60'000 : 6'000};
    now = now + step;
    // Each about three times a second, where its limit lets 1.7 pass.
    for (debt += step; debt >= Nanos{2'000'000}; debt -= Nanos{2'000'000})
      active_call(random.below(kActive));
    flood_call(i);
    if (i == kFlood / 10) warm_mib = resident_mib();
  }
  EXPECT_GT(checks, 20'000U);
  EXPECT_GT(passes, checks / 3);
  EXPECT_LT(passes, checks);
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(shared, 0U);
  EXPECT_GT(gate.buckets().reclaimed(), kFlood / 4);
  EXPECT_GT(gate.buckets().overflows(), kFlood / 10) << "the flood was no flood";
  EXPECT_LT(flood_passes, kFlood);
  EXPECT_LT(resident_mib(), warm_mib + 1)
      << "MiB resident after a tenth of the flood: " << warm_mib;
}

}  // namespace
}  // namespace tidelimit::limiter
