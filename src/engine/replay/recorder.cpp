#include "engine/replay/recorder.hpp"

#include <algorithm>

namespace tidelimit::engine {
namespace {

bool is_another(const policy::VerdictRecord& a, const policy::VerdictRecord& b) {
  return a.kind != b.kind || a.action != b.action || a.mode != b.mode || a.rule != b.rule;
}

/// What raised a verdict says more of it than what was seen last: an attacker who is kept out does
/// little.
void renew(VerdictSpan& span, const policy::VerdictRecord& record) {
  ++span.renewals;
  span.record.until = record.until;
}

}  // namespace

Result<void> Recorder::put_windows(WallTime start, Nanos step,
                                   const std::vector<std::string>& endpoints,
                                   const std::vector<traffic::WindowStats>& stats) {
  step_ = step;
  endpoints_ = endpoints;
  std::vector<double>& row = demand_[start];
  row.clear();
  for (const traffic::WindowStats& s : stats) row.push_back(s.requests);
  return {};
}

Result<traffic::WindowGrid> Recorder::windows(WallTime from, Nanos step,
                                              const std::vector<std::string>& endpoints,
                                              WallTime /*until*/) {
  traffic::WindowGrid grid;
  grid.start = floor_to(from, step);
  grid.step = step;
  grid.endpoints = endpoints;
  grid.stats.resize(endpoints.size());
  return grid;
}

Result<void> Recorder::put_verdicts(const std::vector<policy::VerdictRecord>& records) {
  for (const policy::VerdictRecord& record : records) {
    auto& last_span = last_span_[static_cast<std::size_t>(record.part)];
    const auto known = last_span.find(record.client);
    VerdictSpan* last = known == last_span.end() ? nullptr : &spans_[known->second];
    const bool goes_on = record.renewed && last != nullptr;
    if (goes_on && !is_another(last->record, record)) {
      renew(*last, record);
      continue;
    }
    if (goes_on) last->record.until = std::min(last->record.until, record.told);
    last_span[record.client] = spans_.size();
    spans_.push_back({record, 0});
    if (goes_on) spans_.back().record.from = record.told;
  }
  return {};
}

Result<void> Recorder::put_plan_changes(const std::vector<policy::PlanChange>& changes) {
  for (const policy::PlanChange& change : changes) {
    episodes_.add(change);
    ++steps_[change.rule];
    if (change.of != policy::PlanChange::Of::limit && ++moving_ > kMovingMax) {
      if (!changes_end_) changes_end_ = change.time;
      continue;
    }
    changes_.push_back(change);
  }
  return {};
}

Result<void> Recorder::put_forecasts(const std::vector<forecast::EndpointForecast>& forecasts) {
  for (const forecast::EndpointForecast& f : forecasts) {
    if (f.source == forecast::Source::none) continue;
    auto found = std::find_if(forecasts_.begin(), forecasts_.end(),
                              [&](const auto& e) { return e.endpoint == f.endpoint; });
    if (found == forecasts_.end()) {
      found = forecasts_.insert(forecasts_.end(), {f.endpoint, f.horizon, {}});
    }
    found->points.push_back({f.made_at, f.quantiles.front(), f.median(), f.quantiles.back(),
                             f.naive, f.usual, std::nullopt, f.source, f.guarded()});
  }
  return {};
}

std::optional<double> Recorder::demand(std::size_t endpoint, WallTime from, Nanos horizon) const {
  double sum = 0;
  for (WallTime at = from; at < from + horizon; at += step_) {
    const auto window = demand_.find(at);
    if (window == demand_.end() || endpoint >= window->second.size()) return std::nullopt;
    sum += window->second[endpoint];
  }
  return sum;
}

std::vector<EndpointForecasts> Recorder::forecasts_and_outcomes() const {
  std::vector<EndpointForecasts> all = forecasts_;
  for (EndpointForecasts& e : all) {
    const auto at = std::find(endpoints_.begin(), endpoints_.end(), e.endpoint);
    if (at == endpoints_.end()) continue;
    const auto endpoint = static_cast<std::size_t>(at - endpoints_.begin());
    for (ForecastPoint& point : e.points) {
      point.came = demand(endpoint, point.made_at, e.horizon);
    }
  }
  return all;
}

}  // namespace tidelimit::engine
