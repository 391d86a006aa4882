#include <algorithm>
#include <exception>
#include <fmt/format.h>

#include "engine/control.hpp"
#include "forecast/past.hpp"

namespace tidelimit::engine {

const forecast::ForecastModel* Engine::Control::forecaster() const {
  return models ? models->forecast.get() : nullptr;
}

void Engine::Control::take_models() {
  std::shared_ptr<const model::Bundle> given;
  {
    std::lock_guard lock(given_mutex);
    given = models_given;
  }
  if (given == models) return;
  const auto before = forecaster();
  models = std::move(given);
  if (forecaster() != before) {
    forecast_due = true;
    memory = {};
  }
  changed = true;
}

std::vector<forecast::EndpointForecast> Engine::Control::predict(
    const forecast::ForecastModel* model, std::string& trouble) {
  const traffic::WindowGrid& own = windows.closed();
  try {
    // A young gate has nothing else from before: what the model keeps of its training stands in.
    if (model != nullptr && model->past.size() > 0 && model->past.start < own.start)
      return forecast::predict_next(model, forecast::with_past(model->past, own), settings.shape,
                                    memory);
    return forecast::predict_next(model, own, settings.shape, memory);
  } catch (const std::exception& fault) {  // of the libraries below
    memory = {};
    trouble = fmt::format("forecast: {}", fault.what());
    return {};
  }
}

/// Reads windows and models without the mutex: only a turn changes them, and this is one.
void Engine::Control::forecast(Now now, std::unique_lock<std::mutex>& lock) {
  forecast_due = false;
  changed = true;
  forecast_trouble.clear();
  if (windows.closed().size() == 0) {
    forecasts.clear();
    return;
  }
  lock.unlock();
  std::string trouble;
  auto made = predict(forecaster(), trouble);
  std::string fallback_trouble;
  if (!trouble.empty()) made = predict(nullptr, fallback_trouble);
  if (!fallback_trouble.empty()) trouble += "; without a model, too: " + fallback_trouble;
  lock.lock();
  forecast_trouble = std::move(trouble);
  forecasts = std::move(made);
  // As old as the windows they know: after a restart that may be a while.
  const WallTime known = windows.start_of(windows.first_open()) + kGrace;
  forecasts_at = now.mono - std::max(now.wall - known, Nanos{0});
  forecast_record.published(forecasts);
  keeper.forecasts(forecasts, now.wall);
  if (forecast_trouble.empty()) last_success.forecast = now.wall;
}

std::vector<policy::Demand> Engine::Control::demand() const {
  std::vector<policy::Demand> demand;
  const traffic::WindowGrid& closed = windows.closed();
  if (closed.size() == 0) return demand;
  const auto horizon = static_cast<double>(settings.shape.horizon_steps());
  for (std::size_t e = 0; e < closed.endpoints.size(); ++e) {
    const traffic::WindowStats& newest = closed.stats[e].back();
    if (newest.observed) demand.push_back({closed.endpoints[e], newest.requests * horizon});
  }
  return demand;
}

std::vector<policy::Signal> Engine::Control::known_signals() const {
  std::lock_guard lock(given_mutex);
  return signals;
}

void Engine::Control::plan(Now now) {
  policy::PlanInputs inputs;
  inputs.now = now;
  inputs.window = settings.shape.window;
  std::vector<policy::Demand> asked;
  // Without a model there are naive forecasts to look at, but no rule acts on them.
  if (forecaster() != nullptr && forecast_trouble.empty() && !forecasts.empty()) {
    asked = demand();
    inputs.forecasts = &forecasts;
    inputs.forecasts_at = forecasts_at;
    inputs.demand = &asked;
  }
  for (auto& signal : known_signals()) {
    if (now.mono - signal.measured_at <= policy::kSignalAge)
      inputs.signals.push_back(std::move(signal));
  }
  inputs.load = measure_load(now);
  const SwitchModes switches = modes.modes();
  inputs.all = switches.all;
  inputs.enforced = limiter::enforced_view(switches.rules, switches.forecast);
  inputs.by_hand = std::exchange(by_hand, {});
  policy::PlanStep step = planner.step(inputs);
  last_success.plan = now.wall;
  if (step.plan) {
    publish(step.plan);
    changed = true;
  }
  if (step.changes.empty()) return;
  changed = true;
  keeper.plan_changes(step.changes, now.wall);
  for (auto& change : step.changes) {
    ++plan_changes_total[change.rule];
    recent_changes.push_back(std::move(change));
  }
  trim_recent_changes();
}

void Engine::Control::trim_recent_changes() {
  if (recent_changes.size() <= kRecentChanges) return;
  recent_changes.erase(recent_changes.begin(),
                       recent_changes.end() - static_cast<std::ptrdiff_t>(kRecentChanges));
}

/// No rule holds and nothing is left to relax: a step has nothing to do until a forecast or a
/// signal comes, or the plan is to be renewed.
bool Engine::Control::planner_rests() const {
  const auto current = planner.current();
  if (current == nullptr) return false;
  const auto& rules = planner.rules();
  if (std::any_of(rules.begin(), rules.end(), [](const auto& rule) { return rule.active; }))
    return false;
  return std::all_of(current->cells.begin(), current->cells.end(), [](const auto& cell) {
    return std::all_of(cell.views.begin(), cell.views.end(),
                       [](const auto& limits) { return limits.scale == 1.0; });
  });
}

}  // namespace tidelimit::engine
