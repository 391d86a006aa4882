#include <csignal>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <random>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <string>
#include <unistd.h>

#include "cli/command.hpp"
#include "config/config.hpp"
#include "serve/control.hpp"
#include "serve/service.hpp"
#include "store/history/sqlite_history.hpp"

namespace tidelimit::cli {
namespace {

constexpr auto kPatience = std::chrono::seconds{10};  // of a stop, for what is under way

struct ServeOptions {
  std::string config;
  unsigned loops = 0;
};

/// Signals are taken by sigtimedwait in this thread; blocked before any other thread begins, so
/// that all of them inherit it.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

std::uint64_t fresh_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

/// Null without a `state`. A damaged file is moved aside and a new one begun, with a word in the
/// log: a broken store must not keep the gate shut. One that can't be written at all is a mistake
/// to mend before starting.
Result<std::shared_ptr<engine::History>> open_history(const config::Config& config) {
  if (config.state.empty()) {
    spdlog::warn("no `state` is configured: windows, verdicts and overrides end with this process");
    return nullptr;
  }
  auto history = store::SqliteHistory::open(config.state, config.retention);
  if (!history) return tl::unexpected(history.error());
  return *history;
}

std::shared_ptr<engine::Engine> make_engine(const config::Config& config,
                                            std::shared_ptr<engine::History> history,
                                            const serve::Clock& clock) {
  auto engine = std::make_shared<engine::Engine>(config.engine, std::move(history), fresh_seed());
  if (const auto restored = engine->restore(clock.now()); !restored)
    spdlog::error("starting without what was stored: {}", restored.error().message);
  if (auto models = serve::load_models(config)) {
    engine->set_models(*models);
  } else {
    spdlog::warn("starting without models, limits stay at base: {}", models.error().message);
  }
  return engine;
}

void announce(const serve::Service& service) {
  const config::Listen& listen = service.listening();
  std::cout << fmt::format("tidelimit answers on http://{} with {} loop{}\n",
                           config::format_host_port(listen.http), service.loops(),
                           service.loops() == 1 ? "" : "s");
  if (listen.admin)
    std::cout << "admin calls on http://" << config::format_host_port(*listen.admin) << '\n';
  if (listen.metrics)
    std::cout << "metrics on http://" << config::format_host_port(*listen.metrics) << "/metrics\n";
  if (listen.syslog)
    std::cout << "access logs on udp " << config::format_host_port(*listen.syslog) << '\n';
  std::cout.flush();
}

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
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tidelimit"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
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
  auto service = serve::Service::start(std::move(*config), std::move(engine), clock,
                                       {.loops = options.loops});
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
