// What a decision costs, beside the least it could cost: the whole Worker::decide from a user id of
// 20 bytes, and the bare bucket, against hash and one bare compare-and-swap on a table of the same
// size. `--quick` measures a million keys and one thread alone; `--count` is what runs under
// callgrind.
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "figures.hpp"
#include "limiter/allocations.hpp"
#include "limiter/instructions.hpp"
#include "limiter/limiter.hpp"
#include "limiter/references.hpp"
#include "limiter/workload.hpp"

namespace tidelimit::bench {
namespace {

using limiter::Call;
using limiter::Decision;
using limiter::Limit;

constexpr std::size_t kOps = 1 << 19;
constexpr std::size_t kBatch = 32;
constexpr int kRounds = 7;
constexpr std::uint64_t kSeed = 42;

const Limit kLimit = limiter::make_limit({6000, std::chrono::minutes{1}}, 100);

std::shared_ptr<limiter::Plan> plan() {
  auto plan = std::make_shared<limiter::Plan>();
  plan->generation = 1;
  plan->expires_at = Instant{Nanos::max()};
  plan->tiers = 2;
  plan->endpoints.resize(3);
  plan->cells.resize(6);
  for (auto& cell : plan->cells)
    for (auto& view : cell.views) view.principal = kLimit;
  return plan;
}

/// A limiter full of `keys` principals (three buckets in four live), and the floor beside it.
struct Field {
  Field(std::uint64_t key_count, std::uint64_t address_count)
      : keys(key_count),
        addresses(address_count),
        bytes(key_count * 16 * 4 / 3),
        gate({.bucket_bytes = bytes,
              .client_bytes = address_count * 128 * 3 / 2,
              .seed = kSeed,
              .pages = limiter::Pages::huge}),
        bare(bytes) {
    gate.plan.publish(plan());
    limiter::Worker worker{gate};
    for (std::uint64_t i = 0; i < keys; ++i) {
      const Op op = op_of(i, addresses);
      static_cast<void>(worker.decide(call_of(op), now));
      static_cast<void>(bare.pass(hash_bytes(op.key(), kSeed), kLimit, now));
    }
  }
  [[nodiscard]] Call call_of(const Op& op) const {
    Call call;
    call.client = op.client();
    call.user = gate.hash_user(op.key());
    return call;
  }

  std::uint64_t keys;
  std::uint64_t addresses;
  std::size_t bytes;
  limiter::Limiter gate;
  BareTable bare;
  Instant now{std::chrono::hours{1}};
};

std::atomic<std::uint64_t> sink{0};  // of what is measured, so that nothing is left out

// Time stands still within a round: as within one turn of an event loop, and every bucket is used.
void decide_all(Field& field, limiter::Worker& worker, std::span<const Op> ops, Instant now) {
  std::uint64_t passed = 0;
  for (const Op& op : ops) passed += worker.decide(field.call_of(op), now).allowed;
  sink += passed;
}
void bucket_all(Field& field, std::span<const Op> ops, Instant now) {
  std::uint64_t passed = 0;
  for (const Op& op : ops) {
    limiter::BucketCall call;
    call.key = hash_bytes(op.key(), kSeed);
    call.limit = kLimit;
    call.now = now;
    passed +=
        field.gate.buckets().charge(call, [] { return std::uint64_t{1}; }).conformance.conforms;
  }
  sink += passed;
}
void bare_all(Field& field, std::span<const Op> ops, Instant now) {
  std::uint64_t passed = 0;
  for (const Op& op : ops) passed += field.bare.pass(hash_bytes(op.key(), kSeed), kLimit, now);
  sink += passed;
}
// Each waits for the one before: where the next call stands hangs on what the last one found. So no
// two wait for memory at once, which is what a gate sees that is asked one thing at a time; of
// calls that hang on nothing a processor begins a short floor's several at once.
void decide_alone(Field& field, limiter::Worker& worker, std::span<const Op> ops, Instant now) {
  std::uint64_t ahead = 0;
  for (std::size_t i = 0; i + 1 < ops.size(); ++i)
    ahead = worker.decide(field.call_of(ops[i + ahead]), now).remaining >> 63;
  sink += ahead + 1;
}
void bare_alone(Field& field, std::span<const Op> ops, Instant now) {
  std::uint64_t ahead = 0;
  for (std::size_t i = 0; i + 1 < ops.size(); ++i) {
    const std::uint64_t hash = hash_bytes(ops[i + ahead].key(), kSeed);
    ahead = static_cast<std::uint64_t>(field.bare.charge(hash, kLimit, now)) >> 63;
  }
  sink += ahead + 1;
}
void decide_batches(Field& field, limiter::Worker& worker, std::span<const Op> ops, Instant now) {
  std::array<Call, kBatch> calls;
  std::array<Decision, kBatch> decisions;
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i + kBatch <= ops.size(); i += kBatch) {
    for (std::size_t j = 0; j < kBatch; ++j) calls[j] = field.call_of(ops[i + j]);
    worker.decide(calls, now, decisions);
    for (const Decision& decision : decisions) passed += decision.allowed;
  }
  sink += passed;
}
void bare_batches(Field& field, std::span<const Op> ops, Instant now) {
  std::array<std::uint64_t, kBatch> hashes;
  std::uint64_t passed = 0;
  for (std::size_t i = 0; i + kBatch <= ops.size(); i += kBatch) {
    for (std::size_t j = 0; j < kBatch; ++j)
      field.bare.prefetch(hashes[j] = hash_bytes(ops[i + j].key(), kSeed));
    for (const std::uint64_t hash : hashes) passed += field.bare.pass(hash, kLimit, now);
  }
  sink += passed;
}

double ns_each(double seconds) {
  return seconds * 1e9 / static_cast<double>(kOps);
}

/// Both in turn under a clock that moves on between rounds.
template <class A, class B>
void compare(Figures& figures, Field& field, const std::string& name, const std::string& reference,
             const std::string& aim, A&& a, B&& b) {
  const auto [mine, floor] = in_turn(
      kRounds, [&] { a(field.now = field.now + std::chrono::seconds{1}); }, [&] { b(field.now); });
  figures.add({.name = name,
               .value = ns_each(mine),
               .unit = "ns",
               .reference = reference,
               .reference_value = ns_each(floor),
               .aim = aim});
}

void one_thread(Figures& figures, Field& field, const std::string& size) {
  limiter::Worker worker{field.gate};
  for (const Skew skew : {Skew::uniform, Skew::zipf}) {
    const auto ops = make_ops(kOps, field.keys, skew, field.addresses, 1);
    const std::string name = size + (skew == Skew::uniform ? "" : "_zipf");
    compare(
        figures, field, "decide_" + name, "hash and bare CAS", "<=1.5",
        [&](Instant now) { decide_all(field, worker, ops, now); },
        [&](Instant now) { bare_all(field, ops, now); });
    compare(
        figures, field, "bucket_" + name, "hash and bare CAS", "",
        [&](Instant now) { bucket_all(field, ops, now); },
        [&](Instant now) { bare_all(field, ops, now); });
    compare(
        figures, field, "decide_" + name + "_alone", "the same, one by one", "",
        [&](Instant now) { decide_alone(field, worker, ops, now); },
        [&](Instant now) { bare_alone(field, ops, now); });
  }
}

void batches(Figures& figures, Field& field) {
  limiter::Worker worker{field.gate};
  const auto ops = make_ops(kOps, field.keys, Skew::uniform, field.addresses, 1);
  compare(
      figures, field, "decide_batch32", "bare batch of 32", "<=1.25",
      [&](Instant now) { decide_batches(field, worker, ops, now); },
      [&](Instant now) { bare_batches(field, ops, now); });
  MutexMap map;
  for (std::uint64_t i = 0; i < field.keys; ++i)
    static_cast<void>(
        map.pass(hash_bytes(op_of(i, field.addresses).key(), kSeed), kLimit, field.now));
  compare(
      figures, field, "decide_1m_over_map", "mutex, unordered_map", "<=1",
      [&](Instant now) { decide_all(field, worker, ops, now); },
      [&](Instant now) {
        std::uint64_t passed = 0;
        for (const Op& op : ops) passed += map.pass(hash_bytes(op.key(), kSeed), kLimit, now);
        sink += passed;
      });
}

template <class Body>
double on_two_threads(std::span<const Op> ops, Body&& body) {
  const auto half = ops.size() / 2;
  return seconds_of([&] {
    std::thread other([&] { body(ops.first(half)); });
    body(ops.last(half));
    other.join();
  });
}

/// How much faster two threads are than one, beside the floor's own scaling; and one key that both
/// want.
void two_threads(Figures& figures, Field& field) {
  const auto ops = make_ops(kOps, field.keys, Skew::uniform, field.addresses, 2);
  const std::vector<Op> hot(kOps, op_of(1, field.addresses));
  limiter::Worker first{field.gate};
  const auto decide = [&](std::span<const Op> some) {
    limiter::Worker worker{field.gate};
    decide_all(field, worker, some, field.now);
  };
  const auto bare = [&](std::span<const Op> some) { bare_all(field, some, field.now); };
  std::vector<double> mine;
  std::vector<double> floor;
  std::vector<double> hot_mine;
  std::vector<double> hot_floor;
  for (int i = 0; i < kRounds; ++i) {
    field.now = field.now + std::chrono::seconds{1};
    mine.push_back(seconds_of([&] { decide(ops); }) / on_two_threads(ops, decide));
    floor.push_back(seconds_of([&] { bare(ops); }) / on_two_threads(ops, bare));
    hot_mine.push_back(on_two_threads(hot, decide));
    hot_floor.push_back(on_two_threads(hot, bare));
  }
  const auto median = [](std::vector<double>& of) {
    std::sort(of.begin(), of.end());
    return of[of.size() / 2];
  };
  figures.add({.name = "two_threads",
               .value = median(mine),
               .unit = "x",
               .reference = "bare CAS",
               .reference_value = median(floor),
               .aim = ">=0.95"});
  figures.add({.name = "one_hot_key_two_threads",
               .value = ns_each(median(hot_mine)),
               .unit = "ns",
               .reference = "bare CAS",
               .reference_value = ns_each(median(hot_floor))});
}

void memory(Figures& figures, Field& field) {
  limiter::Worker worker{field.gate};
  const auto ops = make_ops(kOps, field.keys, Skew::uniform, field.addresses, 3);
  const auto before = allocations();
  decide_all(field, worker, ops, field.now);
  decide_batches(field, worker, ops, field.now);
  figures.add({.name = "allocations",
               .value = static_cast<double>(allocations() - before),
               .unit = "",
               .aim = "<=0"});
  figures.add({.name = "bytes_per_key",
               .value = static_cast<double>(field.bytes) / static_cast<double>(field.keys),
               .unit = "B",
               .aim = "<=40"});
  figures.add({.name = "keys_that_shared",
               .value = static_cast<double>(field.gate.buckets().overflows()),
               .unit = "calls"});
}

int bench(int argc, char** argv) {
  bool quick = false;
  for (int i = 1; i < argc; ++i) {
    quick = quick || std::string_view(argv[i]) == "--quick";
    if (std::string_view(argv[i]) == "--count" && i + 1 < argc) return run_counted(argv[i + 1]);
  }
  Figures figures;
  if (quick) {
    Field field(1'000'000, 1'000'000);
    one_thread(figures, field, "1m");
    batches(figures, field);
    instructions(figures);
    return figures.print(argc, argv);
  }
  {
    Field field(1'000'000, 1'000'000);
    one_thread(figures, field, "1m");
    batches(figures, field);
    two_threads(figures, field);
    memory(figures, field);
  }
  {
    Field field(10'000'000, 1'000'000);
    one_thread(figures, field, "10m");
  }
  instructions(figures);
  if (sink == 0) return 1;
  return figures.print(argc, argv);
}

}  // namespace
}  // namespace tidelimit::bench

int main(int argc, char** argv) {
  return tidelimit::bench::bench(argc, argv);
}
