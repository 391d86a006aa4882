#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "engine/replay/report.hpp"

namespace tidelimit::engine {

/// Draws from the changes, in order of time, when limits stood away from their base, when rules set
/// totals, and when they shed. Totals and shares to shed come and go with what is asked for: a
/// pause of under kPause is within the episode. What is only watched while something else is in
/// force has episodes of its own, until it is as that. One thread.
class EpisodeBook {
 public:
  static constexpr Nanos kPause = std::chrono::minutes{5};

  void add(const policy::PlanChange& change);
  [[nodiscard]] const std::vector<Episode>& all() const { return episodes_; }

 private:
  using Key = std::tuple<std::string, std::string, policy::PlanChange::Of>;
  struct Chain {
    double value;                                      // as of the last change
    std::optional<std::size_t> latest = std::nullopt;  // of its episodes
  };
  using Chains = std::array<Chain, 2>;  // in force, and only watched

  void extend(Chain& chain, const policy::PlanChange& change, bool ends);

  std::vector<Episode> episodes_;  // in order of their beginnings
  std::map<Key, Chains> chains_;   // by endpoint, tier and what moves
};

/// What a change moves to: a scale, or a total.
[[nodiscard]] double value_after(const policy::PlanChange& change);

}  // namespace tidelimit::engine
