#include "limiter/flood.hpp"

#include <fstream>
#include <memory>
#include <unistd.h>

#include "limiter/limiter.hpp"
#include "limiter/workload.hpp"

namespace tidelimit::bench {
namespace {

using limiter::Limit;

constexpr std::uint64_t kActive = 10'000;

double resident_mib() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

std::shared_ptr<limiter::Plan> plan_of(const Limit& limit) {
  auto plan = std::make_shared<limiter::Plan>();
  plan->generation = 1;
  plan->expires_at = Instant{Nanos::max()};
  plan->endpoints.resize(1);
  plan->cells.resize(1);
  for (auto& view : plan->cells[0].views) view.principal = limit;
  return plan;
}

/// What the flood is for: ten thousand principals who come all the while, each beside what its
/// limit says.
class ActivePrincipals {
 public:
  ActivePrincipals(limiter::Worker& worker, const Limit& limit)
      : worker_(worker), limit_(limit), oracle_(kActive) {}

  void call(std::uint64_t number, Instant now) {
    limiter::Call call;
    call.user = mix(number, 77);
    call.client = {0, std::uint64_t{0xffff} << 32 | (0x0a000000 + number)};
    const auto said = worker_.decide(call, now);
    const auto expected = limiter::conform(oracle_[number], 1, limit_, now);
    oracle_[number] = expected.tat;
    ++checks_;
    wrong_ += said.allowed != expected.conforms || said.remaining != expected.remaining;
    shared_ += said.overflow;
  }
  void report(Figures& figures) const {
    const auto calls = [&](const char* name, std::uint64_t number, const char* aim) {
      figures.add(
          {.name = name, .value = static_cast<double>(number), .unit = "calls", .aim = aim});
    };
    calls("flood_active_checks", checks_, "");
    calls("flood_active_wrong", wrong_, "<=0");
    calls("flood_active_shared", shared_, "<=0");
  }

 private:
  limiter::Worker& worker_;
  const Limit limit_;
  std::vector<limiter::Tat> oracle_;
  std::uint64_t checks_ = 0;
  std::uint64_t wrong_ = 0;
  std::uint64_t shared_ = 0;
};

limiter::Call stranger(std::uint64_t number) {
  limiter::Call call;
  call.user = mix(number, 0xf100d) | 1;
  call.client = {0, std::uint64_t{0xffff} << 32 | static_cast<std::uint32_t>(mix(number, 9))};
  return call;
}

}  // namespace

// The first half comes at a million keys a second: most drain before the table is full of them. The
// second half at ten million a second: six million live buckets would be needed.
void flood(Figures& figures, std::uint64_t keys) {
  const Limit limit = limiter::make_limit({100, std::chrono::minutes{1}}, 100);
  limiter::Limiter gate{{.bucket_bytes = 16u << 20, .client_bytes = 64u << 20, .seed = 5}};
  gate.plan.publish(plan_of(limit));
  limiter::Worker worker{gate};
  ActivePrincipals active(worker, limit);
  Instant now{std::chrono::hours{1}};
  Random random(3);
  for (std::uint64_t i = 0; i < 2 * kActive; ++i) active.call(i % kActive, now);

  double warm_mib = 0;
  const double spent = own_seconds_of([&] {
    Nanos debt{0};
    for (std::uint64_t i = 0; i < keys; ++i) {
      const Nanos step{i < keys / 2 ? 1000 : 100};
      now = now + step;
      // Each of the active calls about three times a second, where its limit lets 1.7 pass.
      for (debt += step; debt >= Nanos{33'000}; debt -= Nanos{33'000})
        active.call(random.below(kActive), now);
      static_cast<void>(worker.decide(stranger(i), now));
      if (i == keys / 10) warm_mib = resident_mib();
    }
  });
  const auto million = static_cast<double>(keys) / 1e6;
  const auto in_millions = [&](const char* name, std::uint64_t number) {
    figures.add({.name = name, .value = static_cast<double>(number) / 1e6, .unit = "million"});
  };
  in_millions("flood_keys", keys);
  figures.add({.name = "flood_decision", .value = spent * 1e3 / million, .unit = "ns"});
  figures.add({.name = "flood_memory_growth",
               .value = resident_mib(),
               .unit = "MiB",
               .reference = "after a tenth of it",
               .reference_value = warm_mib,
               .aim = "<=1.01"});
  active.report(figures);
  in_millions("flood_overflows", gate.buckets().overflows());
  in_millions("flood_reclaimed", gate.buckets().reclaimed());
}

}  // namespace tidelimit::bench
