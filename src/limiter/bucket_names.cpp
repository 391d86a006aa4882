#include "limiter/bucket_names.hpp"

#include "limiter/limit_key.hpp"

namespace tidelimit::limiter {

std::uint64_t BucketNames::key(std::uint64_t whose, Use use, const Limit& limit) const noexcept {
  return limit_key(mix(whose, purpose(use, kAllEndpoints, kAllTiers)), limit);
}

std::uint64_t BucketNames::given(const GivenLimit& given) const noexcept {
  return not_zero(mix(key(principal_hash(), Use::given), given.bucket));
}

std::uint64_t BucketNames::hand(const Override& hand) const noexcept {
  std::uint64_t target = hand.user;
  if (target == 0) {
    const auto* bytes = reinterpret_cast<const char*>(hand.prefix.address.bytes.data());
    target = hash_bytes({bytes, hand.prefix.address.bytes.size()}, seed_ + hand.prefix.length);
  }
  return key(target, Use::hand, hand.limit);
}

std::uint64_t BucketNames::shadow_of(std::uint64_t key) noexcept {
  return not_zero(mix(key, key >> 32));
}

std::uint64_t BucketNames::overflow(std::uint64_t own, Use use, const Limit& limit) const noexcept {
  if (use == Use::total || use == Use::hand) return own;
  const std::uint64_t whose = hash_client(neighbourhood_of(call_.client), seed_);
  return use == Use::verdict ? key(whose, use, limit) : limit_key(key(whose, use), limit);
}

}  // namespace tidelimit::limiter
