#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "cli/command.hpp"
#include "cli/live_gate.hpp"

namespace tidelimit::cli {
namespace {

using nlohmann::json;

struct ModeOptions {
  LiveGate gate;
  std::string part;
  std::string mode;
  std::string duration;
  std::string reason = "set from the shell";
};

int run(const ModeOptions& options) {
  if (!options.part.empty() && options.mode.empty())
    return report({Code::invalid_argument,
                   fmt::format("what is {} to be: off, shadow or enforce?", options.part)});
  json body;
  if (!options.part.empty()) {
    body = {{options.part, options.mode}, {"reason", options.reason}};
    if (!options.duration.empty()) body["for"] = options.duration;
  }
  const auto modes = options.part.empty() ? options.gate.call("GET", "/v1/mode")
                                          : options.gate.call("PUT", "/v1/mode", body.dump());
  if (!modes) return report(modes.error());
  for (const auto& [part, mode] : modes->items())
    std::cout << fmt::format("{:<9} {}\n", part, mode.get<std::string>());
  return kDone;
}

}  // namespace

void add_mode(CLI::App& app, int& status) {
  auto options = std::make_shared<ModeOptions>();
  auto* command = app.add_subcommand(
      "mode", "Shows or sets what a running gate enforces: the way back to base limits");
  command->add_option("PART", options->part, "forecast, anomaly, rules or all")
      ->check(CLI::IsMember({"forecast", "anomaly", "rules", "all"}));
  command->add_option("MODE", options->mode, "off, shadow or enforce")
      ->check(CLI::IsMember({"off", "shadow", "enforce"}));
  command->add_option("--for", options->duration, "back to the configured mode after: 30m, 6h");
  command->add_option("--reason", options->reason, "for the log")->capture_default_str();
  options->gate.add_options(*command);
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
