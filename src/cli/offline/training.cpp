#include "cli/offline/training.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <thread>
#include <unistd.h>

#include "anomaly/dated_training.hpp"
#include "anomaly/detector_model.hpp"
#include "base/endpoint_name.hpp"
#include "base/figures.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/offline/passes.hpp"
#include "cli/progress_bar.hpp"
#include "forecast/model.hpp"
#include "forecast/renewal.hpp"

namespace tidelimit::cli {
namespace {

/// Epochs as a bar on a terminal, as lines elsewhere.
class TrainingProgress {
 public:
  void show(const forecast::Progress& progress) {
    std::string note =
        fmt::format("epoch {}/{}  loss {:.4f}", progress.epoch, progress.epochs, progress.loss);
    if (progress.validation_loss)
      note += fmt::format("  validation {:.4f}", *progress.validation_loss);
    if (bar_.visible()) {
      bar_.show(progress.done_ratio, note);
    } else if (progress.epoch != epoch_) {
      print(note + "\n", stderr);
    }
    epoch_ = progress.epoch;
  }

 private:
  ProgressBar bar_{"training"};
  int epoch_ = 0;
};

Result<config::Config> named_config(const TrainingOptions& options) {
  if (options.config.empty()) return config::defaults();
  auto config = config::load(options.config);
  if (!config) return tl::unexpected(config.error());
  for (const auto& warning : config->warnings) print(warning + " (warning)\n", stderr);
  return config;
}

/// Names whose windows are known and all empty, for whoever wonders why the model has not got them.
std::string silent_note(const traffic::WindowGrid& grid) {
  std::vector<std::string> silent;
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    const auto& row = grid.stats[e];
    if (grid.endpoints[e] != kOtherEndpoint &&
        std::all_of(row.begin(), row.end(), [](const auto& w) { return w.requests <= 0; })) {
      silent.push_back(printable(grid.endpoints[e], 40));
    }
  }
  if (silent.empty()) return {};
  return fmt::format("note: no window of {} has a request: nothing is learnt of {}\n",
                     fmt::join(silent, ", "), silent.size() == 1 ? "it" : "them");
}

Result<void> train_forecast(model::Bundle& bundle, const traffic::WindowGrid& grid,
                            const forecast::Shape& shape, const TrainingOptions& options) {
  forecast::TrainOptions how;
  how.shape = shape;
  how.preset = options.preset == "baseline" ? forecast::Preset::baseline : forecast::Preset::best;
  how.seed = options.seed;
  how.epochs = options.epochs;
  how.threads = options.threads > 0
                    ? options.threads
                    : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  TrainingProgress progress;
  auto trained = forecast::train(grid, how, [&](const forecast::Progress& p) { progress.show(p); });
  if (!trained) return tl::unexpected(trained.error());
  bundle.forecast = *std::move(trained);
  bundle.manifest.preset = options.preset;
  model::describe_forecast(bundle, shape, grid.start, grid.time_of(grid.size()), grid.endpoints);
  return {};
}

Result<void> train_detector(model::Bundle& bundle, anomaly::FeatureSampler& sampler,
                            const config::Config& config, const TrainingOptions& options) {
  anomaly::TrainOptions how;
  how.setting = anomaly::Setting::best;
  how.contamination = config.engine.policy.anomaly.contamination;
  how.false_alarms = config.engine.policy.anomaly.false_alarms;
  how.seed = options.seed;
  const auto& rows = sampler.rows();
  how.tiers = sampler.tiers();
  auto trained = anomaly::train(rows, sampler.days(), how);
  if (!trained) return tl::unexpected(trained.error());
  bundle.anomaly = *std::move(trained);
  const auto& parts = bundle.anomaly->parts();
  auto& figures = bundle.manifest.figures;
  figures["client_minutes"] = static_cast<double>(sampler.client_minutes());
  figures["anomaly_rows"] = static_cast<double>(parts.rows);
  figures["anomaly_rows_aside"] = static_cast<double>(parts.rows_aside + sampler.rows_aside());
  figures["anomaly_threshold"] = parts.threshold;
  figures["anomaly_harm_error_ratio"] = parts.harm.error_ratio;
  figures["anomaly_harm_failed_paths"] = parts.harm.failed_paths;
  figures["anomaly_harm_requests_per_minute"] = parts.harm.requests_per_minute;
  figures["anomaly_plain_requests_per_minute"] = parts.harm.plain_requests_per_minute;
  return {};
}

Result<model::Bundle> train_on_windows(ingest::RecordReader& reader, const forecast::Shape& shape,
                                       const TrainingOptions& options) {
  const auto grid = ready_windows(reader, shape, WindowsFor::training);
  if (!grid) return tl::unexpected(grid.error());
  print(reading_notes(reader.report()), stderr);
  if (options.detector_alone) {
    return fail(Code::invalid_argument,
                "--no-forecast: ready windows name no clients, so nothing is left to train");
  }
  print("ready windows name no clients: only the forecast is trained\n", stderr);
  if (!options.labels.empty()) print("note: and so --labels changes nothing\n", stderr);
  print(silent_note(*grid), stderr);
  model::Bundle bundle;
  if (auto done = train_forecast(bundle, forecast::worth_forecasting(*grid), shape, options);
      !done) {
    return tl::unexpected(done.error());
  }
  return bundle;
}

/// What the forecast else says of a bundle. A log of too few hours for one may well show what
/// clients do.
void keep_detector_alone(model::Bundle& bundle, const Survey& survey,
                         const traffic::WindowGrid& grid, const forecast::Shape& shape) {
  auto& manifest = bundle.manifest;
  manifest.preset = "none: no forecast";
  manifest.shape = shape;
  manifest.trained_from = survey.first();
  manifest.trained_until = survey.last();
  manifest.endpoints = grid.endpoints;
  manifest.figures["windows"] = static_cast<double>(grid.size());
}

/// Attackers are few: where a good part of a log seems to be theirs, either it was a bad time to
/// learn from, or the detector takes customers for them.
/// What labels call malicious is known, and not the detector's finding.
std::string aside_note(const TrafficHistory& history) {
  constexpr double kAsideMost = 0.05;
  const std::uint64_t found = history.malicious_requests - history.labelled_requests;
  const auto all = static_cast<double>(std::max<std::uint64_t>(history.reading.requests, 1));
  const double ratio = static_cast<double>(found) / all;
  if (ratio <= kAsideMost) return {};
  const std::string labelled =
      history.labelled_requests == 0
          ? ""
          : fmt::format(", and another {:.0f} % from those that are labelled so",
                        100 * static_cast<double>(history.labelled_requests) / all);
  return fmt::format(
      "{:.0f} % of the requests come from clients that this detector calls malicious in the very "
      "log it learnt from{}:\nlook at the former with `tidelimit explain`, and name the good ones "
      "with --labels\n",
      100 * ratio, labelled);
}

/// Times may differ by so much from their order without harm: a client's figures are kept by the
/// minute.
Result<void> check_order(const Survey& survey, const ingest::ReadReport& reading) {
  if (survey.a_minute_behind() * 2 <= reading.requests) return {};
  return fail(
      Code::failed_precondition,
      fmt::format("{} of {} requests are more than a minute older than one before them: the "
                  "detector of odd clients learns from minutes in their order, and would "
                  "see hardly any of these; sort the input by time",
                  grouped(survey.a_minute_behind()), grouped(reading.requests)));
}

/// Which part suffers.
std::string order_note_of(const ingest::ReadReport& reading) {
  const std::string note = order_note(reading);
  return note.empty() ? note
                      : note +
                            "      the detector of odd clients sees fewer minutes of them than "
                            "there were; the windows of the forecast are right\n";
}

/// Of too few rows no level of harm can be drawn.
bool reads_back(const model::Bundle& bundle) {
  const auto files = model::encode(bundle);
  return files && model::decode(*files);
}

Result<model::Bundle> train_on_logs(const Input& input, config::Config config,
                                    const forecast::Shape& shape, const TrainingOptions& options) {
  model::Bundle bundle;
  Survey survey;
  anomaly::SamplerOptions drawing;
  drawing.seed = options.seed;
  Labels labels;
  if (!options.labels.empty()) {
    auto read = read_labels(options.labels);
    if (!read) return tl::unexpected(read.error());
    labels = *std::move(read);
    drawing.known_malicious = [&](const ClientId& client) {
      return labels.known_malicious(client);
    };
  }
  anomaly::FeatureSampler sampler(drawing);
  const auto reading = survey_inputs(input, survey, &sampler);
  if (!reading) return tl::unexpected(reading.error());
  print(reading_notes(*reading) + order_note_of(*reading), stderr);
  if (auto fit = check_order(survey, *reading); !fit) return tl::unexpected(fit.error());
  if (auto done = train_detector(bundle, sampler, config, options); !done) {
    return tl::unexpected(done.error());
  }
  if (options.config.empty()) config = config_from(survey);
  const auto history = read_history(
      input, config, bundle, {.window = shape.window, .title = "counting", .labels = &labels});
  if (!history) return tl::unexpected(history.error());
  print(aside_note(*history), stderr);
  print(history->steady_suspects, stderr);
  const auto grid = forecast::worth_forecasting(history->grid);
  if (options.detector_alone) {
    keep_detector_alone(bundle, survey, history->grid, shape);
    if (!reads_back(bundle))
      return fail(Code::failed_precondition,
                  "the log is too short for a detector: it takes some thousand client-minutes");
  } else if (auto done = train_forecast(bundle, grid, shape, options); !done) {
    Error error = std::move(done.error());
    if (error.code == Code::failed_precondition)
      error.message += "; --no-forecast trains the detector of odd clients alone";
    return tl::unexpected(std::move(error));
  }
  auto& figures = bundle.manifest.figures;
  figures["requests"] = static_cast<double>(reading->requests);
  figures["malicious_requests_aside"] = static_cast<double>(history->malicious_requests);
  figures["verdicts"] = static_cast<double>(history->verdicts);
  return bundle;
}

}  // namespace

Result<model::Bundle> train_models(const Input& input, const TrainingOptions& options) {
  auto config = named_config(options);
  if (!config) return tl::unexpected(config.error());
  const auto shape = options.shape.over(config->engine.shape);
  if (!shape) return tl::unexpected(shape.error());
  auto reader = input.open();
  if (!reader) return tl::unexpected(reader.error());
  if (reader->is_windows()) return train_on_windows(*reader, *shape, options);
  return train_on_logs(input, *std::move(config), *shape, options);
}

}  // namespace tidelimit::cli
