#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/hash.hpp"
#include "base/time.hpp"
#include "limiter/decision.hpp"
#include "limiter/zeroed_array.hpp"

namespace tidelimit::engine {

/// What denials have in common that one record may stand for; never 0. `client`: its keyed hash, so
/// that nobody aims for another's kind. `decision`: limiter::on_record.
[[nodiscard]] inline std::uint64_t kind_of(const limiter::Call& call, std::uint64_t client,
                                           const limiter::Decision& decision,
                                           std::uint32_t routes_epoch) noexcept {
  const auto word = [](auto... parts) {
    std::uint64_t all = 0;
    ((all = all << 16 | static_cast<std::uint16_t>(parts)), ...);
    return all;
  };
  std::uint64_t kind = mix(mix(client, call.user), call.hits);
  kind = mix(kind, word(limiter::index(call.endpoint), limiter::index(call.tier),
                        limiter::index(decision.rule), decision.reason));
  kind = mix(kind, word(decision.outcome, decision.verdict, decision.limit_of));
  return std::max<std::uint64_t>(mix(kind, decision.plan_generation << 32 | routes_epoch), 1);
}

/// How many denials of each kind were kept one by one within the second: a table of a fixed size,
/// in which floods hold their places and what comes rarely gives its up. One thread.
class DenialKinds {
 public:
  /// What one kind has had within one second.
  struct Kind {
    std::uint64_t kind;
    std::uint64_t last;  ///< which entry of the log counts what follows
    std::uint32_t second;
    std::uint32_t kept;
  };

  DenialKinds() : kinds_(kSets * kWays) {}

  /// The kind's own, until the next call; of one that has had nothing within this second, a new
  /// one.
  [[nodiscard]] Kind& at(std::uint64_t kind, Instant now) noexcept {
    const auto second = static_cast<std::uint32_t>(now.since_start / std::chrono::seconds{1});
    Kind& place = place_of(kind, second);
    if (place.kind != kind || place.second != second) place = {kind, 0, second, 0};
    return place;
  }

 private:
  static constexpr std::size_t kSets = 512;
  static constexpr std::size_t kWays = 8;

  /// The kind's own place, or the one to give it: a past second's, else that of the rarest, so that
  /// floods keep theirs. Another set each second: no two kinds are in each other's way for long.
  [[nodiscard]] Kind& place_of(std::uint64_t kind, std::uint32_t second) noexcept {
    Kind* const set = &kinds_[mix(kind, second) % kSets * kWays];
    Kind* worst = set;
    for (Kind* at = set; at != set + kWays; ++at) {
      if (at->kind == kind && at->second == second) return *at;
      const auto worth = [&](const Kind& k) { return k.second == second ? k.kept : 0; };
      if (worth(*at) < worth(*worst)) worst = at;
    }
    return *worst;
  }

  limiter::ZeroedArray<Kind> kinds_;
};

}  // namespace tidelimit::engine
