#include "anomaly/detector.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

#include "anomaly/dated_training.hpp"
#include "anomaly/detector_model.hpp"
#include "anomaly/harm_levels.hpp"
#include "anomaly/tail.hpp"

namespace tidelimit::anomaly {
namespace {

using traffic::ClientFeatures;
using traffic::Feature;
using traffic::kFeatures;

constexpr std::size_t kLeastRows = 256;
constexpr std::size_t kLeastRowsOfTier = 100;  // five of them beyond either end

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

UsualRanges usual_ranges(const std::vector<ClientFeatures>& rows) {
  UsualRanges usual;
  for (std::size_t i = 0; i < kFeatures; ++i) {
    std::vector<double> values = column(rows, static_cast<Feature>(i));
    std::sort(values.begin(), values.end());
    usual[i] = {quantile(values, 0.05), quantile(values, 0.95)};
  }
  return usual;
}

std::vector<TierRanges> ranges_by_tier(const std::vector<ClientFeatures>& rows,
                                       const std::vector<std::string>& tiers) {
  std::vector<TierRanges> ranges;
  for (std::size_t tier = 0; tier < tiers.size(); ++tier) {
    std::vector<ClientFeatures> own;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(own),
                 [&](const ClientFeatures& row) { return row.tier == tier + 1; });
    if (own.size() >= kLeastRowsOfTier) ranges.push_back({tiers[tier], usual_ranges(own)});
  }
  return ranges;
}

/// Whether a row whose score this is raises an alarm: the score is above the threshold, or the
/// client plainly fails, or asks faster than HarmLevels::plain_requests_per_minute. What the score
/// says then depends on which others happened to be odd in training, in ways that have nothing to
/// do with it.
bool is_alarm(const Detector& detector, const ClientFeatures& features, double score) {
  return score > threshold(detector) || plainly_fails(features) ||
         presses_at(features, detector.parts().harm.plain_requests_per_minute);
}

/// Rows and their days; days may be empty.
struct DatedRows {
  std::vector<ClientFeatures> rows;
  std::vector<std::uint32_t> days;

  template <class Keep>
  [[nodiscard]] DatedRows those(Keep&& keep) const {
    DatedRows kept;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (!keep(rows[i])) continue;
      kept.rows.push_back(rows[i]);
      if (!days.empty()) kept.days.push_back(days[i]);
    }
    return kept;
  }
};

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
  return train(rows, {}, options);
}

Result<std::shared_ptr<const Detector>> train(const std::vector<ClientFeatures>& rows,
                                              std::span<const std::uint32_t> days,
                                              const TrainOptions& options) {
  // Who plainly fails is no part of what is usual: left in, it would teach the forest that attacks
  // are. What is left tells from where on a client does harm, and who does is left out likewise.
  const DatedRows working = DatedRows{rows, {days.begin(), days.end()}}.those(
      [](const ClientFeatures& row) { return !plainly_fails(row); });
  DetectorParts parts;
  if (!working.rows.empty())
    parts.harm =
        draw_harm_levels(working.rows, working.days, options.false_alarms, options.contamination);
  const std::vector<ClientFeatures> clean =
      working
          .those([&](const ClientFeatures& row) {
            return !fails_at(row, parts.harm.error_ratio) &&
                   static_cast<double>(row[Feature::requests_per_minute]) <
                       parts.harm.requests_per_minute;
          })
          .rows;
  if (clean.size() < kLeastRows) {
    return fail(Code::failed_precondition,
                fmt::format("the anomaly model needs at least {} client-minutes of ordinary "
                            "traffic, and there were {}: give it a longer log",
                            kLeastRows, clean.size()));
  }
  const std::vector<float> matrix = to_matrix(clean);
  const MatrixView view{matrix, kFeatures};

  parts.forest =
      IsolationForest::fit(view, {.setting = options.setting,
                                  .trees = static_cast<std::size_t>(std::max(options.trees, 1)),
                                  .sample = static_cast<std::size_t>(std::max(options.sample, 2)),
                                  .seed = options.seed});
  std::vector<double> scores(clean.size());
  parts.forest.score(view, scores);
  std::sort(scores.begin(), scores.end());
  parts.threshold = quantile(scores, 1 - options.contamination);
  parts.usual = usual_ranges(clean);
  parts.tiers = ranges_by_tier(clean, options.tiers);
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
  if (f.fresh_errors && fails_at(f, levels.error_ratio)) {
    return Harm::failing;
  }
  const auto rate = static_cast<double>(f[Feature::requests_per_minute]);
  const bool presses = rate > granted_per_minute && presses_at(f, levels.requests_per_minute);
  return presses ? Harm::pressing : Harm::none;
}

Finding examine(const Detector& detector, const ClientFeatures& features,
                double granted_per_minute) {
  Finding found;
  found.harm = harm(detector, features, granted_per_minute);
  if (found.harm == Harm::none) return found;
  found.score = score(detector, features);
  found.evidence = is_alarm(detector, features, found.score);
  return found;
}

}  // namespace tidelimit::anomaly
