#pragma once

#include <vector>

namespace tidelimit::bench {

/// How well scores tell outliers from the rest.
struct Ranking {
  double auroc = 0;              ///< an outlier scores higher than another row; ties count half
  double average_precision = 0;  ///< mean precision over the outliers, in falling order of score
};

/// Needs at least one outlier and one other row.
[[nodiscard]] Ranking judge_ranking(const std::vector<double>& scores,
                                    const std::vector<bool>& outlier);

}  // namespace tidelimit::bench
