#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "anomaly/detector.hpp"
#include "anomaly/detector_model.hpp"

namespace tidelimit::anomaly {
namespace {

using traffic::Feature;

/// Three significant digits at most, no exponent: 0.2, 21, 1,690 without the comma.
std::string number(double x) {
  if (x >= 100 || x == std::floor(x)) {
    return fmt::format("{:.0f}", x);
  }
  return fmt::format("{:.2g}", x);
}

std::string percent(double ratio) {
  return fmt::format("{:.0f}", 100 * ratio);
}

std::string sentence(const Contribution& c) {
  const std::string usual = c.usual_of.empty() ? "usual" : fmt::format("usual for {}:", c.usual_of);
  const auto counted = [&](const char* what) {
    return fmt::format("{} {} ({} {} to {})", number(c.value), what, usual, number(c.usual_low),
                       number(c.usual_high));
  };
  const auto shared = [&](const char* what) {
    return fmt::format("{} % {} ({} {} to {} %)", percent(c.value), what, usual,
                       percent(c.usual_low), percent(c.usual_high));
  };
  switch (c.feature) {
    case Feature::requests_per_minute:
      return counted("requests a minute");
    case Feature::error_ratio:
      return shared("errors");
    case Feature::endpoint_concentration:
      return shared("of the requests to one group of paths");
    case Feature::agent_diversity:
      return counted(number(c.value) == "1" ? "user agent in five minutes"
                                            : "user agents in five minutes");
    case Feature::hour_requests:
      return counted("requests in the last hour");
    case Feature::hour_errors:
      return counted("errors in the last hour");
    case Feature::hour_error_ratio:
      return shared("errors over the last hour");
    case Feature::count_:
      break;
  }
  return {};
}

}  // namespace

std::vector<Contribution> explain(const Detector& detector, const traffic::ClientFeatures& features,
                                  std::string_view tier) {
  const DetectorParts& parts = detector.parts();
  const auto known = std::find_if(parts.tiers.begin(), parts.tiers.end(),
                                  [&](const TierRanges& ranges) { return ranges.tier == tier; });
  const bool of_tier = known != parts.tiers.end();
  const UsualRanges& usual = of_tier ? known->usual : parts.usual;
  const ForestRow row = transform(features);
  const std::vector<double> shortening = parts.forest.shortening(row.data());
  double total = 0;
  for (const double s : shortening) {
    total += s;
  }
  // The score is 2^(total / c - 1). Its distance from the middle is shared out in proportion to
  // the shortening; where the total vanishes, by the curve's slope at 1/2.
  const double c = mean_path_length(parts.forest.sample());
  const double exponent = total / c * std::log(2.0);
  const double per_step =
      std::abs(total) > 1e-12 ? 0.5 * std::expm1(exponent) / total : 0.5 * std::log(2.0) / c;
  std::vector<Contribution> out;
  for (std::size_t i = 0; i < traffic::kFeatures; ++i) {
    out.push_back({static_cast<Feature>(i), static_cast<double>(features.values[i]), usual[i].low,
                   usual[i].high, shortening[i] * per_step, of_tier ? known->tier : std::string()});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Contribution& a, const Contribution& b) { return a.share > b.share; });
  return out;
}

std::vector<std::string> in_words(const std::vector<Contribution>& contributions) {
  std::vector<std::string> odd, within;
  for (const Contribution& c : contributions) {
    if (c.share <= 0) continue;
    const bool usual = c.value >= c.usual_low && c.value <= c.usual_high;
    (usual ? within : odd).push_back(sentence(c));
  }
  if (!odd.empty() || within.empty()) return odd;
  return {fmt::format("none of these alone, but together: {}", fmt::join(within, ", "))};
}

}  // namespace tidelimit::anomaly
