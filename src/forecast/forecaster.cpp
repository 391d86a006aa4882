#include "forecast/forecaster.hpp"

#include "forecast/recurrence.hpp"

namespace tidelimit::forecast {

const char* to_string(Source source) {
  switch (source) {
    case Source::none:
      return "none";
    case Source::last_value:
      return "last_value";
    case Source::seasonal:
      return "seasonal";
    case Source::lstm:
      return "lstm";
    case Source::yesterday:
      return "yesterday";
    case Source::week_ago:
      return "week_ago";
    case Source::typical:
      return "typical";
  }
  return "unknown";
}

std::optional<double> usual(const traffic::WindowGrid& grid, std::size_t endpoint,
                            std::size_t origin, const Shape& shape) {
  constexpr std::size_t kDays = 28;
  constexpr std::size_t kFewestDays = 7;
  const Spans spans = Spans::of(shape);
  const auto& stats = grid.stats[endpoint];
  std::vector<double> days;
  for (std::size_t k = 1; k <= kDays && k * spans.day <= origin; ++k) {
    const std::size_t from = origin - k * spans.day;
    if (from + spans.horizon > origin) continue;
    double requests = 0;
    bool observed = true;
    for (std::size_t i = from; i < from + spans.horizon; ++i) {
      requests += stats[i].requests;
      observed = observed && stats[i].observed;
    }
    if (observed) days.push_back(requests);
  }
  if (days.size() < kFewestDays) return {};
  return median(days);
}

}  // namespace tidelimit::forecast
