#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "limiter/gcra.hpp"

namespace tidelimit::limiter {

/// Index of an endpoint of the configuration; the last one is always `other`.
enum class EndpointId : std::uint16_t {};
/// Index of a tier, most important first.
enum class TierId : std::uint8_t {};
/// A configuration may name so many tiers, and a log is believed to.
inline constexpr std::size_t kMaxTiers = 64;
/// Index of a rule in the configuration's order; kNoRule when none.
enum class RuleId : std::uint16_t {};
inline constexpr RuleId kNoRule{0xffff};
/// What denied was no rule, but the limit on requests in flight.
inline constexpr RuleId kConcurrencyRule{0xfffe};

[[nodiscard]] constexpr std::size_t index(EndpointId id) {
  return static_cast<std::size_t>(id);
}
[[nodiscard]] constexpr std::size_t index(TierId id) {
  return static_cast<std::size_t>(id);
}
[[nodiscard]] constexpr std::size_t index(RuleId id) {
  return static_cast<std::size_t>(id);
}

enum class Mode : std::uint8_t { off, shadow, enforce };
enum class Priority : std::uint8_t { high, normal, low };

[[nodiscard]] const char* to_string(Mode mode);
[[nodiscard]] const char* to_string(Priority priority);

/// Which parts of the policy speak in a set of limits. The data plane picks one by the mode switch,
/// so that the switch works with the control plane hung.
enum class View : std::uint8_t {
  base,              ///< no rule at all
  without_forecast,  ///< enforced rules that need no forecast
  effective,         ///< all enforced rules
  shadow,  ///< enforced and shadow rules together: what would hold if shadow rules were enforced.
           ///< So it has a total and sheds wherever any other view does (see PlanSlot)
};
inline constexpr std::size_t kViews = 4;

/// A share of all principals, in steps of 1/65536.
inline constexpr std::uint16_t kShedAll = 0xffff;

/// A roll-out by principal: each has a place from 0 to kEveryone - 1.
inline constexpr std::uint16_t kEveryone = 0xffff;
/// The place of a principal with this hash. The hash must not be keyed: a place outlives the
/// process.
[[nodiscard]] constexpr std::uint16_t rollout_place(std::uint64_t hash) {
  return static_cast<std::uint16_t>(hash % kEveryone);
}
/// Of a principal whose place nobody asked for: it meets what everyone meets, and no more.
inline constexpr std::uint16_t kLastPlace = kEveryone - 1;

/// The limits of one endpoint and tier in one view.
struct CellLimits {
  Limit principal;        ///< per principal
  Limit total;            ///< all principals of the tier together (see RolloutStage for those in
                          ///< one); default-made: none
  double scale = 1.0;     ///< of the base limit, for people
  RuleId rule = kNoRule;  ///< the rule that set the scale
  /// Load shedding: principals whose lot of the round (`Plan::shed_round`) is below it are refused;
  /// 0 refuses none, kShedAll all.
  std::uint16_t shed = 0;
  RuleId shed_rule = kNoRule;
  RuleId total_rule = kNoRule;  ///< the rule that set the total
};

struct Cell {
  std::array<CellLimits, kViews> views;
  [[nodiscard]] const CellLimits& in(View view) const {
    return views[static_cast<std::size_t>(view)];
  }
  [[nodiscard]] CellLimits& in(View view) { return views[static_cast<std::size_t>(view)]; }
};

/// The limits of principals for whom rules are enforced that others are only watched by.
struct RolloutStage {
  std::uint16_t below = 0;  ///< of those whose place is below it, and below no earlier stage's
  /// As Plan::cells; the views `base` and `shadow` are the same there. A total that is tighter than
  /// the one there is this stage's part, in a bucket of its own beside everyone's: it takes nothing
  /// of what the others may.
  std::vector<Cell> cells;
};
/// Whether a total is tighter than another.
[[nodiscard]] constexpr bool tighter(const Limit& a, const Limit& b) {
  return !a.unlimited() && (b.unlimited() || a.emission_interval > b.emission_interval);
}

struct PlanEndpoint {
  /// Tells its buckets from those of other endpoints, in this plan and all that follow it: of an
  /// endpoint that stands in another place after a new configuration it is the same. Its lowest 16
  /// bits are not used. 0: its index stands in for it.
  std::uint64_t mark = 0;
  Mode mode = Mode::enforce;
  /// `enforce` holds for principals whose place is below this; for the others it is `shadow`.
  std::uint16_t enforced = kEveryone;
  Priority priority = Priority::normal;
  Limit client;  ///< per address, whatever user is named; default-made: none
  /// A third of the time after which a request counts as in flight no more, rounded up; 0: nobody
  /// counts how many are.
  std::uint32_t lease_generation_ms = 0;
  /// The longest tolerance of a limit on its principals, in any tier, view or stage: set when the
  /// plan is published.
  Nanos longest{0};
};

/// What the usual call meets at one endpoint and tier: the limit on its principal, and nothing
/// else. One cache line, so that such a call looks at no other part of the plan.
struct alignas(64) UsualLimit {
  Limit limit;                ///< of View::effective
  Limit base;                 ///< of View::base
  std::uint64_t purpose = 0;  ///< of its buckets (BucketKeys::principal)
  RuleId rule = kNoRule;
  /// For principals whose place is below this; 0: for nobody, since more than that limit holds, is
  /// watched or sheds there.
  std::uint16_t below = 0;
};

/// Plan::limits_epoch of a process's first plan. Buckets of an earlier process whose limits were
/// others come back under the one before it.
inline constexpr std::uint64_t kFirstEpoch = 1;

/// The immutable table of effective limits. Built by policy/, published whole, never edited.
struct Plan {
  std::uint64_t generation = 0;  ///< grows by one with every published plan
  /// Grows by one when base limits change (a new configuration): buckets clamp on first use. Known
  /// mod 16 to them: one that slept over 14, 15 or 16 changes is clamped where it is more than a
  /// minute beyond PlanEndpoint::longest.
  std::uint64_t limits_epoch = 0;
  Instant expires_at;  ///< past this the data plane uses View::base and a metric says so
  /// `enforce` of the gate itself holds for principals whose place is below this; for the others it
  /// is `shadow`. Endpoints have it in theirs.
  std::uint16_t enforced = kEveryone;
  std::uint64_t shed_round = 0;  ///< principals draw their lots anew with every round
  std::size_t tiers = 1;
  std::vector<PlanEndpoint> endpoints;
  std::vector<Cell> cells;  ///< row-major [endpoint][tier]; where no stage of a roll-out says else
  std::vector<RolloutStage> stages;  ///< by `below`, ascending; empty: no rule is rolled out
  /// Requests of one principal in flight at once, row-major [endpoint][tier]; 0: any number, at
  /// most LeaseCounts::kMost. Empty: no limits of this kind.
  std::vector<std::uint16_t> in_flight;
  std::vector<UsualLimit> usual;  ///< row-major [endpoint][tier]; set when the plan is published

  [[nodiscard]] std::uint16_t in_flight_limit(EndpointId endpoint, TierId tier) const {
    return in_flight.empty() ? std::uint16_t{0} : in_flight[index(endpoint) * tiers + index(tier)];
  }
  /// Null where the plan has no such endpoint or tier.
  [[nodiscard]] const UsualLimit* usual_limit(EndpointId endpoint, TierId tier) const {
    const std::size_t i = index(endpoint) * tiers + index(tier);
    return index(tier) < tiers && i < usual.size() ? &usual[i] : nullptr;
  }
  [[nodiscard]] const Cell& cell(EndpointId endpoint, TierId tier) const {
    return cells[index(endpoint) * tiers + index(tier)];
  }
  [[nodiscard]] Cell& cell(EndpointId endpoint, TierId tier) {
    return cells[index(endpoint) * tiers + index(tier)];
  }
  /// The stage of a principal with this place; null: in none.
  [[nodiscard]] const RolloutStage* stage_for(std::uint16_t place) const {
    for (const RolloutStage& stage : stages)
      if (place < stage.below) return &stage;
    return nullptr;
  }
  [[nodiscard]] const Cell& cell_in(const RolloutStage* stage, EndpointId endpoint,
                                    TierId tier) const {
    return (stage == nullptr ? cells : stage->cells)[index(endpoint) * tiers + index(tier)];
  }
};

/// The view whose limits are enforced at this time, by the switches of rules and forecasts.
[[nodiscard]] constexpr View enforced_view(Mode rules, Mode forecast) {
  if (rules != Mode::enforce) return View::base;
  return forecast == Mode::enforce ? View::effective : View::without_forecast;
}
[[nodiscard]] constexpr View enforced_view(const Plan& plan, Mode rules, Mode forecast,
                                           Instant now) {
  return now >= plan.expires_at ? View::base : enforced_view(rules, forecast);
}

// Calls identified under a configuration that is gone: the last endpoint is `other`, the last tier
// the least.
[[nodiscard]] inline EndpointId endpoint_in(const Plan& plan, EndpointId id) {
  return index(id) < plan.endpoints.size()
             ? id
             : EndpointId{static_cast<std::uint16_t>(plan.endpoints.size() - 1)};
}
/// PlanEndpoint::mark, where the plan has such an endpoint.
[[nodiscard]] inline std::uint64_t mark_of(const Plan& plan, EndpointId id) {
  const std::size_t i = index(id);
  const std::uint64_t mark = i < plan.endpoints.size() ? plan.endpoints[i].mark : 0;
  return mark != 0 ? mark : std::uint64_t{i + 1} << 16;
}
[[nodiscard]] inline TierId tier_in(const Plan& plan, TierId id) {
  return index(id) < plan.tiers ? id : TierId{static_cast<std::uint8_t>(plan.tiers - 1)};
}

}  // namespace tidelimit::limiter
