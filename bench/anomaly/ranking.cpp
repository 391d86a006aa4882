#include "anomaly/ranking.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace tidelimit::bench {

Ranking judge_ranking(const std::vector<double>& scores, const std::vector<bool>& outlier) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  const auto outliers = static_cast<double>(std::count(outlier.begin(), outlier.end(), true));
  const double others = static_cast<double>(scores.size()) - outliers;
  Ranking ranking;
  double found = 0;
  double wrong = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double here = 0;
    while (end < order.size() && scores[order[end]] == scores[order[begin]]) {
      here += outlier[order[end]] ? 1 : 0;
      ++end;
    }
    const double others_here = static_cast<double>(end - begin) - here;
    ranking.auroc += here * (others - wrong - others_here / 2) / (outliers * others);
    found += here;
    wrong += others_here;
    ranking.average_precision += here / outliers * found / (found + wrong);
  }
  return ranking;
}

}  // namespace tidelimit::bench
