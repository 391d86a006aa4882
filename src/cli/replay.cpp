#include "cli/replay.hpp"

#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <utility>

#include "cli/command.hpp"
#include "cli/drawn_file.hpp"
#include "cli/input.hpp"
#include "cli/models.hpp"
#include "cli/offline/shape_options.hpp"
#include "cli/reading_progress.hpp"
#include "config/config.hpp"
#include "engine/replay/drive.hpp"
#include "store/files/file.hpp"

namespace tidelimit::cli {
namespace {

struct ReplayOptions {
  InputOptions input;
  std::string config;
  std::string model;
  std::string against;
  std::string report;
  ShapeOptions shape;
  bool enforce = false;
  bool json = false;
  std::uint64_t seed = 1;
};

/// A configuration made ready: its engine and the models that it will use.
struct Candidate {
  std::string file;
  std::string model;
  std::unique_ptr<engine::Replay> replay;
};

Result<Candidate> prepare(const std::string& file, const ReplayOptions& options) {
  auto config = config::load(file);
  if (!config) return fail(Code::invalid_argument, config.error().message);
  auto shape = options.shape.over(config->engine.shape);
  if (!shape) return tl::unexpected(shape.error());
  config->engine.shape = *shape;
  auto models = models_for(*config, options.model);
  if (!models) return tl::unexpected(models.error());
  const auto& folder = options.model.empty() ? config->forecast_model.string() : options.model;
  if (auto same = check_shape(*models->bundle, config->engine.shape, folder); !same) {
    return tl::unexpected(same.error());
  }
  for (const auto& warning : config->warnings) print(warning + " (warning)\n", stderr);
  for (const auto& warning : models->warnings)
    print("warning: " + warning + ", going on without\n", stderr);
  if (options.enforce) config->engine.policy.mode.mode = limiter::Mode::enforce;
  return Candidate{file, models->bundle->manifest.version,
                   std::make_unique<engine::Replay>(config->engine, models->bundle,
                                                    engine::ReplayOptions{.seed = options.seed})};
}

/// Reads everything through both engines. The comparison goes from `against` to `main`.
Result<ingest::ReadReport> drive(const Input& input, Candidate& main, Candidate* against,
                                 engine::Comparison& comparison) {
  ReadingProgress progress(input, "replaying");
  auto reader = progress.open();
  if (!reader) return tl::unexpected(reader.error());
  const auto next = [&](traffic::Request& request) {
    if (!reader->next(request)) return false;
    progress.count();
    return true;
  };
  engine::Replay& replay = *main.replay;
  if (against == nullptr) {
    engine::drive(
        next, [](const auto&, const auto&) {}, replay);
  } else {
    engine::drive(
        next,
        [&](const auto& request, const auto& answers) {
          const auto& [before, now] = answers;
          comparison.add(request, *before, *now, replay.now().wall);
        },
        *against->replay, replay);
  }
  if (reader->failure()) return tl::unexpected(*reader->failure());
  return reader->report();
}

std::string names_of(const Input& input) {
  const auto& sources = input.sources();
  if (sources.size() == 1) return sources.front().name;
  return fmt::format("{} and {} more", sources.front().name, sources.size() - 1);
}

int replay(const ReplayOptions& options) {
  auto input = Input::find(options.input);
  if (!input) return exit_with("replay", input.error());
  if (auto free = require_report_place(
          options.report, *input, {{"--config", options.config}, {"--against", options.against}});
      !free) {
    return exit_with("replay", free.error());
  }
  auto main = prepare(options.config, options);
  if (!main) return exit_with("replay", main.error());
  std::optional<Candidate> against;
  if (!options.against.empty()) {
    auto other = prepare(options.against, options);
    if (!other) return exit_with("replay", other.error());
    against = *std::move(other);
  }

  Replayed replayed;
  const auto begin = std::chrono::steady_clock::now();
  auto reading = drive(*input, *main, against ? &*against : nullptr, replayed.comparison);
  if (!reading) return exit_with("replay", reading.error());
  replayed.inputs = names_of(*input);
  replayed.reading = *std::move(reading);
  replayed.main = {main->file, main->model, main->replay->finish()};
  if (against) replayed.against = {against->file, against->model, against->replay->finish()};
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  replayed.seconds = spent.count();

  print(reading_notes(replayed.reading), stderr);
  if (!options.report.empty()) {
    if (const auto written = store::write_file(options.report, replay_html(replayed)); !written) {
      return exit_with("replay", written.error());
    }
  }
  print(options.json ? replay_json(replayed) : replay_text(replayed), stdout);
  if (!options.report.empty()) print("report: " + options.report + "\n", stderr);
  return kDone;
}

}  // namespace

void add_replay(Command app, int& status) {
  auto options = std::make_shared<ReplayOptions>();
  const auto command = app.add_subcommand(
      "replay", "What these limits would have done to that traffic, on the engine that serves");
  add_input_options(command, options->input, Takes::requests);
  command.add_option("--config", options->config, "The configuration to try")
      .required()
      .type_name("FILE");
  command
      .add_option("--model", options->model,
                  "The models to use; absent: those that the configuration names")
      .type_name("BUNDLE");
  command
      .add_option("--against", options->against,
                  "Another configuration over the same traffic: says which requests are decided "
                  "otherwise, from FILE2 to --config")
      .type_name("FILE2");
  options->shape.add_to(command);
  command.add_option("--report", options->report, "Write one HTML page with plots")
      .type_name("FILE.html");
  command.add_flag("--enforce", options->enforce,
                   "Replay as if the configuration said mode: enforce");
  command.add_option("--seed", options->seed, "Keys the hashing; equal seeds decide equally")
      .capture_default_str();
  command.add_flag("--json", options->json, "Print one JSON object");
  command.callback([options, &status] { status = replay(*options); });
}

}  // namespace tidelimit::cli
