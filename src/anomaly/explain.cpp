#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "anomaly/detector.hpp"
#include "anomaly/detector_model.hpp"
#include "anomaly/words.hpp"

namespace tidelimit::anomaly {
namespace {

using traffic::Feature;

/// Three significant digits at most, no exponent: 0.2, 21, 1,690 without the comma.
std::string number(double x) {
  if (x >= 99.5 || x == std::floor(x)) {
    return fmt::format("{:.0f}", x);
  }
  return fmt::format("{:.2g}", x);
}

std::string percent(double ratio) {
  return fmt::format("{:.0f}", 100 * ratio);
}

/// A ratio and what is usual of it.
struct Ratio {
  double value = 0;
  double usual_low = 0;
  double usual_high = 0;
};

/// `ratio`: the value as it was counted, where it is one.
std::string sentence(const Contribution& c, const Ratio& ratio) {
  const std::string usual = c.usual_of.empty() ? "usual" : fmt::format("usual for {}:", c.usual_of);
  const auto rated = [&](const char* what) {
    return fmt::format("{} {} ({} {} to {})", number(c.value), what, usual, number(c.usual_low),
                       number(c.usual_high));
  };
  // Nobody counted these: they are estimated, or fade. There are no halves of what can be counted.
  const auto about = [&](const char* thing, const char* when) {
    const double count = std::round(c.value);
    return fmt::format("about {:.0f} {}{} {} ({} {:.0f} to {:.0f})", count, thing,
                       count == 1 ? "" : "s", when, usual, std::round(c.usual_low),
                       std::round(c.usual_high));
  };
  const auto shared = [&](const char* what) {
    return fmt::format("{} % {} ({} {} to {} %)", percent(ratio.value), what, usual,
                       percent(ratio.usual_low), percent(ratio.usual_high));
  };
  switch (c.feature) {
    case Feature::requests_per_minute:
      return rated("requests a minute");
    case Feature::error_ratio:
      return shared("errors");
    case Feature::endpoint_concentration:
      return shared("of the requests to one group of paths");
    case Feature::agent_diversity:
      return about("user agent", "in five minutes");
    case Feature::hour_requests:
      return about("request", "in the last hour");
    case Feature::hour_errors:
      return about("error", "in the last hour");
    case Feature::hour_error_ratio:
      return shared("errors over the last hour");
    case Feature::count_:
      break;
  }
  return {};
}

double value_of(Feature feature, const std::vector<Contribution>& contributions) {
  const auto found =
      std::find_if(contributions.begin(), contributions.end(),
                   [&](const Contribution& other) { return other.feature == feature; });
  return found == contributions.end() ? 0 : found->value;
}

/// A feature is drawn towards what is usual by made-up cases, the less the more were counted. As
/// counted is the value without these, and its range what is as far from theirs: of few cases more
/// is usual.
Ratio as_counted(const Contribution& c, double value, double towards) {
  const double drawn = c.value - towards;
  const double by = std::abs(drawn) > 1e-9 ? std::max(1.0, (value - towards) / drawn) : 1.0;
  const auto without = [&](double bound) {
    return std::clamp(towards + (bound - towards) * by, 0.0, 1.0);
  };
  return {value, without(c.usual_low), without(c.usual_high)};
}

/// Of the fading sums: how many responses there were is told by their errors and their ratio.
Ratio hour_errors_as_counted(const Contribution& c, double errors) {
  using traffic::kPseudoResponses;
  using traffic::kUsualErrorRatio;
  const double responses =
      (errors + kUsualErrorRatio * kPseudoResponses) / std::max(c.value, 1e-9) - kPseudoResponses;
  const double value = std::clamp(errors / std::max(responses, 1e-9), 0.0, 1.0);
  return as_counted(c, value, kUsualErrorRatio);
}

/// Few requests, few errors and one agent may be unusual, but are no reason against anybody. Of
/// paths both are odd: one alone, and all of them.
bool is_harmless(const Contribution& c) {
  return c.value < c.usual_low && c.feature != Feature::endpoint_concentration;
}

/// Where clients without a single error are usual, so is a ratio of 0. In training the lowest ratio
/// is above that: drawn towards what is usual, the cleanest client's was, by its few responses.
UsualRange range_of(Feature feature, const UsualRanges& usual) {
  const auto of = [&](Feature any) { return usual[static_cast<std::size_t>(any)]; };
  const bool of_errors = feature == Feature::error_ratio || feature == Feature::hour_error_ratio;
  const bool clean_is_usual = std::round(of(Feature::hour_errors).low) == 0;
  return {of_errors && clean_is_usual ? 0 : of(feature).low, of(feature).high};
}

/// `ratio(c)`: the value of a contribution as it was counted, where that is a ratio.
template <class AsCounted>
std::vector<std::string> told(const std::vector<Contribution>& contributions, AsCounted ratio) {
  std::vector<std::string> odd, within, harmless;
  for (const Contribution& c : contributions) {
    if (c.share <= 0) continue;
    const bool usual = c.value >= c.usual_low && c.value <= c.usual_high;
    auto& kind = usual ? within : is_harmless(c) ? harmless : odd;
    kind.push_back(sentence(c, ratio(c)));
  }
  if (!odd.empty()) return odd;
  if (within.empty()) return harmless;  // no verdict goes without a word
  return {fmt::format("none of these alone, but together: {}", fmt::join(within, ", "))};
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
    const auto feature = static_cast<Feature>(i);
    const UsualRange range = range_of(feature, usual);
    out.push_back({feature, static_cast<double>(features.values[i]), range.low, range.high,
                   shortening[i] * per_step, of_tier ? known->tier : std::string()});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Contribution& a, const Contribution& b) { return a.share > b.share; });
  return out;
}

std::vector<std::string> in_words(const std::vector<Contribution>& contributions) {
  return told(contributions, [](const Contribution& c) {
    return Ratio{c.value, c.usual_low, c.usual_high};
  });
}

std::vector<std::string> in_words(const std::vector<Contribution>& contributions,
                                  const traffic::ClientFigures& figures) {
  return told(contributions, [&](const Contribution& c) {
    switch (c.feature) {
      case Feature::error_ratio:
        return as_counted(c, figures.error_ratio, traffic::kUsualErrorRatio);
      case Feature::endpoint_concentration:
        return as_counted(c, figures.endpoint_concentration, traffic::kUsualConcentration);
      case Feature::hour_error_ratio:
        return hour_errors_as_counted(c, value_of(Feature::hour_errors, contributions));
      default:
        return Ratio{};
    }
  });
}

}  // namespace tidelimit::anomaly
