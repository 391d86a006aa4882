#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/live_gate.hpp"
#include "cli/text_table.hpp"
#include "config/config.hpp"
#include "serve/admin/json.hpp"
#include "store/bundles/bundle_archive.hpp"

namespace tidelimit::cli {
namespace {

struct ModelsOptions {
  std::string config;
  std::string folder;
  std::string return_to;
  bool release = false;
  bool as_json = false;
};

struct Place {
  std::filesystem::path folder;
  std::optional<forecast::Shape> shape;  ///< of the gate; empty: not known
};

Result<Place> place_of(const ModelsOptions& options) {
  if (options.config.empty()) {
    if (!options.folder.empty()) return Place{options.folder, {}};
    return fail(Code::invalid_argument, "name the models: --config FILE or --model BUNDLE");
  }
  const auto config = config::load(options.config);
  if (!config) return tl::unexpected(config.error());
  if (!options.folder.empty()) return Place{options.folder, config->engine.shape};
  if (config->forecast_model.empty())
    return fail(Code::invalid_argument,
                options.config + " names no model: add forecast: { model: var/model }");
  return Place{config->forecast_model, config->engine.shape};
}

std::string figure_of(const model::Manifest& manifest, const std::string& name) {
  const auto found = manifest.figures.find(name);
  return found == manifest.figures.end() ? "-" : fmt::format("{:.2f}", found->second);
}

std::string in_words(const std::vector<store::KeptBundle>& bundles, bool held) {
  using enum TextTable::Align;
  TextTable table({"version", "trained until", "error in training", "when judged", ""},
                  {left, left, right, right, left});
  for (const auto& [manifest, in_force, damage, misfit] : bundles) {
    std::string state = in_force ? (held ? "in force, held" : "in force") : "";
    if (!damage.empty()) state += (in_force ? "; damaged: " : "damaged: ") + damage;
    if (!misfit.empty()) state += (in_force ? "; not used: " : "not for this gate: ") + misfit;
    table.add({manifest.version.empty() ? "-" : manifest.version,
               damage.empty() ? format_time(manifest.trained_until) : "-",
               figure_of(manifest, "forecast_validation_mae"), figure_of(manifest, "renewal_mae"),
               state});
  }
  return table.text();
}

Result<void> run(const ModelsOptions& options) {
  const auto place = place_of(options);
  if (!place) return tl::unexpected(place.error());
  const auto& folder = place->folder;
  if (!options.return_to.empty()) {
    if (auto done = store::return_to(folder, options.return_to); !done) return done;
  } else if (options.release) {
    if (auto done = store::set_held(folder, false); !done) return done;
  }
  const auto bundles = store::kept_bundles(folder, place->shape ? &*place->shape : nullptr);
  if (!bundles) return tl::unexpected(bundles.error());
  const bool held = store::held(folder);
  std::cout << (options.as_json ? body_text(serve::versions_json(*bundles, held)) + "\n"
                                : in_words(*bundles, held));
  const auto& first = bundles->front();
  if (!first.in_force || first.damage.empty()) return {};
  return fail(
      Code::data_loss,
      "the model in force is damaged, and a gate that starts goes without it: put another in its "
      "place (--return-to VERSION, or tidelimit train)");
}

}  // namespace

void add_models(Command app, int& status) {
  auto options = std::make_shared<ModelsOptions>();
  const auto command = app.add_subcommand(
      "models", "Lists the models in force and before, and returns to one of those");
  command
      .add_option("--config", options->config,
                  "the gate's: its forecast.model is meant, and has to fit it")
      .type_name("FILE");
  command.add_option("--model", options->folder, "the models themselves, in the place of those")
      .type_name("BUNDLE");
  const auto back =
      command
          .add_option("--return-to", options->return_to,
                      "puts this one in force again; a gate takes it up within seconds, "
                      "and retraining does not replace it until --release")
          .type_name("VERSION");
  command.add_flag("--release", options->release, "lets retraining go on").excludes(back);
  command.add_flag("--json", options->as_json, "one JSON object instead of a table");
  command.callback([options, &status] {
    const auto done = run(*options);
    status = done ? kDone : exit_with("models", done.error());
  });
}

}  // namespace tidelimit::cli
