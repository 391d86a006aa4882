#include "serve/metrics/families.hpp"

#include <limits>
#include <prometheus/text_serializer.h>

namespace tidelimit::serve {
namespace {

prometheus::MetricFamily family(std::string_view name, std::string_view help,
                                prometheus::MetricType type) {
  prometheus::MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = type;
  return made;
}

}  // namespace

void Families::counter(std::string_view name, std::string_view help) {
  families_.push_back(family(name, help, prometheus::MetricType::Counter));
}

void Families::gauge(std::string_view name, std::string_view help) {
  families_.push_back(family(name, help, prometheus::MetricType::Gauge));
}

void Families::add(MetricLabels labels, double value) {
  auto& to = families_.back();
  auto& metric = to.metric.emplace_back();
  metric.label.reserve(labels.size());
  for (const auto& label : labels) {
    metric.label.push_back({std::string(label.name), std::string(label.value)});
  }
  metric.counter.value = value;
  metric.gauge.value = value;
}

void Families::histogram(std::string_view name, std::string_view help,
                         const LatencyHistogram::Counts& counts) {
  auto made = family(name, help, prometheus::MetricType::Histogram);
  auto& histogram = made.metric.emplace_back().histogram;
  for (std::size_t i = 0; i < counts.buckets.size(); ++i) {
    histogram.sample_count += counts.buckets[i];
    const double bound = i < LatencyHistogram::kBoundsNs.size()
                             ? static_cast<double>(LatencyHistogram::kBoundsNs[i]) / 1e9
                             : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({histogram.sample_count, bound});
  }
  histogram.sample_sum = counts.sum_seconds;
  families_.push_back(std::move(made));
}

std::string Families::text() const {
  return prometheus::TextSerializer().Serialize(families_);
}

}  // namespace tidelimit::serve
