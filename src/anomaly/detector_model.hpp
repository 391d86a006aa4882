#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "anomaly/detector.hpp"
#include "anomaly/isolation_forest.hpp"

namespace tidelimit::anomaly {

/// Fewer errors within the fading hour, beyond the background's, are no harm: small counts are no
/// evidence.
inline constexpr double kLeastErrors = 12;
/// Of a client that fails as its neighbours do: three, the first of which may have faded a little.
inline constexpr float kLeastErrorsTogether = 2.5F;

/// From where on a deviation does harm. Drawn from the clean rows of training, so that each is
/// exceeded by at most the promised share of clean client-windows.
struct HarmLevels {
  double error_ratio = 0.5;  ///< beyond the background's, over five minutes or over the hour
  /// Who fails at so many distinct paths within five minutes looks for what is not there: half of
  /// that ratio is harm then.
  double failed_paths = std::numeric_limits<double>::infinity();
  double requests_per_minute = 1000;
  /// From here on the rate alone is evidence, however usual the rest; never below the other.
  double plain_requests_per_minute = std::numeric_limits<double>::infinity();
};

/// A feature's range in training: 5 % and 95 % quantile.
struct UsualRange {
  double low = 0;
  double high = 0;
};

using UsualRanges = std::array<UsualRange, traffic::kFeatures>;

/// The same of one tier's clients.
struct TierRanges {
  std::string tier;
  UsualRanges usual{};
};

/// All that a detector knows; model/ writes and reads it.
struct DetectorParts {
  IsolationForest forest;  ///< over transform(features)
  double threshold = 1;
  HarmLevels harm;
  UsualRanges usual{};
  std::vector<TierRanges> tiers;  ///< of those with rows enough in training
  double contamination = 0;
  double false_alarms = 0;
  std::uint64_t rows = 0;        ///< trained on
  std::uint64_t rows_aside = 0;  ///< left out of training: harmful by themselves
};

class Detector {
 public:
  explicit Detector(DetectorParts parts) : parts_(std::move(parts)) {}
  [[nodiscard]] const DetectorParts& parts() const { return parts_; }

 private:
  DetectorParts parts_;
};

/// What the forest sees: counts and rates as log(1 + x), since they vary by orders of magnitude;
/// ratios as they are. NaN becomes 0. The logarithm is taken in double, so that whoever computes it
/// gets the same float.
using ForestRow = std::array<float, traffic::kFeatures>;
[[nodiscard]] ForestRow transform(const traffic::ClientFeatures& features);

}  // namespace tidelimit::anomaly
