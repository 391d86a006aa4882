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
  const double level = error_level_for(f, levels);
  const std::string others =
      fmt::format("others {:.0f} %", 100 * static_cast<double>(f.background_error_ratio));
  const std::string paths = level < levels.error_ratio
                                ? fmt::format(" at about {:.0f} paths", f.failed_paths)
                                : std::string();
  if (recent_excess_ratio(f) >= level) {
    return fmt::format("{} errors of {} responses{} in five minutes, {}", figures.client_errors,
                       figures.responses, paths, others);
  }
  return fmt::format(
      "about {:.0f} errors more than others had in {:.0f} responses{} in the last hour, {}",
      static_cast<double>(f.hour_excess_errors), static_cast<double>(f.hour_responses), paths,
      others);
}

std::string pressing_in_words(const HarmLevels& levels, const traffic::ClientFeatures& f) {
  const double flood = kFloodTimes * levels.requests_per_minute;
  if (static_cast<double>(f.busiest_requests) >= flood)
    return fmt::format(
        "{:.0f} requests in a minute, beyond the {:.0f} that this model allows anybody at once",
        static_cast<double>(f.busiest_requests), flood);
  return fmt::format("{:.0f} requests a minute, beyond the {:.0f} that this model allows anybody",
                     static_cast<double>(f[Feature::requests_per_minute]),
                     levels.requests_per_minute);
}

/// What harm() found, in words.
std::string harm_in_words(const Detector& detector, const traffic::ClientFeatures& f,
                          const traffic::ClientFigures& figures) {
  const HarmLevels& levels = detector.parts().harm;
  switch (harm(detector, f)) {
    case Harm::failing:
    case Harm::breaking:
      return failing_in_words(levels, f, figures);
    case Harm::pressing:
      return pressing_in_words(levels, f);
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
