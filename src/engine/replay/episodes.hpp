#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "engine/replay/report.hpp"

namespace tidelimit::engine {

/// Draws from the changes, in order of time, when limits stood away from their base, when rules set
/// totals, and when they shed. Totals and shares to shed come and go with what is asked for: a
/// pause of under kPause is within the episode. One thread.
class EpisodeBook {
 public:
  static constexpr Nanos kPause = std::chrono::minutes{5};

  void add(const policy::PlanChange& change);
  [[nodiscard]] const std::vector<Episode>& all() const { return episodes_; }

 private:
  using Key = std::tuple<std::string, std::string, policy::PlanChange::Of>;

  std::vector<Episode> episodes_;      // in order of their beginnings
  std::map<Key, std::size_t> latest_;  // by endpoint, tier and what moves
};

}  // namespace tidelimit::engine
