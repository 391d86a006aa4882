#include <cmath>
#include <fmt/format.h>

#include "base/figures.hpp"
#include "base/text.hpp"
#include "cli/offline/evaluation.hpp"
#include "cli/text_table.hpp"

namespace tidelimit::cli {
namespace {

using Align = TextTable::Align;

std::string three(const std::optional<double>& figure) {
  return figure ? fmt::format("{:.3f}", *figure) : "unknown";
}

const synthetic::Floor* floor_of(const ForecastScore& score, const std::string& endpoint) {
  for (const auto& floor : score.floors) {
    if (floor.endpoint == endpoint) return &floor;
  }
  return nullptr;
}

std::string forecast_table(const ForecastScore& score) {
  std::vector<std::string> head{"endpoint",   "mean",    "error",        "season",
                                "last value", "pinball", "in 90 % band", "in 80 %"};
  if (!score.floors.empty()) head.insert(head.end(), {"floor: past", "floor: noise"});
  std::vector<Align> align(head.size(), Align::right);
  align.front() = Align::left;
  TextTable table(head, align);
  const auto row = [&](const EndpointScore& e, const synthetic::Floor* floor) {
    std::vector<std::string> cells{printable(e.endpoint, 60),    fmt::format("{:.1f}", e.mean),
                                   fmt::format("{:.2f}", e.mae), in_words(e.seasonal_naive),
                                   in_words(e.last_value),       fmt::format("{:.2f}", e.pinball),
                                   percent(e.coverage_90, 1),    percent(e.coverage_80, 1)};
    if (!score.floors.empty()) {
      cells.push_back(floor != nullptr ? fmt::format("{:.2f}", floor->causal_mae) : "");
      cells.push_back(floor != nullptr ? fmt::format("{:.2f}", floor->oracle_mae) : "");
    }
    table.add(std::move(cells));
  };
  for (const auto& endpoint : score.endpoints) row(endpoint, floor_of(score, endpoint.endpoint));
  EndpointScore mean;
  mean.endpoint = "average";
  for (auto figure : {&EndpointScore::mean, &EndpointScore::mae, &EndpointScore::pinball,
                      &EndpointScore::coverage_90, &EndpointScore::coverage_80}) {
    mean.*figure = mean_over(score.endpoints, figure);
  }
  for (auto reference : {&EndpointScore::seasonal_naive, &EndpointScore::last_value}) {
    (mean.*reference).mae = mean_over(score.endpoints, reference);
  }
  const auto average = synthetic::average(score.floors);
  row(mean, &average);
  return table.text();
}

std::string fallbacks(const ForecastScore& score) {
  std::string text;
  for (const auto& e : score.endpoints) {
    if (e.guarded > 0)
      text += fmt::format("  {}: {} of {} forecasts by a simple rule, which was closer before\n",
                          printable(e.endpoint, 60), e.guarded, e.origins);
    if (e.fallbacks == 0) continue;
    text += fmt::format("  {}: {} of {} forecasts are not the model's ({})\n",
                        printable(e.endpoint, 60), e.fallbacks, e.origins, e.fallback_note);
  }
  return text;
}

std::string client_lines(const ClientScore& score) {
  std::string text = fmt::format("\nclients: {} of {} under a verdict at some time\n",
                                 score.flagged, score.clients);
  if (!score.labelled) return text + "  (give --labels to see how many of them are malicious)\n";
  TextTable table({"flagged as", "precision", "recall", "clients"},
                  {Align::left, Align::right, Align::right, Align::right});
  const auto row = [&](const char* name, const Retrieval& r) {
    table.add({name, percent_or_unknown(r.precision()), percent_or_unknown(r.recall()),
               std::to_string(r.flagged)});
  };
  row("suspicious or malicious", score.any);
  row("malicious", score.malicious_only);
  text += table.text();
  text += fmt::format("  f1 {}  auroc {}  average precision {}\n", three(score.any.f1()),
                      three(score.auroc), three(score.average_precision));
  if (score.kinds.empty()) return text;
  TextTable kinds({"kind", "", "clients", "flagged"},
                  {Align::left, Align::left, Align::right, Align::right});
  for (const auto& kind : score.kinds) {
    kinds.add({printable(kind.kind, 60), kind.malicious ? "malicious" : "good",
               std::to_string(kind.clients), std::to_string(kind.flagged)});
  }
  return text + "\n" + kinds.text();
}

}  // namespace

std::string percent_or_unknown(const std::optional<double>& ratio) {
  return ratio ? percent(*ratio, 1) : "unknown";
}

std::string in_words(const ReferenceScore& reference) {
  return std::isnan(reference.mae) ? "-" : fmt::format("{:.2f}", reference.mae);
}

std::string evaluation_text(const Evaluation& evaluation) {
  const ForecastScore& score = evaluation.forecast;
  std::string text = fmt::format("{} (preset {}, trained until {})\n", evaluation.bundle,
                                 printable(evaluation.manifest.preset, 60),
                                 format_time(evaluation.manifest.trained_until));
  if (score.endpoints.empty()) {
    text += "forecast: " + score.note + "\n";
  } else {
    text += fmt::format(
        "forecasts of the next {}, made from {} to {}; mean absolute errors in requests\n",
        format_duration(score.horizon), format_time(score.from), format_time(score.until));
    text += forecast_table(score) + fallbacks(score);
  }
  if (evaluation.clients) text += client_lines(*evaluation.clients);
  return text;
}

}  // namespace tidelimit::cli
