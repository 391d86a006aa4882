#include "serve/retrainer.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <spdlog/spdlog.h>

#include "forecast/model.hpp"
#include "forecast/renewal.hpp"
#include "serve/net/join_within.hpp"
#include "store/bundles/bundle_archive.hpp"
#include "store/bundles/bundle_folder.hpp"

namespace tidelimit::serve {
namespace {

constexpr const char* kPart = "retraining";
/// Between two trainings for drift: what came since must have had time to differ.
constexpr Nanos kAfterDrift = std::chrono::hours{6};

/// Ends a training that nobody waits for any more.
struct Abandoned {};

/// When the bundle in force came to its place; empty: there is none.
std::optional<WallTime> placed_at(const std::filesystem::path& folder) {
  std::error_code why;
  const auto time = std::filesystem::last_write_time(folder / model::kManifestName, why);
  if (why) return std::nullopt;
  return std::chrono::time_point_cast<Nanos>(std::chrono::file_clock::to_sys(time));
}

std::vector<std::string> endpoint_names(const config::Config& config) {
  std::vector<std::string> names;
  for (const auto& endpoint : config.engine.policy.endpoints) names.push_back(endpoint.name);
  return names;
}

}  // namespace

const char* Retrainer::to_string(Ending ending) {
  switch (ending) {
    case Ending::taken:
      return "taken";
    case Ending::kept:
      return "kept";
    case Ending::failed:
      return "failed";
  }
  return "";
}

Retrainer::Retrainer(engine::Engine& engine, const SettingsSlot& settings, const Clock& clock,
                     Notes& notes, Nanos look)
    : engine_(engine), settings_(settings), clock_(clock), notes_(notes), look_(look) {}

Retrainer::~Retrainer() {
  if (thread_.joinable()) (void)stop(std::chrono::hours{1});
}

void Retrainer::start() {
  thread_ = std::thread([this] { run(); });
  (void)pthread_setname_np(thread_.native_handle(), "retrain");
}

void Retrainer::abandon() {
  std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

bool Retrainer::stop(std::chrono::milliseconds patience) {
  abandon();
  std::unique_lock lock(mutex_);
  return join_within(patience, thread_, lock, changed_, done_);
}

void Retrainer::run() {
  const sched_param lowest{};
  // Threads that a library starts from here are as patient.
  if (sched_setscheduler(0, SCHED_IDLE, &lowest) != 0)
    spdlog::warn("retraining runs at the priority of all else: SCHED_IDLE is refused");
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, clock_.real(look_), [this] { return stopping_.load(); });
    if (stopping_) break;
    lock.unlock();
    look();
    lock.lock();
  }
  done_ = true;
  changed_.notify_all();
}

void Retrainer::look() {
  const auto settings = settings_.current();
  const config::Config& config = settings->config;
  const WallTime now = clock_.now().wall;
  const std::string why = due(config, now);
  if (!why.empty()) retrain(config, now, why);
  next_ = next_after(config, now);
}

/// When the model in force came to its place, or its renewal was last tried; empty: neither. The
/// time of its file may be ahead of the clock, for a rehearsal begins at any time: then it is as if
/// it had come when it was first seen.
std::optional<WallTime> Retrainer::renewed_at(const std::filesystem::path& folder, WallTime now) {
  auto placed = placed_at(folder);
  if (!placed || *placed <= now) {
    ahead_.reset();
  } else {
    if (!ahead_ || ahead_->placed != *placed) ahead_ = {*placed, now};
    placed = ahead_->seen;
  }
  return std::max(last_, placed);
}

WallTime Retrainer::next_after(const config::Config& config, WallTime now) {
  const auto& every = config.retrain.every;
  if (!every || store::held(config.forecast_model)) return kNever;
  const auto since = renewed_at(config.forecast_model, now);
  return since ? *since + *every : now;
}

std::string Retrainer::due(const config::Config& config, WallTime now) {
  const config::Retraining& wanted = config.retrain;
  if (!wanted.wanted() || store::held(config.forecast_model)) return {};
  const auto since = renewed_at(config.forecast_model, now);
  if (wanted.every && (!since || now - *since >= *wanted.every))
    return fmt::format("every {}", format_duration(*wanted.every));
  if (!wanted.on_drift || (since && now - *since < kAfterDrift)) return {};
  const auto models = engine_.models();
  const auto status = engine_.status();
  if (models == nullptr || models->forecast == nullptr || status == nullptr) return {};
  const auto growth = forecast::error_growth(*models->forecast, status->forecasts);
  if (!growth || *growth < forecast::kDrift) return {};
  return fmt::format("the model drifted: its error is {:.1f} times that of its training", *growth);
}

void Retrainer::retrain(const config::Config& config, WallTime now, const std::string& why) {
  spdlog::info("retraining the forecast: {}", why);
  last_ = now;
  try {
    const auto done = attempt(config, now);
    if (!done) tell(Ending::failed, done.error().message);
  } catch (const Abandoned&) {
    spdlog::info("retraining ends unfinished: the gate stops");
  } catch (const std::exception& fault) {
    tell(Ending::failed, fault.what());
  }
}

Result<void> Retrainer::attempt(const config::Config& config, WallTime now) {
  const auto history = engine_.history();
  if (history == nullptr) return fail(Code::failed_precondition, "no windows are stored");
  const auto& folder = config.forecast_model;
  model::Bundle bundle;
  if (placed_at(folder)) {
    auto running = store::read_bundle(folder);
    if (!running) return tl::unexpected(running.error());
    bundle = *std::move(running);
  }
  const forecast::Shape& shape = config.engine.shape;
  const auto grid =
      history->windows(now - config.retrain.history, shape.window, endpoint_names(config));
  if (!grid) return tl::unexpected(grid.error());

  const bool comparable = bundle.forecast != nullptr && bundle.manifest.shape == shape;
  forecast::TrainOptions how;
  how.shape = shape;
  if (bundle.forecast != nullptr) how.preset = bundle.forecast->preset;
  how.threads = 1;
  how.between_steps = [this] {
    if (stopping_) throw Abandoned{};
  };
  const auto renewal = forecast::renew(*grid, comparable ? bundle.forecast.get() : nullptr,
                                       bundle.manifest.trained_until, how);
  if (!renewal) return tl::unexpected(renewal.error());
  const std::string figures =
      fmt::format("mean absolute error {:.2f} requests per {} against {:.2f}, over {} forecasts",
                  renewal->fresh_error, format_duration(shape.horizon), renewal->running_error,
                  renewal->forecasts);
  if (!renewal->better()) {
    tell(Ending::kept, "the running model stays: the new one is not closer, " + figures);
    return {};
  }
  const bool had_forecast = bundle.forecast != nullptr;
  bundle.forecast = renewal->model;
  auto& manifest = bundle.manifest;
  if (!had_forecast) manifest.preset = "best";
  std::vector<std::string> endpoints;
  for (const auto& endpoint : bundle.forecast->endpoints) endpoints.push_back(endpoint.name);
  model::describe_forecast(bundle, shape, renewal->trained_from, renewal->trained_until,
                           std::move(endpoints));
  manifest.figures["renewal_mae"] = renewal->fresh_error;
  manifest.figures["renewal_mae_before"] = renewal->running_error;
  if (store::held(folder)) {
    tell(Ending::kept, "the running model stays: it was chosen by hand meanwhile, " + figures);
    return {};
  }
  if (auto placed = store::replace_bundle(folder, bundle); !placed)
    return tl::unexpected(placed.error());
  tell(Ending::taken, "a new model takes over: " + figures);
  return {};
}

void Retrainer::tell(Ending ending, const std::string& words) {
  ++counts_[static_cast<std::size_t>(ending)];
  if (ending == Ending::failed) {
    notes_.set(kPart, words);
    return;
  }
  notes_.clear(kPart);
  spdlog::info("retraining: {}", words);
}

}  // namespace tidelimit::serve
