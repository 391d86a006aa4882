#include <nlohmann/json.hpp>

#include "cli/offline/evaluation.hpp"

namespace tidelimit::cli {
namespace {

using nlohmann::ordered_json;

ordered_json number(const std::optional<double>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

ordered_json mae_of(const ReferenceScore& reference) {
  return reference.origins > 0 ? ordered_json(reference.mae) : ordered_json();
}

/// How many forecasts came from each source that gave any.
ordered_json sources_of(const EndpointScore& score) {
  ordered_json sources = ordered_json::object();
  for (const auto source : forecast::kSources) {
    const auto count = score.sources[static_cast<std::size_t>(source)];
    if (count > 0) sources[forecast::to_string(source)] = count;
  }
  return sources;
}

ordered_json forecast_of(const ForecastScore& score) {
  ordered_json endpoints = ordered_json::object();
  for (const EndpointScore& e : score.endpoints) {
    endpoints[e.endpoint] = {{"mae", e.mae},
                             {"seasonal_naive_mae", mae_of(e.seasonal_naive)},
                             {"last_value_mae", mae_of(e.last_value)},
                             {"pinball", e.pinball},
                             {"coverage_90", e.coverage_90},
                             {"coverage_80", e.coverage_80},
                             {"guarded", e.guarded},
                             {"fallbacks", e.fallbacks},
                             {"sources", sources_of(e)},
                             {"mean", e.mean},
                             {"n", e.origins}};
  }
  const auto mae = score.endpoints.empty() ? ordered_json() : ordered_json(score.mae);
  ordered_json forecast{{"mae", mae}, {"endpoints", std::move(endpoints)}};
  if (score.floors.empty()) return forecast;
  const auto average = synthetic::average(score.floors);
  ordered_json floors{{"oracle_mae", average.oracle_mae}, {"causal_mae", average.causal_mae}};
  for (const auto& floor : score.floors) {
    floors["endpoints"][floor.endpoint] = {{"oracle_mae", floor.oracle_mae},
                                           {"causal_mae", floor.causal_mae}};
  }
  forecast["floors"] = std::move(floors);
  return forecast;
}

ordered_json anomaly_of(const std::optional<ClientScore>& score) {
  const ClientScore none;
  const ClientScore& s = score ? *score : none;
  const auto known = [&](std::optional<double> value) {
    return s.labelled ? number(value) : ordered_json();
  };
  return {{"precision", known(s.any.precision())},
          {"recall", known(s.any.recall())},
          {"f1", known(s.any.f1())},
          {"auroc", known(s.auroc)},
          {"average_precision", known(s.average_precision)},
          {"flagged", s.flagged},
          {"clients", s.clients},
          {"malicious_only",
           {{"precision", known(s.malicious_only.precision())},
            {"recall", known(s.malicious_only.recall())}}}};
}

}  // namespace

std::string evaluation_json(const Evaluation& evaluation) {
  const ordered_json object{{"forecast", forecast_of(evaluation.forecast)},
                            {"anomaly", anomaly_of(evaluation.clients)}};
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace tidelimit::cli
