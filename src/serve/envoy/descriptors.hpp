#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"
#include "engine/engine.hpp"
#include "envoy/service/ratelimit/v3/rls.pb.h"

namespace tidelimit::serve::envoy {

using RateLimitRequest = ::envoy::service::ratelimit::v3::RateLimitRequest;

/// What every call must hold, whatever its domain: descriptors, with entries, with keys.
[[nodiscard]] Result<void> check_shape(const RateLimitRequest& call);

// What descriptors of every domain have in common.
using DescriptorMessage = ::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;

/// For how many requests a descriptor stands; 0: it only asks.
[[nodiscard]] limiter::Hits hits_of(const RateLimitRequest& call, const DescriptorMessage& one);
/// Of the unit of a limit that a descriptor brings, as config::LimitUnit has it; none for UNKNOWN.
[[nodiscard]] std::optional<Nanos> period_of(::envoy::type::v3::RateLimitUnit unit);
inline constexpr std::string_view kNoUnit =
    "its limit has no unit: SECOND, MINUTE, HOUR, DAY, MONTH or YEAR";
/// Of an entry `remote_address`; the zone of a link-local address is left out.
[[nodiscard]] std::optional<Address> address_in(std::string_view entry);
/// "descriptors[2]: what".
[[nodiscard]] tl::unexpected<Error> wrong_descriptor(std::size_t at, std::string_view what);
[[nodiscard]] tl::unexpected<Error> too_many_descriptors(std::size_t count, std::size_t most);

/// Reads the descriptors of the domain `tidelimit` as questions about requests. Keeps its memory,
/// so that reading allocates nothing; one call at a time. Pure but for that.
///   A word that a descriptor lacks (path, method, user, ...) is taken from the call's others where
///   all that have it say the same. Its client is remote_address, else the first address of
///   masked_remote_address, else the caller itself.
///   Other entries (generic_key, ...) only set apart the buckets of limits that the call brings.
///   A limit that a descriptor brings lets its requests_per_unit through at once, and then again as
///   they drip back over the unit; 0 lets nothing through.
class DescriptorReader {
 public:
  static constexpr std::size_t kMost = limiter::Worker::kTogetherMax;

  /// `call` has passed check_shape. One question of each descriptor, in their order. They borrow
  /// from the call and from this, and hold until the next read. Errors are invalid_argument and
  /// name the descriptor and the mend.
  [[nodiscard]] Result<std::span<const engine::EngineWorker::Asked>> read(
      const RateLimitRequest& call, const config::DescriptorNames& names, const Address& caller);

 private:
  enum Word : std::size_t {
    kPath,
    kMethod,
    kUserId,
    kTier,
    kRemoteAddress,
    kMaskedAddress,
    kUserAgent,
    kWords
  };
  struct Words {
    std::array<std::optional<std::string_view>, kWords> said;
    std::uint64_t mark = 0;  ///< sets apart the limits that descriptors bring
  };
  using Descriptor = DescriptorMessage;

  [[nodiscard]] static std::optional<Word> word_of(std::string_view key,
                                                   const config::DescriptorNames& names);
  [[nodiscard]] Result<void> read_words(const Descriptor& descriptor,
                                        const config::DescriptorNames& names, std::size_t at);
  [[nodiscard]] Words in_common(std::size_t count) const;
  [[nodiscard]] Result<void> read_client(const Words& own, const Words& common,
                                         const Address& caller, std::size_t at);
  [[nodiscard]] Result<void> read_limit(const Descriptor& descriptor, std::size_t at);

  std::array<Words, kMost> words_;
  std::array<engine::EngineWorker::Asked, kMost> asked_;
  std::array<limiter::GivenLimit, kMost> given_;
};

}  // namespace tidelimit::serve::envoy
