#pragma once

#include <initializer_list>
#include <prometheus/metric_family.h>
#include <string>
#include <string_view>
#include <vector>

#include "serve/metrics/latency_histogram.hpp"
#include "serve/metrics/render.hpp"

namespace tidelimit::serve {

/// A label as it stands in one series.
struct MetricLabel {
  std::string_view name;
  std::string_view value;
};
using MetricLabels = std::initializer_list<MetricLabel>;

/// Collects the families of one scrape, in the order they are begun.
class Families {
 public:
  /// Series added by add() belong to the family begun last.
  void counter(std::string_view name, std::string_view help);
  void gauge(std::string_view name, std::string_view help);
  void add(MetricLabels labels, double value);
  void histogram(std::string_view name, std::string_view help,
                 const LatencyHistogram::Counts& counts);

  [[nodiscard]] std::string text() const;

 private:
  std::vector<prometheus::MetricFamily> families_;
};

/// What requests met: decisions, observations, windows, latency.
void add_traffic(Families& families, const MetricsInput& input);
/// How the wire was used: connections, and what was refused of them.
void add_wire(Families& families, const MetricsInput& input);
/// What the control plane made of it: forecasts, limits, rules, verdicts, and its own health.
void add_control(Families& families, const MetricsInput& input);

}  // namespace tidelimit::serve
