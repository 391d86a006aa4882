#pragma once

#include <optional>
#include <string>

#include "cli/input.hpp"
#include "cli/offline/client_score.hpp"
#include "cli/offline/forecast_score.hpp"
#include "cli/offline/shape_options.hpp"
#include "ingest/read_report.hpp"
#include "model/bundle.hpp"

namespace tidelimit::cli {

struct EvaluationOptions {
  std::string model;
  std::string config;
  std::string labels;
  std::string rates;
  ShapeOptions shape;
};

/// What a bundle is worth on given traffic.
struct Evaluation {
  std::string bundle;  ///< its folder
  model::Manifest manifest;
  ingest::ReadReport reading;
  ForecastScore forecast;
  std::optional<ClientScore> clients;  ///< empty: the input names no clients
};

[[nodiscard]] Result<Evaluation> evaluate_bundle(const Input& input,
                                                 const EvaluationOptions& options);

/// "83.4 %", or "unknown".
[[nodiscard]] std::string percent_or_unknown(const std::optional<double>& ratio);

/// "29.71"; "-" where there is none.
[[nodiscard]] std::string in_words(const ReferenceScore& reference);

/// The object of `evaluate --json`.
[[nodiscard]] std::string evaluation_json(const Evaluation& evaluation);
/// Tables for a terminal.
[[nodiscard]] std::string evaluation_text(const Evaluation& evaluation);
/// One self-contained page.
[[nodiscard]] std::string evaluation_html(const Evaluation& evaluation);

}  // namespace tidelimit::cli
