#include <optional>

#include "base/hash.hpp"
#include "embed/c_common.hpp"
#include "embed/tidelimit.h"
#include "limiter/lease_table.hpp"

namespace limiter = tidelimit::limiter;
using tidelimit::Instant;
using tidelimit::Nanos;
using tidelimit::embed::create;
using tidelimit::embed::has_key;
using tidelimit::embed::key_bytes;
using tidelimit::embed::valid;

struct tidelimit_leases {
  tidelimit_leases(std::size_t bytes, std::uint64_t secret) : seed(secret), table(bytes) {}

  std::uint64_t seed;
  limiter::LeaseTable table;
};

namespace {

static_assert(sizeof(void*) != 8 || sizeof(tidelimit_lease) == 40);

constexpr std::uint32_t kLimitMax = 1000;
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kTimeoutMax = 50 * 60 * 1000 * kMillisecond;
static_assert(kLimitMax <= limiter::LeaseCounts::kMost);
static_assert(kTimeoutMax / 3 <= limiter::LeaseKey::kLongest * kMillisecond);

bool valid(const tidelimit_lease& lease) {
  return has_key(lease) && lease.reserved == 0 && lease.timeout_ns >= kMillisecond &&
         lease.timeout_ns <= kTimeoutMax && lease.limit >= 1 && lease.limit <= kLimitMax;
}

limiter::LeaseKey key_of(std::uint64_t hash, const tidelimit_lease& lease) {
  return {hash, static_cast<std::uint32_t>((lease.timeout_ns + 3 * kMillisecond - 1) /
                                           (3 * kMillisecond))};
}

limiter::LeaseKey own_key(const tidelimit_leases& leases, const tidelimit_lease& lease) {
  return key_of(tidelimit::hash_bytes(key_bytes(lease), leases.seed), lease);
}

// Of one limit: what many of a great one hold would leave none to those of a small one.
limiter::LeaseKey group_key(const tidelimit_leases& leases, const tidelimit_lease& lease) {
  return key_of(tidelimit::mix(tidelimit::mix(lease.group, leases.seed), lease.limit), lease);
}

}  // namespace

tidelimit_leases* tidelimit_leases_create(std::size_t bytes, std::uint64_t seed) {
  return create<tidelimit_leases>(bytes, seed);
}

void tidelimit_leases_destroy(tidelimit_leases* leases) {
  delete leases;
}

int tidelimit_acquire(tidelimit_leases* leases, const tidelimit_lease* lease, std::int64_t now_ns,
                      std::uint32_t* in_flight) {
  if (leases == nullptr || lease == nullptr || !valid(now_ns) || !valid(*lease))
    return TIDELIMIT_INVALID;
  const auto group = [&] { return group_key(*leases, *lease); };
  const limiter::Leasing said =
      leases->table.acquire(own_key(*leases, *lease), lease->limit, Instant{Nanos{now_ns}}, group);
  if (in_flight != nullptr) *in_flight = said.in_flight;
  return said.grant == limiter::Grant::given ? TIDELIMIT_ALLOWED : TIDELIMIT_DENIED;
}

int tidelimit_release(tidelimit_leases* leases, const tidelimit_lease* lease, std::int64_t began_ns,
                      std::int64_t now_ns) {
  const bool known = began_ns != -1;
  if (leases == nullptr || lease == nullptr || !valid(now_ns) || !valid(*lease) ||
      (known && !valid(began_ns)))
    return TIDELIMIT_INVALID;
  const auto group = [&] { return group_key(*leases, *lease); };
  const auto began = known ? std::optional(Instant{Nanos{began_ns}}) : std::nullopt;
  return leases->table.release(own_key(*leases, *lease), began, Instant{Nanos{now_ns}}, group) ? 1
                                                                                               : 0;
}
