#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <string>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/input.hpp"
#include "cli/offline/training.hpp"
#include "store/bundles/bundle_archive.hpp"
#include "store/bundles/bundle_folder.hpp"

namespace tidelimit::cli {
namespace {

struct TrainOptions {
  InputOptions input;
  std::string output;
  TrainingOptions training;
};

/// Names that may come from rows of windows: no terminal is told what their bytes say.
std::string names_of(const std::vector<std::string>& endpoints) {
  std::string names;
  for (const std::string& name : endpoints)
    names += (names.empty() ? "" : " ") + printable(name, 60);
  return names;
}

std::string summary(const std::string& folder, const model::Manifest& manifest) {
  std::string text =
      fmt::format("{}: trained on {} to {}, {} windows of {}\n", folder,
                  format_time(manifest.trained_from), format_time(manifest.trained_until),
                  manifest.figures.at("windows"), format_duration(manifest.shape.window));
  const auto figure = [&](const char* name) { return manifest.figures.at(name); };
  const bool forecasts = manifest.figures.contains("forecast_validation_mae");
  if (forecasts) {
    text += fmt::format(
        "forecast   preset {}, endpoints {}; mean absolute error {:.2f} requests per {} "
        "on the newest part, which early stopping looked at\n",
        manifest.preset, names_of(manifest.endpoints), figure("forecast_validation_mae"),
        format_duration(manifest.shape.horizon));
  } else {
    text += "forecast   none\n";
  }
  if (manifest.figures.contains("anomaly_rows")) {
    text += fmt::format("anomalies  {} client-minutes drawn of {}", figure("anomaly_rows"),
                        figure("client_minutes"));
    text += forecasts ? fmt::format("; {} requests of malicious clients kept out of the forecast\n",
                                    figure("malicious_requests_aside"))
                      : "\n";
  }
  return text;
}

Result<std::string> train(const TrainOptions& options) {
  // Before the work of minutes, not after it.
  if (auto place = store::check_bundle_place(options.output); !place) {
    return tl::unexpected(place.error());
  }
  const auto input = Input::find(options.input, Passes::several);
  if (!input) return tl::unexpected(input.error());
  const auto bundle = train_models(*input, options.training);
  if (!bundle) return tl::unexpected(bundle.error());
  if (auto written = store::replace_bundle(options.output, *bundle); !written) {
    return tl::unexpected(written.error());
  }
  std::string told = summary(options.output, bundle->manifest);
  if (!store::held(options.output)) return told;
  // What was held was chosen by hand; this one is chosen by hand, too, and later.
  if (auto released = store::set_held(options.output, false); !released)
    return tl::unexpected(released.error());
  return told + "the hold on the model before it has ended: retraining may replace this one\n";
}

int run(const TrainOptions& options) {
  const auto told = train(options);
  if (!told) return exit_with("train", told.error());
  std::cout << *told;
  return kDone;
}

}  // namespace

void add_train(Command app, int& status) {
  auto options = std::make_shared<TrainOptions>();
  const auto command =
      app.add_subcommand("train", "Learns the forecast and the detector of odd clients from logs");
  add_input_options(command, options->input, Takes::windows_too);
  auto& training = options->training;
  command.add_option("-o,--output", options->output, "The folder for the trained models")
      .required()
      .type_name("BUNDLE");
  command
      .add_option("--config", training.config,
                  "Endpoints, tiers and rules; absent: as the logs show them")
      .type_name("FILE");
  command
      .add_option("--labels", training.labels,
                  "What you know of clients: malicious ones teach nothing, good ones count as "
                  "demand whatever the detector finds")
      .type_name("FILE");
  const auto preset = command
                          .add_option("--preset", training.preset,
                                      "baseline (24 h, LSTM 64, 50 epochs, batch 32) or best")
                          .among({"baseline", "best"})
                          .capture_default_str();
  const auto alone = command
                         .add_flag("--no-forecast", training.detector_alone,
                                   "Train the detector alone: a log of some hours is enough")
                         .excludes(preset);
  training.shape.add_to(command);
  command.add_option("--seed", training.seed, "Equal seeds and inputs give equal models")
      .capture_default_str();
  command.add_option("--threads", training.threads, "0: one for each CPU")
      .between(0, 256)
      .capture_default_str();
  command.add_option("--epochs", training.epochs, "0: the preset's own")
      .between(0, 10'000)
      .capture_default_str()
      .excludes(alone);
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
