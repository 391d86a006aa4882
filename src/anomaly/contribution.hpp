#pragma once

#include <string>

#include "traffic/client_profile.hpp"

namespace tidelimit::anomaly {

/// One feature's part in a score, for people. Shares add up to the score's distance from its
/// middle.
struct Contribution {
  traffic::Feature feature{};
  double value = 0;
  double usual_low = 0;   ///< 5 % quantile of training; of errors' ratios 0, where none is usual
  double usual_high = 0;  ///< 95 % quantile of training
  double share = 0;       ///< of the score above the middle, may be negative
  std::string usual_of = {};  ///< the tier that is so usually; empty: all clients
};

}  // namespace tidelimit::anomaly
