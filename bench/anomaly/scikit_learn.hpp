#pragma once

#include <map>
#include <optional>
#include <string>

#include "anomaly/ranking.hpp"

namespace tidelimit::bench {

/// What scikit-learn's IsolationForest with its defaults does on this machine, now.
struct ScikitSpeed {
  double fit_ms = 0;
  double row_us = 0;
  double row_alone_us = 0;
};

/// By name of the set: means over seeds 1 to `seeds`. Empty where Debian's python3-sklearn is
/// missing (scripts/setup --bench installs it).
[[nodiscard]] std::map<std::string, Ranking> scikit_accuracy(const std::string& folder, int seeds);
[[nodiscard]] std::optional<ScikitSpeed> scikit_speed(const std::string& file);

}  // namespace tidelimit::bench
