#include "limiter/bucket_keys.hpp"

#include "limiter/limit_key.hpp"

namespace tidelimit::limiter {

std::uint64_t BucketKeys::key(std::uint64_t whose, Use use, const Limit& limit) const noexcept {
  return limit_key(mix(whose, purpose(use, kAllEndpoints, kAllTiers)), limit);
}

std::uint64_t BucketKeys::given(const GivenLimit& given) const noexcept {
  return nonzero_key(mix(key(principal_hash(), Use::given), given.bucket));
}

std::uint64_t BucketKeys::override_(const Override& by_hand) const noexcept {
  std::uint64_t target = by_hand.user;
  if (target == 0) {
    const auto* bytes = reinterpret_cast<const char*>(by_hand.prefix.address.bytes.data());
    target =
        hash_bytes({bytes, by_hand.prefix.address.bytes.size()}, seed_ + by_hand.prefix.length);
  }
  return key(target, Use::override_, by_hand.limit);
}

std::uint64_t BucketKeys::shadow_of(std::uint64_t key) noexcept {
  return nonzero_key(mix(key, key >> 32));
}

std::uint64_t BucketKeys::overflow(std::uint64_t own, Use use, const Limit& limit) const noexcept {
  if (use == Use::total || use == Use::override_) return own;
  const std::uint64_t whose = hash_client(neighbourhood_of(call_.client), seed_);
  return use == Use::verdict ? key(whose, use, limit) : limit_key(key(whose, use), limit);
}

}  // namespace tidelimit::limiter
