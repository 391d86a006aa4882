#include "cli/gate_start.hpp"

#include <fmt/format.h>
#include <iostream>
#include <random>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "store/bundles/bundle_folder.hpp"
#include "store/history/sqlite_history.hpp"

namespace tidelimit::cli {
namespace {

std::uint64_t fresh_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

/// They go with their age. If the length is set back before that, they are used again.
void tell_unused_windows(engine::History& history, const forecast::Shape& shape) {
  const auto unused = history.windows_unused(shape.window);
  if (!unused || *unused == 0) return;
  spdlog::warn(
      "{} stored windows are kept but not used: they are of another length than `forecast.window` "
      "({}) and can't be added up to it, so that forecasts and /v1/history begin afresh",
      *unused, format_duration(shape.window));
}

}  // namespace

sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

void start_log() {
  spdlog::set_default_logger(spdlog::stderr_logger_mt("tidelimit"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
}

Result<std::shared_ptr<engine::History>> open_history(const config::Config& config) {
  if (config.state.empty()) {
    spdlog::warn(
        "no `state` is configured: windows, verdicts, overrides and what is used of limits end "
        "with this process");
    return nullptr;
  }
  auto history = store::SqliteHistory::open(config.state, config.retention);
  if (history) return *history;
  if (history.error().code != Code::resource_exhausted) return tl::unexpected(history.error());
  // Of a gate that runs it is written again by itself; this one does not run.
  return fail(
      Code::resource_exhausted,
      fmt::format("{}: the disk is full: free space on it and start again, or name another "
                  "`state`. What is blocked or allowed by hand is kept there: without it the gate "
                  "does not start",
                  config.state.string()));
}

std::shared_ptr<store::BucketFile> open_buckets(const config::Config& config) {
  if (config.state.empty()) return nullptr;
  return std::make_shared<store::BucketFile>(config.state, fresh_seed());
}

std::shared_ptr<engine::Engine> make_engine(const config::Config& config,
                                            std::shared_ptr<engine::History> history,
                                            const serve::Clock& clock,
                                            const store::BucketFile* buckets) {
  engine::Settings settings = config.engine;
  settings.calendar_pace = clock.pace();
  const std::uint64_t start = fresh_seed();
  auto engine = std::make_shared<engine::Engine>(std::move(settings), std::move(history),
                                                 buckets ? buckets->seed() : fresh_seed(), start);
  if (const auto restored = engine->restore(clock.now()); !restored)
    spdlog::error("starting without what was stored: {}", restored.error().message);
  if (const auto history = engine->history()) tell_unused_windows(*history, config.engine.shape);
  // What can't be loaded is named by the service, which also looks for it again.
  if (auto models = store::read_models(config.forecast_model, config.anomaly_model, nullptr,
                                       store::Damaged::left_out))
    engine->set_models(models->bundle);
  return engine;
}

void announce(const serve::Service& service) {
  const config::Listen& listen = service.listening();
  std::cout << fmt::format("tidelimit answers on http://{} with {} loop{}\n",
                           format_host_port(listen.http), service.loops(),
                           service.loops() == 1 ? "" : "s");
  if (listen.grpc) std::cout << "gRPC on " << format_host_port(*listen.grpc) << '\n';
  if (listen.admin)
    std::cout << "admin calls on http://" << format_host_port(*listen.admin) << '\n';
  if (listen.metrics)
    std::cout << "metrics on http://" << format_host_port(*listen.metrics) << "/metrics\n";
  if (listen.syslog) std::cout << "access logs on udp " << format_host_port(*listen.syslog) << '\n';
  std::cout.flush();
}

}  // namespace tidelimit::cli
