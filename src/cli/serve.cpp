#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <spdlog/spdlog.h>
#include <string>
#include <string_view>
#include <unistd.h>

#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/command.hpp"
#include "cli/gate_start.hpp"
#include "serve/admin/configurations.hpp"

namespace tidelimit::cli {
namespace {

constexpr auto kPatience = std::chrono::seconds{10};  // of a stop, for what is under way

struct ServeOptions {
  std::string config;
  unsigned loops = 0;
  std::string rehearse;  ///< "2026-11-24T17:45:00Z@120"; empty: the system's clock
};

constexpr std::uint64_t kFastestRehearsal = 3600;

/// The clock of a rehearsal, by TIME@PACE.
Result<serve::Clock> rehearsal(std::string_view words) {
  const std::size_t at = words.rfind('@');
  const auto wrong = [&](std::string_view why) {
    return fail(Code::invalid_argument,
                fmt::format("--rehearse: {}: give a time and how many times as fast the calendar "
                            "runs from there, like 2026-11-24T17:45:00Z@120",
                            why));
  };
  if (at == std::string_view::npos) return wrong(fmt::format("\"{}\" has no @", words));
  const auto begin = parse_time(words.substr(0, at));
  if (!begin) return wrong(begin.error().message);
  const auto pace = parse_uint(words.substr(at + 1));
  if (!pace || *pace < 1 || *pace > kFastestRehearsal)
    return wrong(fmt::format("\"{}\" is no whole number from 1 to {}", words.substr(at + 1),
                             kFastestRehearsal));
  return serve::Clock::rehearsal(*begin, static_cast<int>(*pace));
}

/// What names a pipe gives its text once.
Result<void> require_rereadable(const std::filesystem::path& config) {
  std::error_code unknown;
  if (!std::filesystem::is_fifo(config, unknown)) return {};
  return fail(
      Code::invalid_argument,
      config.string() +
          ": is a pipe, whose text can be read only once, and a gate reads its configuration "
          "again at every reload: write it to a file, as in envsubst < template.yaml > "
          "tidelimit.yaml, and name that");
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
  Result<serve::Clock> given = serve::Clock();
  if (!options.rehearse.empty()) given = rehearsal(options.rehearse);
  if (!given) return exit_with("serve", given.error());
  const serve::Clock& clock = *given;
  if (const auto lasts = require_rereadable(options.config); !lasts)
    return exit_with("serve", lasts.error());
  auto config = config::load(options.config);
  if (!config) return exit_with("serve", config.error());
  const sigset_t signals = block_signals();
  start_log();
  for (const auto* warnings : {&config->warnings, &config->model_warnings}) {
    for (const std::string& warning : *warnings) spdlog::warn("{}", warning);
  }
  if (!options.rehearse.empty())
    spdlog::warn("a rehearsal: by this gate's calendar (TIME@PACE) it is {}", options.rehearse);
  auto history = open_history(*config);
  if (!history) return exit_with("serve", history.error());
  auto chosen = serve::choose_configuration(options.config, history->get());
  if (!chosen) return exit_with("serve", chosen.error());
  if (!chosen->ended.empty()) spdlog::warn("the configuration is held no more: {}", chosen->ended);
  if (chosen->hold) spdlog::warn("configuration {}", serve::in_words(*chosen->hold));
  *config = std::move(chosen->config);
  // The calendar of a rehearsal does not tell how long the gate was away.
  const auto buckets = options.rehearse.empty() ? open_buckets(*config) : nullptr;
  auto engine = make_engine(*config, std::move(*history), clock, buckets.get());
  auto service = serve::Service::start(std::move(*config), std::move(engine), clock,
                                       {.loops = options.loops, .buckets = buckets});
  if (!service) return exit_with("serve", service.error());
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

void add_serve(Command app, int& status) {
  auto options = std::make_shared<ServeOptions>();
  const auto command = app.add_subcommand(
      "serve", "Answers requests by the configuration's limits, the forecasts and the verdicts");
  command.add_option("--config", options->config, "the configuration (YAML)").required();
  command
      .add_option("--loops", options->loops, "event loops; default: one for each CPU it may run on")
      .between(1u, 1024u);
  command.add_option(
      "--rehearse", options->rehearse,
      "TIME@PACE: the calendar begins at TIME and runs PACE times as fast as real time, so that "
      "windows, forecasts and planned times pass in minutes; limits and latencies stay real");
  command.callback([options, &status] { status = run(*options); });
}

}  // namespace tidelimit::cli
