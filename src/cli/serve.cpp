#include <iostream>
#include <memory>
#include <spdlog/spdlog.h>
#include <string>
#include <unistd.h>

#include "cli/command.hpp"
#include "cli/gate_start.hpp"

namespace tidelimit::cli {
namespace {

constexpr auto kPatience = std::chrono::seconds{10};  // of a stop, for what is under way

struct ServeOptions {
  std::string config;
  unsigned loops = 0;
};

/// Waits for the signal that ends it; SIGHUP reads the configuration anew.
void wait_for_the_end(serve::Service& service, const sigset_t& signals) {
  const timespec second{.tv_sec = 1, .tv_nsec = 0};
  while (true) {
    const int signal = sigtimedwait(&signals, nullptr, &second);
    if (signal == SIGHUP) service.reload();
    if (signal == SIGTERM || signal == SIGINT) return;
    service.watch();
  }
}

int run(const ServeOptions& options) {
  auto config = config::load(options.config);
  if (!config) {
    std::cerr << config.error().message << '\n';
    return kUsage;
  }
  const sigset_t signals = block_signals();
  start_log();
  for (const auto* warnings : {&config->warnings, &config->model_warnings}) {
    for (const std::string& warning : *warnings) spdlog::warn("{}", warning);
  }
  const serve::Clock clock;
  auto history = open_history(*config);
  if (!history) {
    std::cerr << "tidelimit: " << history.error().message << '\n';
    return kUsage;
  }
  auto engine = make_engine(*config, std::move(*history), clock);
  auto service =
      serve::Service::start(std::move(*config), std::move(engine), clock, {.loops = options.loops});
  if (!service) {
    std::cerr << "tidelimit: " << service.error().message << '\n';
    return kUsage;
  }
  announce(**service);
  wait_for_the_end(**service, signals);
  spdlog::info("stopping: finishing what is under way");
  if (!(*service)->stop(kPatience)) {
    spdlog::error("something hung; leaving without it");
    spdlog::shutdown();
    _exit(kFailed);
  }
  spdlog::info("stopped");
  return kDone;
}

}  // namespace

void add_serve(CLI::App& app, int& status) {
  auto options = std::make_shared<ServeOptions>();
  auto* command = app.add_subcommand(
      "serve", "Answers requests by the configuration's limits, the forecasts and the verdicts");
  command->add_option("--config", options->config, "the configuration (YAML)")->required();
  command
      ->add_option("--loops", options->loops,
                   "event loops; default: one for each CPU it may run on")
      ->check(CLI::Range(1u, 1024u));
  command->callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
