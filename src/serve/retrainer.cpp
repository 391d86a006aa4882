#include "serve/retrainer.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <spdlog/spdlog.h>
#include <utility>

#include "forecast/model.hpp"
#include "model/shape_misfit.hpp"
#include "serve/net/join_within.hpp"
#include "serve/safely.hpp"
#include "store/bundles/bundle_archive.hpp"
#include "store/bundles/bundle_folder.hpp"

namespace tidelimit::serve {
namespace {

constexpr const char* kPart = "retraining";
/// Between two trainings for drift: what came since must have had time to differ.
constexpr Nanos kAfterDrift = std::chrono::hours{6};
/// Between two looks at a bundle that could not be read.
constexpr Nanos kReadAgain = std::chrono::minutes{1};

/// Ends a training that nobody waits for any more.
struct Abandoned {};

/// When the bundle in force came to its place; empty: there is none.
std::optional<WallTime> placed_at(const std::filesystem::path& folder) {
  std::error_code why;
  const auto time = std::filesystem::last_write_time(folder / model::kManifestName, why);
  if (why) return std::nullopt;
  return std::chrono::time_point_cast<Nanos>(std::chrono::file_clock::to_sys(time));
}

/// Of the bundle that stands there; empty: there is none.
std::string version_at(const std::filesystem::path& folder) {
  const auto bundle = store::read_bundle(folder);
  if (bundle) return bundle->manifest.version;
  return placed_at(folder) ? "damaged" : "";
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
    look_safely();
    lock.lock();
  }
  done_ = true;
  changed_.notify_all();
}

void Retrainer::look_safely() {
  const Now now = clock_.now();
  const auto looked = safely([&]() -> Result<void> {
    look(now);
    return {};
  });
  if (looked) return;
  read_again_ = now.mono + kReadAgain;
  tell(Ending::failed, looked.error().message);
}

void Retrainer::look(Now now) {
  const auto settings = settings_.current();
  const config::Config& config = settings->config;
  const bool waits = read_again_ && now.mono < *read_again_;
  const std::string why = waits ? "" : due(config, now.wall);
  if (!waits && (read_again_ || !why.empty())) {
    auto bundle = read_running(config, now.mono);
    if (bundle && !why.empty()) retrain(config, now.wall, why, *std::move(bundle));
  }
  next_ = next_after(config, now.wall);
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
  return since ? std::max(*since + *every, now) : now;
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
  if (std::isinf(*growth)) return "the model drifted: its forecasts are no numbers any more";
  return fmt::format("the model drifted: its error is {:.1f} times that of its training", *growth);
}

/// The bundle that a training would replace; an empty one where there is none. What can't be read
/// is no attempt: it is looked at again soon, and the note of it ends when it can be.
Result<model::Bundle> Retrainer::read_running(const config::Config& config, Instant now) {
  const auto& folder = config.forecast_model;
  Result<model::Bundle> read = model::Bundle{};
  if (placed_at(folder)) read = store::read_bundle(folder);
  if (read) {
    // What the gate refuses is not what runs: nothing can be judged against it.
    const std::string refusal =
        model::shape_refusal(*read, engine_.models().get(), config.engine.shape);
    if (!refusal.empty()) read = fail(Code::failed_precondition, folder.string() + ": " + refusal);
  }
  if (!read) {
    read_again_ = now + kReadAgain;
    if (notes_.set(kPart, read.error().message))
      ++counts_[static_cast<std::size_t>(Ending::failed)];
  } else if (std::exchange(read_again_, std::nullopt)) {
    notes_.clear(kPart);
  }
  return read;
}

void Retrainer::retrain(const config::Config& config, WallTime now, const std::string& why,
                        model::Bundle bundle) {
  spdlog::info("retraining the forecast: {}", why);
  last_ = now;
  next_ = next_after(config, now);
  since_ = now;
  try {
    const auto done = attempt(config, now, std::move(bundle));
    if (!done) tell(Ending::failed, done.error().message);
  } catch (const Abandoned&) {
    spdlog::info("retraining ends unfinished: the gate stops");
  } catch (const std::exception& fault) {
    tell(Ending::failed, fault.what());
  }
  since_ = kNever;
}

Result<void> Retrainer::attempt(const config::Config& config, WallTime now, model::Bundle bundle) {
  const auto history = engine_.history();
  if (history == nullptr) return fail(Code::failed_precondition, "no windows are stored");
  const forecast::Shape& shape = config.engine.shape;
  const auto grid =
      history->windows(now - config.retrain.history, shape.window, endpoint_names(config), now);
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
  return conclude(config, std::move(bundle), *renewal);
}

/// `bundle` is what was read before the training, which is what the renewal was judged against; by
/// now something else may stand there.
Result<void> Retrainer::conclude(const config::Config& config, model::Bundle bundle,
                                 const forecast::Renewal& renewal) {
  const auto& folder = config.forecast_model;
  const store::BundleLock lock(folder);
  if (store::held(folder)) {
    tell(Ending::kept, "the running model stays: it was chosen by hand meanwhile");
    return {};
  }
  if (version_at(folder) != bundle.manifest.version) {
    tell(Ending::kept,
         "the new model is dropped: another was installed meanwhile, and the next one is judged "
         "against that");
    return {};
  }
  const forecast::Shape& shape = config.engine.shape;
  const std::string figures =
      fmt::format("mean absolute error {:.2f} requests per {} against {:.2f}, over {} forecasts",
                  renewal.fresh_error, format_duration(shape.horizon), renewal.running_error,
                  renewal.forecasts);
  if (!renewal.better()) {
    tell(Ending::kept, "the running model stays: the new one is not closer, " + figures);
    return {};
  }
  if (bundle.forecast == nullptr) bundle.manifest.preset = "best";
  bundle.forecast = renewal.model;
  std::vector<std::string> endpoints;
  for (const auto& endpoint : bundle.forecast->endpoints) endpoints.push_back(endpoint.name);
  model::describe_forecast(bundle, shape, renewal.trained_from, renewal.trained_until,
                           std::move(endpoints));
  bundle.manifest.figures["renewal_mae"] = renewal.fresh_error;
  bundle.manifest.figures["renewal_mae_before"] = renewal.running_error;
  if (auto placed = store::replace_bundle(lock, bundle); !placed)
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
