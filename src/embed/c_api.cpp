#include <algorithm>
#include <array>

#include "base/hash.hpp"
#include "embed/c_common.hpp"
#include "embed/tidelimit.h"
#include "limiter/bucket_table.hpp"
#include "limiter/limit_key.hpp"

namespace limiter = tidelimit::limiter;
using tidelimit::Instant;
using tidelimit::Nanos;
using tidelimit::embed::create;
using tidelimit::embed::has_key;
using tidelimit::embed::key_bytes;
using tidelimit::embed::valid;

struct tidelimit_table {
  tidelimit_table(std::size_t bytes, std::uint64_t secret) : seed(secret), buckets(bytes) {}

  std::uint64_t seed;
  limiter::BucketTable buckets;
};

namespace {

static_assert(sizeof(tidelimit_limit) == 16);
static_assert(sizeof(void*) != 8 || sizeof(tidelimit_call) == 48);
static_assert(sizeof(tidelimit_answer) == 32);

constexpr std::size_t kBatch = 32;  // fetched ahead: what a core can keep on the way
constexpr std::int64_t kPeriodMax = std::int64_t{366} * 24 * 3600 * 1'000'000'000;

bool valid(const tidelimit_call& call) {
  const auto interval = call.limit.emission_interval_ns;
  return has_key(call) && call.reserved == 0 && interval >= 1 && call.limit.burst >= 1 &&
         interval <= limiter::kMaxTolerance.count() &&
         call.limit.burst <= static_cast<std::uint64_t>(limiter::kMaxTolerance.count() / interval);
}

std::uint64_t key_of(const tidelimit_table& table, const tidelimit_call& call) {
  return limiter::nonzero_key(tidelimit::hash_bytes(key_bytes(call), table.seed));
}

int decide(tidelimit_table& table, std::uint64_t key, const tidelimit_call& call,
           std::int64_t now_ns, tidelimit_answer* answer) {
  limiter::BucketCall asked;
  asked.key = key;
  asked.hits = call.hits;
  asked.limit = {Nanos{call.limit.emission_interval_ns}, call.limit.burst};
  asked.now = Instant{Nanos{now_ns}};
  const auto group = [&] {
    return limiter::limit_key(tidelimit::mix(call.group, table.seed), asked.limit);
  };
  const limiter::Charge charge =
      call.hits == 0 ? table.buckets.peek(asked, group) : table.buckets.charge(asked, group);
  const limiter::Conformance& said = charge.conformance;
  if (answer != nullptr)
    *answer = {said.conforms, charge.overflow, said.remaining, said.retry_after.count(),
               said.reset_after.count()};
  return said.conforms ? TIDELIMIT_ALLOWED : TIDELIMIT_DENIED;
}

}  // namespace

std::uint32_t tidelimit_abi_version(void) {
  return TIDELIMIT_ABI_VERSION;
}

tidelimit_table* tidelimit_create(std::size_t bytes, std::uint64_t seed) {
  return create<tidelimit_table>(bytes, seed);
}

void tidelimit_destroy(tidelimit_table* table) {
  delete table;
}

int tidelimit_limit_of(std::uint64_t count, std::int64_t period_ns, std::uint64_t burst,
                       tidelimit_limit* limit) {
  if (limit == nullptr || count == 0 || burst == 0 || period_ns < 1 || period_ns > kPeriodMax ||
      count > static_cast<std::uint64_t>(period_ns))
    return TIDELIMIT_INVALID;
  const limiter::Limit made = limiter::make_limit({count, Nanos{period_ns}}, burst);
  *limit = {made.emission_interval.count(), made.burst};
  return TIDELIMIT_ALLOWED;
}

int tidelimit_decide(tidelimit_table* table, const tidelimit_call* call, std::int64_t now_ns,
                     tidelimit_answer* answer) {
  if (table == nullptr || call == nullptr || !valid(now_ns) || !valid(*call))
    return TIDELIMIT_INVALID;
  return decide(*table, key_of(*table, *call), *call, now_ns, answer);
}

std::int64_t tidelimit_decide_batch(tidelimit_table* table, const tidelimit_call* calls,
                                    std::size_t count, std::int64_t now_ns,
                                    tidelimit_answer* answers) {
  if (count == 0) return 0;
  if (table == nullptr || calls == nullptr || answers == nullptr || !valid(now_ns) ||
      !std::all_of(calls, calls + count, [](const tidelimit_call& call) { return valid(call); }))
    return TIDELIMIT_INVALID;
  std::array<std::uint64_t, kBatch> keys;
  std::int64_t allowed = 0;
  for (std::size_t first = 0; first < count; first += kBatch) {
    const std::size_t length = std::min(kBatch, count - first);
    for (std::size_t i = 0; i < length; ++i) {
      keys[i] = key_of(*table, calls[first + i]);
      table->buckets.prefetch(keys[i]);
    }
    for (std::size_t i = 0; i < length; ++i)
      allowed += decide(*table, keys[i], calls[first + i], now_ns, &answers[first + i]);
  }
  return allowed;
}

std::uint64_t tidelimit_capacity(const tidelimit_table* table) {
  return table == nullptr ? 0 : table->buckets.capacity();
}

std::uint64_t tidelimit_live(const tidelimit_table* table, std::int64_t now_ns) {
  return table == nullptr || !valid(now_ns) ? 0 : table->buckets.live(Instant{Nanos{now_ns}});
}

std::uint64_t tidelimit_shared_calls(const tidelimit_table* table) {
  return table == nullptr ? 0 : table->buckets.overflows();
}
