#include <fmt/format.h>

#include "anomaly/detector_model.hpp"
#include "anomaly/harm_levels.hpp"
#include "anomaly/words.hpp"

namespace tidelimit::anomaly {
namespace {

using traffic::Feature;

/// "203.0.113.0/24", "2001:db8:1::/48"
std::string prefix_in_words(const ClientId& neighbourhood) {
  const std::uint8_t length = neighbourhood.is_v4() ? 96 + 24 : 48;
  return format_prefix({address_of(neighbourhood), length});
}

std::string neighbourhood_in_words(const traffic::ClientFeatures& f) {
  const traffic::FailingNeighbourhood& all = *f.neighbourhood;
  return fmt::format(
      "one of about {:.0f} clients of {} of which {:.0f} % nearly only failed in the last hour; "
      "{:.0f} of its own {:.0f} requests failed",
      static_cast<double>(all.clients), prefix_in_words(all.prefix),
      100 * static_cast<double>(all.failing / all.clients),
      static_cast<double>(f.hour_excess_errors), static_cast<double>(f.hour_responses));
}

std::string failing_in_words(const HarmLevels& levels, const traffic::ClientFeatures& f,
                             const traffic::ClientFigures& figures) {
  if (f.neighbourhood) return neighbourhood_in_words(f);
  const double others = 100 * static_cast<double>(f.background_error_ratio);
  if (recent_excess_ratio(f) >= levels.error_ratio) {
    return fmt::format("{} errors of {} responses in five minutes, others {:.0f} %",
                       figures.client_errors, figures.responses, others);
  }
  return fmt::format("about {:.0f} errors of {:.0f} responses in the last hour, others {:.0f} %",
                     static_cast<double>(f.hour_excess_errors),
                     static_cast<double>(f.hour_responses), others);
}

/// What harm() found, in words.
std::string harm_in_words(const Detector& detector, const traffic::ClientFeatures& f,
                          const traffic::ClientFigures& figures) {
  const HarmLevels& levels = detector.parts().harm;
  switch (harm(detector, f)) {
    case Harm::failing:
      return failing_in_words(levels, f, figures);
    case Harm::pressing:
      return fmt::format(
          "{:.0f} requests a minute, beyond the {:.0f} that this model allows anybody",
          static_cast<double>(f[Feature::requests_per_minute]), levels.requests_per_minute);
    case Harm::none:
      break;
  }
  return {};
}

/// By itself, and more than usual: of paths one alone is odd, and so are all of them.
bool stands_out(const Contribution& c) {
  return c.value > c.usual_high ||
         (c.feature == Feature::endpoint_concentration && c.value < c.usual_low);
}

}  // namespace

std::vector<std::string> reasons(const Detector& detector, const traffic::ClientFeatures& features,
                                 std::vector<Contribution> contributions,
                                 const traffic::ClientFigures& figures) {
  const std::string harm = harm_in_words(detector, features, figures);
  if (harm.empty()) return in_words(contributions, figures);
  for (Contribution& c : contributions)
    if (!stands_out(c)) c.share = 0;
  std::vector<std::string> all{harm};
  for (std::string& odd : in_words(contributions, figures)) all.push_back(std::move(odd));
  return all;
}

}  // namespace tidelimit::anomaly
