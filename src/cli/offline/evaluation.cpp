#include "cli/offline/evaluation.hpp"

#include "cli/models.hpp"
#include "cli/offline/floors.hpp"
#include "cli/offline/passes.hpp"
#include "store/bundles/bundle_folder.hpp"

namespace tidelimit::cli {
namespace {

Result<config::Config> config_for(const Input& input, const EvaluationOptions& options,
                                  const model::Manifest& manifest) {
  if (!options.config.empty()) return config::load(options.config);
  Survey survey;
  if (auto read = survey_inputs(input, survey, nullptr); !read) {
    return tl::unexpected(read.error());
  }
  return config_from(survey, manifest.endpoints);
}

tl::unexpected<Error> no_forecast() {
  return fail(Code::failed_precondition, "the bundle holds no forecast, only a detector");
}

/// Of ready windows, whose endpoints are their own.
void note_idle_options(const EvaluationOptions& options, std::vector<std::string>& notes) {
  for (const auto& [option, file] :
       {std::pair("--config", &options.config), {"--labels", &options.labels}}) {
    if (!file->empty())
      notes.push_back(std::string(option) +
                      " changes nothing: ready windows name their endpoints and no clients");
  }
}

Result<Evaluation> on_windows(ingest::RecordReader& reader, const model::Bundle& bundle,
                              const forecast::Shape& shape) {
  const auto grid = ready_windows(reader, shape, WindowsFor::evaluation);
  if (!grid) return tl::unexpected(grid.error());
  auto score = score_forecasts(bundle, *grid, shape);
  if (!score) return tl::unexpected(score.error());
  return Evaluation{{}, bundle.manifest, reader.report(), *std::move(score), std::nullopt};
}

Result<Evaluation> on_logs(const Input& input, const model::Bundle& bundle,
                           const forecast::Shape& shape, const EvaluationOptions& options) {
  std::optional<Labels> labels;
  if (!options.labels.empty()) {
    auto read = read_labels(options.labels);
    if (!read) return tl::unexpected(read.error());
    labels = *std::move(read);
  }
  const auto config = config_for(input, options, bundle.manifest);
  if (!config) return tl::unexpected(config.error());
  const auto history =
      read_history(input, *config, bundle,
                   {.window = shape.window, .title = "evaluating", .judge_clients = true});
  if (!history) return tl::unexpected(history.error());
  auto score = bundle.forecast ? score_forecasts(bundle, history->grid, shape)
                               : Result<ForecastScore>(no_forecast());
  if (!score) {  // the clients are worth a look all the same
    ForecastScore none;
    none.note = score.error().message;
    score = std::move(none);
  }
  return Evaluation{{},
                    bundle.manifest,
                    history->reading,
                    *std::move(score),
                    score_clients(history->clients, labels ? &*labels : nullptr)};
}

}  // namespace

Result<Evaluation> evaluate_bundle(const Input& input, const EvaluationOptions& options) {
  const auto bundle = named_bundle(options.model);
  if (!bundle) return tl::unexpected(bundle.error());
  const auto shape = options.shape.over(bundle->manifest.shape);
  if (!shape) return tl::unexpected(shape.error());
  if (auto same = check_shape(*bundle, *shape, options.model); !same) {
    return tl::unexpected(same.error());
  }
  auto reader = input.open();
  if (!reader) return tl::unexpected(reader.error());
  if (reader->is_windows() && !bundle->forecast) {
    return fail(
        Code::failed_precondition,
        options.model + ": holds no forecast to evaluate, and ready windows name no clients");
  }
  auto evaluation = reader->is_windows() ? on_windows(*reader, *bundle, *shape)
                                         : on_logs(input, *bundle, *shape, options);
  if (!evaluation) return evaluation;
  if (reader->is_windows()) note_idle_options(options, evaluation->forecast.notes);
  evaluation->bundle = options.model;
  if (options.rates.empty() || evaluation->forecast.endpoints.empty()) return evaluation;
  if (auto added = add_floors(options.rates, evaluation->forecast); !added) {
    return tl::unexpected(added.error());
  }
  return evaluation;
}

}  // namespace tidelimit::cli
