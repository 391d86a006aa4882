#include "anomaly/detector.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "anomaly/detector_model.hpp"
#include "anomaly/tail.hpp"

namespace tidelimit::anomaly {
namespace {

using traffic::ClientFeatures;
using traffic::Feature;
using traffic::kFeatures;

constexpr std::size_t kLeastRows = 256;

// A level drawn from training stays within these, whatever the training rows were: attackers among
// them can't raise it out of reach, and a spotless log does not make a typing error an attack.
constexpr double kErrorRatioLeast = 0.3;
constexpr double kErrorRatioMost = 0.5;
constexpr double kRateLeast = 60;

bool is_log_scaled(Feature feature) {
  switch (feature) {
    case Feature::requests_per_minute:
    case Feature::agent_diversity:
    case Feature::hour_requests:
    case Feature::hour_errors:
      return true;
    default:
      return false;
  }
}

/// The error ratio beyond what everybody suffers just now.
double excess_error_ratio(const ClientFeatures& f) {
  const float own = std::max(f[Feature::error_ratio], f[Feature::hour_error_ratio]);
  const double outage =
      std::max(0.0, static_cast<double>(f.background_error_ratio) - traffic::kUsualErrorRatio);
  return static_cast<double>(own) - outage;
}

bool fails_at(const ClientFeatures& f, double level) {
  return f[Feature::hour_errors] >= static_cast<float>(kLeastErrors) &&
         excess_error_ratio(f) >= level;
}

std::vector<float> to_matrix(const std::vector<ClientFeatures>& rows) {
  std::vector<float> matrix;
  matrix.reserve(rows.size() * kFeatures);
  for (const ClientFeatures& row : rows) {
    const ForestRow x = transform(row);
    matrix.insert(matrix.end(), x.begin(), x.end());
  }
  return matrix;
}

std::vector<double> column(const std::vector<ClientFeatures>& rows, Feature feature) {
  std::vector<double> values;
  values.reserve(rows.size());
  for (const ClientFeatures& row : rows) {
    values.push_back(static_cast<double>(row[feature]));
  }
  return values;
}

/// Attackers that fail can be told and were left out; those that only press are still among the
/// rows, a few in a thousand, and would draw the level up to themselves. So the loudest rows, as
/// many as are expected to be malicious, have no say in it.
std::vector<double> without_loudest(std::vector<double> values, double contamination) {
  std::sort(values.begin(), values.end());
  const auto kept = static_cast<double>(values.size()) * (1 - contamination);
  values.resize(std::max<std::size_t>(1, static_cast<std::size_t>(kept)));
  return values;
}

HarmLevels harm_levels(const std::vector<ClientFeatures>& clean, double false_alarms,
                       double contamination) {
  std::vector<double> errors;
  std::vector<double> log_rates;
  for (const ClientFeatures& row : clean) {
    errors.push_back(excess_error_ratio(row));
    log_rates.push_back(std::log1p(static_cast<double>(row[Feature::requests_per_minute])));
  }
  const double each = false_alarms / 2;  // two ways to do harm share the promise
  HarmLevels levels;
  levels.error_ratio = std::clamp(TailLevel(std::move(errors)).exceeded_with(each),
                                  kErrorRatioLeast, kErrorRatioMost);
  levels.requests_per_minute = std::max(
      std::expm1(
          TailLevel(without_loudest(std::move(log_rates), contamination)).exceeded_with(each)),
      kRateLeast);
  return levels;
}

}  // namespace

ForestRow transform(const ClientFeatures& features) {
  ForestRow out{};
  for (std::size_t i = 0; i < kFeatures; ++i) {
    const float x = std::isnan(features.values[i]) ? 0.0F : features.values[i];
    out[i] = is_log_scaled(static_cast<Feature>(i))
                 ? static_cast<float>(std::log(1 + static_cast<double>(std::max(x, 0.0F))))
                 : x;
  }
  return out;
}

Result<std::shared_ptr<const Detector>> train(const std::vector<ClientFeatures>& rows,
                                              const TrainOptions& options) {
  // Clients that plainly fail are no part of what is usual: left in, they would teach the forest
  // that attacks are.
  std::vector<ClientFeatures> clean;
  std::copy_if(rows.begin(), rows.end(), std::back_inserter(clean),
               [](const ClientFeatures& row) { return !plainly_fails(row); });
  if (clean.size() < kLeastRows) {
    return fail(Code::failed_precondition,
                fmt::format("the anomaly model needs at least {} client-minutes of ordinary "
                            "traffic, and there were {}: give it a longer log",
                            kLeastRows, clean.size()));
  }
  const std::vector<float> matrix = to_matrix(clean);
  const MatrixView view{matrix, kFeatures};

  DetectorParts parts;
  parts.forest =
      IsolationForest::fit(view, {.setting = options.setting,
                                  .trees = static_cast<std::size_t>(std::max(options.trees, 1)),
                                  .sample = static_cast<std::size_t>(std::max(options.sample, 2)),
                                  .seed = options.seed});
  std::vector<double> scores(clean.size());
  parts.forest.score(view, scores);
  std::sort(scores.begin(), scores.end());
  parts.threshold = quantile(scores, 1 - options.contamination);
  parts.harm = harm_levels(clean, options.false_alarms, options.contamination);
  for (std::size_t i = 0; i < kFeatures; ++i) {
    std::vector<double> values = column(clean, static_cast<Feature>(i));
    std::sort(values.begin(), values.end());
    parts.usual[i] = {quantile(values, 0.05), quantile(values, 0.95)};
  }
  parts.contamination = options.contamination;
  parts.false_alarms = options.false_alarms;
  parts.rows = clean.size();
  parts.rows_aside = rows.size() - clean.size();
  return std::make_shared<const Detector>(std::move(parts));
}

bool plainly_fails(const ClientFeatures& features) {
  return fails_at(features, kErrorRatioMost);
}

double score(const Detector& detector, const ClientFeatures& features) {
  return detector.parts().forest.score(transform(features).data());
}

double threshold(const Detector& detector) {
  return detector.parts().threshold;
}

Harm harm(const Detector& detector, const ClientFeatures& f, double granted_per_minute) {
  const HarmLevels& levels = detector.parts().harm;
  if (f[Feature::hour_requests] < static_cast<float>(kLeastRequests)) {
    return Harm::none;
  }
  if (fails_at(f, levels.error_ratio)) {
    return Harm::failing;
  }
  const auto rate = static_cast<double>(f[Feature::requests_per_minute]);
  if (rate >= levels.requests_per_minute && rate > granted_per_minute &&
      static_cast<double>(f[Feature::hour_requests]) >=
          kPressingMinutes * levels.requests_per_minute) {
    return Harm::pressing;
  }
  return Harm::none;
}

bool is_evidence(const Detector& detector, const ClientFeatures& features,
                 double granted_per_minute) {
  return harm(detector, features, granted_per_minute) != Harm::none &&
         score(detector, features) > threshold(detector);
}

}  // namespace tidelimit::anomaly
