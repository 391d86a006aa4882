#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "policy/capacity_estimate.hpp"
#include "policy/cell_scale.hpp"
#include "policy/load.hpp"
#include "policy/readings.hpp"
#include "policy/renumbering.hpp"
#include "policy/rule_state.hpp"

namespace tidelimit::policy {

/// Of what stands before a shared capacity, how much each endpoint and tier gets: one rule with
/// `action: divide`, and all that it remembers.
///
/// A class (endpoint and tier) claims the larger of what it asked for lately and the 0.9 quantile
/// of its forecast, split by tier as its traffic lately was. While the claims before one capacity
/// exceed `utilisation` of it, that much is divided by weighted max-min fairness
/// (policy/fair_share.hpp): each priority weighs eight times the next, each tier twice the next,
/// and `adapt.floor` of every claim (but of no more than an equal part of the capacity) is served
/// first. Two things follow for a class that gets less than it claims:
///   its limits per principal are scaled to its share, as forecast rules do it: ahead, by steps;
///   its requests together get a total, set every second, and only while what is asked for right
///   now (over some ten seconds, or in the fuller of the last two where that is far less; and a
///   quarter more) exceeds the capacity: what others have reserved and do not use, or no longer ask
///   for, is lent.
/// It ends when the claims were below 0.9 of the threshold for a minute.
/// What is divided is work: a request weighs what its endpoint's requests cost. A capacity that is
/// to be learned (policy/capacity_estimate.hpp) is divided as it is known at the moment; until
/// anything is known there is no end to it but its ceiling. Deterministic; one thread.
class Divider {
 public:
  static constexpr double kNoTotal = std::numeric_limits<double>::infinity();

  Divider(const PolicySettings& settings, std::size_t rule);

  /// Takes over what an older configuration's rule of the same name remembers of scales and
  /// traffic.
  void inherit(const Divider& older, const Renumbering& renumbering);

  /// See RuleSet::restore.
  void restore(std::size_t cell, double scale, std::optional<Instant> stepped,
               const std::string& cause);
  void keep_above(std::size_t cell, double scale) { classes_[cell].scale.keep_above(scale); }

  /// From `before` (the last step) to `now`; `load`: what was asked in a second or so, if measured.
  void update(const StepReadings& readings, const LoadSample* load, Now now, Instant before);

  [[nodiscard]] std::size_t rule() const { return rule_; }
  [[nodiscard]] const RuleState& state() const { return state_; }
  /// The capacities that it divides, endpoints' first.
  [[nodiscard]] std::vector<CapacityState> capacities() const;
  /// No capacity is scarce and nothing is left to relax.
  [[nodiscard]] bool at_rest() const;

  // By cell: [endpoint][tier], row-major.
  [[nodiscard]] double scale(std::size_t cell) const { return classes_[cell].scale.value(); }
  [[nodiscard]] bool moving(std::size_t cell) const { return classes_[cell].scale.moving(); }
  /// Requests a second of all principals together; kNoTotal: as many as come.
  [[nodiscard]] double total(std::size_t cell) const { return classes_[cell].total; }
  /// Why the cell gets less than it claims; "" while it does not.
  [[nodiscard]] const std::string& cause(std::size_t cell) const { return classes_[cell].cause; }

 private:
  /// Requests of one endpoint and tier; rates in work a second.
  struct Class {
    bool may_cut = true;  ///< else it is served before all others
    double enforced = 0;  ///< share of its principals whom limits hold back
    double weight = 1;
    double floor = 0;
    double cost = 1;    ///< work of one request
    double lately = 0;  ///< asked for, over some ten seconds
    double last = 0;    ///< the same at the last sample, and at the one before
    double second_last = 0;
    double usually = 0;  ///< the same over a quarter of an hour, to split forecasts by tier
    double claim = 0;
    double left = 0;    ///< what is left of the claim after each capacity on its way
    double asking = 0;  ///< right now, with room to grow; at most what is left of its claim
    double goal = 1;
    double total = kNoTotal;  ///< in requests a second
    CellScale scale;
    std::string cause;
  };
  /// A capacity and the endpoints before it.
  struct Pool {
    std::string name;
    double usable = 0;  ///< work a second to divide; infinite: no end is known
    std::optional<CapacityEstimate> estimate;  ///< of a capacity that is learned
    std::vector<std::size_t> endpoints;
    std::vector<std::size_t> classes;  ///< of these endpoints, in their order
    bool in_work = false;              ///< a request of one of these is not one unit of work
    bool scarce = false;
    Nanos calm{0};  ///< for how long the claims have been low
    double claimed = 0;
  };

  void add_pools(const PolicySettings& settings);
  void observe(const StepReadings& readings, Nanos span);
  void learn(Pool& pool, const StepReadings& readings, Nanos span);
  [[nodiscard]] double beyond_reach(const Pool& pool) const;
  void use_estimate(Pool& pool) const;
  void claim(const StepReadings& readings);
  void judge(Pool& pool, Nanos span);
  void divide(const Pool& pool, const StepReadings& readings);
  [[nodiscard]] std::vector<double> shares(const Pool& pool, double Class::*demand) const;
  [[nodiscard]] static std::string claims_in_words(const Pool& pool);
  [[nodiscard]] std::string describe(const Pool& pool, std::size_t i,
                                     const std::vector<double>& shares,
                                     const StepReadings& readings) const;
  void settle(WallTime now);

  std::size_t rule_;
  double utilisation_;
  Adapt adapt_;
  std::vector<std::string> tiers_;
  std::vector<std::string> endpoints_;
  std::vector<Class> classes_;
  std::vector<Pool> pools_;  ///< of single endpoints first, then of upstreams
  RuleState state_;
};

}  // namespace tidelimit::policy
