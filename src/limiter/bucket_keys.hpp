#pragma once

#include <cstdint>

#include "base/hash.hpp"
#include "limiter/decision.hpp"
#include "limiter/limit_key.hpp"
#include "limiter/plan.hpp"

namespace tidelimit::limiter {

/// What a bucket is for; part of its key.
enum class Use : std::uint8_t {
  principal,
  client,
  total,
  verdict,
  override_,
  demand,
  given,
  in_flight,
};

/// The keys of the buckets that one call may touch: a keyed hash of whose it is and what for, never
/// 0. Pure. Borrows the call.
class BucketKeys {
 public:
  /// `endpoint`: its mark (mark_of).
  BucketKeys(std::uint64_t seed, const Call& call, std::uint64_t endpoint, TierId tier) noexcept
      : BucketKeys(seed, hash_client(call.client, seed), call, endpoint, tier) {}
  /// With the client's hash at hand: hash_client(call.client, seed).
  BucketKeys(std::uint64_t seed, std::uint64_t client_hash, const Call& call,
             std::uint64_t endpoint, TierId tier) noexcept
      : seed_(seed), client_hash_(client_hash), call_(call), endpoint_(endpoint), tier_(tier) {}

  // At the call's endpoint.
  [[nodiscard]] std::uint64_t principal() const noexcept {
    return principal(principal_hash(), principal_purpose(endpoint_));
  }
  [[nodiscard]] std::uint64_t demand() const noexcept { return key(principal_hash(), Use::demand); }
  /// Of the principal's leases, which stand in a table of their own.
  [[nodiscard]] std::uint64_t in_flight() const noexcept {
    return key(principal_hash(), Use::in_flight);
  }
  [[nodiscard]] std::uint64_t client() const noexcept { return key(client_hash_, Use::client); }
  [[nodiscard]] std::uint64_t total() const noexcept { return key(seed_, Use::total); }
  /// Of the part that is for the principals of a stage of a roll-out alone.
  [[nodiscard]] std::uint64_t total(const RolloutStage& stage) const noexcept {
    return nonzero_key(mix(total(), stage.below));
  }
  /// The caller's own mark keeps its limits apart, never their values: a limit that it moves keeps
  /// its bucket.
  [[nodiscard]] std::uint64_t given(const GivenLimit& given) const noexcept;

  // Over all endpoints: another limit is another bucket.
  [[nodiscard]] std::uint64_t verdict(const Limit& limit) const noexcept {
    return key(client_hash_, Use::verdict, limit);
  }
  [[nodiscard]] std::uint64_t override_(const Override& by_hand) const noexcept;

  /// Of the bucket to share when the table is full. What is everyone's keeps a bucket of its own
  /// (`own`); the rest shares with those of its neighbourhood that have the same limit, since a
  /// slow one drives the TAT beyond all that a fast one passes. `limit`: before any rule scaled it,
  /// so that a new scale is no new bucket.
  [[nodiscard]] std::uint64_t overflow(std::uint64_t own, Use use,
                                       const Limit& limit) const noexcept;

  /// Where the principal stands in a round of load shedding: the same at all endpoints, so that a
  /// visit is served or refused as a whole.
  [[nodiscard]] std::uint16_t lot(std::uint64_t round) const noexcept {
    return static_cast<std::uint16_t>(mix(principal_hash(), round) >> 48);
  }

  /// principal() for those who have its two parts at hand.
  [[nodiscard]] static std::uint64_t principal(std::uint64_t whose,
                                               std::uint64_t purpose) noexcept {
    return nonzero_key(mix(whose, purpose));
  }
  [[nodiscard]] static constexpr std::uint64_t principal_purpose(std::uint64_t endpoint) noexcept {
    return purpose(Use::principal, endpoint, kAllTiers);
  }

  /// Of the bucket that a watched limit fills beside the enforced one.
  [[nodiscard]] static std::uint64_t shadow_of(std::uint64_t key) noexcept;

 private:
  [[nodiscard]] std::uint64_t principal_hash() const noexcept {
    return call_.user != 0 ? call_.user : client_hash_;
  }
  static constexpr std::uint64_t kAllEndpoints = 0;
  static constexpr std::size_t kAllTiers = 0xff;

  // One word for a use and the endpoint and tier it is for.
  [[nodiscard]] static constexpr std::uint64_t purpose(Use use, std::uint64_t endpoint,
                                                       std::size_t tier) noexcept {
    return (endpoint & ~std::uint64_t{0xffff}) | static_cast<std::uint64_t>(use) << 8 | tier;
  }
  [[nodiscard]] std::uint64_t key(std::uint64_t whose, Use use) const noexcept {
    const std::size_t tier = use == Use::total ? index(tier_) : kAllTiers;
    return nonzero_key(mix(whose, purpose(use, endpoint_, tier)));
  }
  [[nodiscard]] std::uint64_t key(std::uint64_t whose, Use use, const Limit& limit) const noexcept;

  std::uint64_t seed_;
  std::uint64_t client_hash_;
  const Call& call_;
  std::uint64_t endpoint_;
  TierId tier_;
};

}  // namespace tidelimit::limiter
