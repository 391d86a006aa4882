#include "limiter/instructions.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

#include "limiter/limiter.hpp"
#include "limiter/references.hpp"
#include "limiter/workload.hpp"

namespace {

using namespace tidelimit;
using namespace tidelimit::bench;

constexpr std::uint64_t kKeys = 20'000;
constexpr std::size_t kOps = 100'000;
constexpr std::size_t kChunk = 1'000;
constexpr std::uint64_t kSeed = 42;
constexpr std::size_t kBytes = kKeys * 16 * 4 / 3;

const limiter::Limit kLimit = limiter::make_limit({6000, std::chrono::minutes{1}}, 100);

struct Gate {
  limiter::Limiter limiter{
      {.bucket_bytes = kBytes, .client_bytes = kKeys * 128 * 3, .seed = kSeed}};
  limiter::Worker worker{limiter};
  std::uint64_t passed = 0;

  void decide(std::span<const Op> ops, Instant now) {
    for (const Op& op : ops) {
      limiter::Call call;
      call.client = op.client();
      call.user = limiter.hash_user(op.key());
      passed += worker.decide(call, now).allowed;
    }
  }
};

std::uint64_t pass_all(BareTable& bare, std::span<const Op> ops, Instant now) {
  std::uint64_t passed = 0;
  for (const Op& op : ops) passed += bare.pass(hash_bytes(op.key(), kSeed), kLimit, now);
  return passed;
}

std::shared_ptr<const limiter::Plan> plan_of(std::uint64_t generation) {
  auto plan = std::make_shared<limiter::Plan>();
  plan->generation = generation;
  plan->expires_at = Instant{Nanos::max()};
  plan->endpoints.resize(1);
  plan->cells.resize(1);
  for (auto& view : plan->cells[0].views) view.principal = kLimit;
  return plan;
}

// A hundred clients that are none of the callers.
std::shared_ptr<const limiter::VerdictTable> verdicts() {
  std::vector<limiter::Verdict> all(100);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].client = {1, i};
    all[i].action = limiter::Action::block;
    all[i].expires_at = Instant{Nanos::max()};
  }
  return std::make_shared<limiter::VerdictTable>(std::move(all));
}

}  // namespace

// Callgrind counts while one of these runs; it knows them by their C names.
extern "C" {
[[gnu::noinline]] void counted_decisions(Gate* gate, const Op* ops, std::int64_t now_ns) {
  gate->decide({ops, kChunk}, Instant{Nanos{now_ns}});
}
[[gnu::noinline]] std::uint64_t counted_floor(BareTable* bare, const Op* ops, std::int64_t now_ns) {
  return pass_all(*bare, {ops, kChunk}, Instant{Nanos{now_ns}});
}
}

namespace tidelimit::bench {

int run_counted(const char* what) {
  const bool floor = std::strcmp(what, "floor") == 0;
  const bool control = std::strcmp(what, "decide_control") == 0;
  const Instant now{std::chrono::hours{1}};
  const Instant later = now + std::chrono::seconds{1};
  Gate gate;
  BareTable bare{kBytes};
  gate.limiter.plan.publish(plan_of(1));
  gate.limiter.verdicts.publish(verdicts());
  std::vector<Op> all;
  for (std::uint64_t i = 0; i < kKeys; ++i) all.push_back(op_of(i, kKeys));
  gate.decide(all, now);
  std::uint64_t passed = pass_all(bare, all, now);
  const auto ops = make_ops(kOps, kKeys, Skew::uniform, kKeys, 1);
  for (std::size_t i = 0; i < kOps; i += kChunk) {
    if (control) {
      gate.limiter.plan.publish(plan_of(i));
      gate.limiter.verdicts.publish(verdicts());
    }
    if (floor)
      passed += counted_floor(&bare, &ops[i], later.since_start.count());
    else
      counted_decisions(&gate, &ops[i], later.since_start.count());
  }
  return passed + gate.passed > kOps ? 0 : 1;
}

namespace {

/// Per operation; 0 where it could not be counted.
double count(const std::string& what) {
  const std::string command =
      "valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='counted_" +
      std::string(what == "floor" ? "floor" : "decisions") + "*' /proc/" +
      std::to_string(::getpid()) + "/exe --count " + what + " 2>&1";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             ::pclose);
  if (pipe == nullptr) return 0;
  std::array<char, 512> line{};
  double counted = 0;
  while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr)
    if (const char* found = std::strstr(line.data(), "Collected : "); found != nullptr)
      counted = std::strtod(found + std::strlen("Collected : "), nullptr);
  return counted / static_cast<double>(kOps);
}

}  // namespace

void instructions(Figures& figures) {
  const double floor = count("floor");
  const double decide = count("decide");
  const double control = count("decide_control");
  if (floor == 0 || decide == 0 || control == 0) return;
  figures.add({.name = "instructions",
               .value = decide,
               .unit = "",
               .reference = "hash and bare CAS",
               .reference_value = floor});
  figures.add({.name = "instructions_with_control",
               .value = control,
               .unit = "",
               .reference = "nothing published",
               .reference_value = decide,
               .aim = "<=1.01"});
}

}  // namespace tidelimit::bench
