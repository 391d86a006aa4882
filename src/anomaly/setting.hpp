#pragma once

#include <cstdint>

namespace tidelimit::anomaly {

/// How an isolation forest is grown.
enum class Setting : std::uint8_t {
  /// The forest of Liu, Ting and Zhou (2008): random columns, random cuts.
  plain,
  /// What is better on nearly all public sets of outliers (docs/models.md has the ablation):
  ///   every second tree cuts the distance from the bulk of the rows (anomaly/ellipsoid.hpp), in
  ///   which outliers show that are odd only in how columns go together (cuts over several columns:
  ///   SCiForest, Liu et al. 2010; extended isolation forest, Hariri et al. 2019);
  ///   in the others a third of the cuts are guided by gain (anomaly/tree_grower.hpp), and columns
  ///   with heavy tails are cut more often, by the cube root of their kurtosis (as isotree's
  ///   weigh_by_kurtosis), less so where a column hardly ever changes.
  best,
};

}  // namespace tidelimit::anomaly
