#include "forecast/members.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <memory>
#include <numeric>

#include "forecast/events.hpp"
#include "forecast/memory.hpp"

namespace tidelimit::forecast {

LinearForecasts linear_forecasts(const traffic::WindowGrid& grid, const Series& series,
                                 std::size_t from, std::size_t to, const Coefficients& plain_prior,
                                 const Coefficients& log_prior) {
  const LinearRows rows(series, grid.start, grid.step, from, to);
  return {from, online_linear(series, rows, plain_prior, kPlainSettings),
          online_linear(series, rows, log_prior, kLogSettings)};
}

double correction_unit(double anchor, double scale) {
  return std::sqrt((anchor + 0.02 * scale) * scale);
}

void members_at(const Series& series, std::size_t origin, const LinearForecasts& linear,
                double correction, std::span<double> out) {
  const auto rules = naive_forecasts(series, origin);
  const double last = rules[0].value_or(series.scale(origin));
  for (std::size_t r = 0; r < kNaiveRules; ++r) out[r] = rules[r].value_or(last);
  out[kLinearPlain] = linear.plain[origin - linear.from];
  const double anchor = linear.log[origin - linear.from];
  out[kLinearLog] = anchor;
  const double unit = correction_unit(anchor, series.scale(origin));
  out[kNetworkMember] = std::max(0.0, anchor + correction * unit);
}

std::vector<std::size_t> judged_origins(const Series& series, std::size_t first, std::size_t last) {
  const std::size_t horizon = series.spans().horizon;
  std::vector<std::size_t> origins;
  for (std::size_t t = (first + horizon - 1) / horizon * horizon; t + horizon <= last;
       t += horizon) {
    if (series.all_observed(t, t + horizon)) origins.push_back(t);
  }
  return origins;
}

std::vector<double> fallback_points(const Series& series, Source source,
                                    std::span<const std::size_t> origins) {
  constexpr std::size_t kDays = 7;
  const std::size_t start = series.first_observed();
  std::vector<double> points;
  for (const std::size_t t : origins) {
    const std::size_t known = std::min(series.spans().horizon, t - std::min(start, t));
    const double last = series.mean(t - known, t);
    points.push_back(source == Source::seasonal ? seasonal_mean(series, t, kDays).value_or(last)
                                                : last);
  }
  return points;
}

std::vector<double> baseline_points(const ForecastModel& model, const traffic::WindowGrid& grid,
                                    std::size_t endpoint, const Series& series,
                                    const EndpointScaling& scaling,
                                    std::span<const std::size_t> origins) {
  const Frames frames = baseline_frames(grid, endpoint, series, scaling.mean, scaling.deviation);
  const auto outputs =
      run_network(model.network, origins.size(), [&](std::size_t row, std::span<float> out) {
        frames.sequence(origins[row], model.network.shape.steps, out);
      });
  std::vector<double> points(origins.size());
  const auto horizon = static_cast<double>(series.spans().horizon);
  for (std::size_t k = 0; k < points.size(); ++k) {
    const double per_window = static_cast<double>(outputs[k]) * scaling.deviation + scaling.mean;
    points[k] = std::max(0.0, per_window * horizon);
  }
  return points;
}

Mixer::Mixer(Record record, std::vector<std::size_t> record_origins, const Spans& spans,
             std::vector<double> prior)
    : record_(std::move(record)),
      origins_(std::move(record_origins)),
      spans_(spans),
      prior_(std::move(prior)) {}

std::vector<double> Mixer::weights(std::size_t origin) const {
  constexpr double kHalfLifeDays = 2;
  const std::size_t judged = kJudgedDays * spans_.day;
  const auto at = [&](std::size_t t) {
    return static_cast<std::size_t>(std::lower_bound(origins_.begin(), origins_.end(), t) -
                                    origins_.begin());
  };
  const std::size_t first = at(origin > judged ? origin - judged : 0);
  const std::size_t last = origin >= spans_.horizon ? at(origin - spans_.horizon + 1) : 0;
  const double half_life =
      kHalfLifeDays * static_cast<double>(spans_.day) / static_cast<double>(spans_.horizon);
  // A week of hours says little of which member is best now; the prior keeps most of the say.
  constexpr double kTrust = 0.4;
  auto weights = mix_weights(record_, first, last, prior_, half_life);
  for (std::size_t m = 0; m < weights.size(); ++m) {
    weights[m] = kTrust * weights[m] + (1 - kTrust) * prior_[m];
  }
  return weights;
}

std::vector<double> Mixer::guarded(std::vector<double> weights, std::size_t origin) const {
  constexpr std::size_t kRows = 24;
  constexpr double kHalfLifeRows = 5;
  constexpr double kLevelShare = 0.03;  // of the level: errors below it are no matter
  constexpr double kFromRatio = 1.35;   // of the mix's loss to the best member's: from here on the
  constexpr double kToRatio = 2.2;      // member takes over, up to here
  const std::size_t members = record_.members;
  const auto known =
      std::upper_bound(origins_.begin(), origins_.end(), origin - std::min(origin, spans_.horizon));
  const auto last = static_cast<std::size_t>(known - origins_.begin());
  if (origin < spans_.horizon) return weights;
  double mix_loss = 0;
  std::vector<double> loss(members, 0.0);
  double fade = 1;
  for (std::size_t row = last; row-- > (last > kRows ? last - kRows : 0);) {
    const double truth = record_.truths[row];
    const double* f = record_.forecasts.data() + row * members;
    const auto relative = [&](double v) {
      return std::fabs(v - truth) / (v + truth + kLevelShare);
    };
    double mixed = 0;
    for (std::size_t m = 0; m < members; ++m) {
      mixed += weights[m] * f[m];
      loss[m] += fade * relative(f[m]);
    }
    mix_loss += fade * relative(mixed);
    fade *= std::exp2(-1 / kHalfLifeRows);
  }
  const auto best =
      static_cast<std::size_t>(std::min_element(loss.begin(), loss.end()) - loss.begin());
  if (mix_loss <= kFromRatio * loss[best]) return weights;
  const double share =
      std::min(1.0, (mix_loss / std::max(loss[best], 1e-9) - kFromRatio) / (kToRatio - kFromRatio));
  for (double& w : weights) w *= 1 - share;
  weights[best] += share;
  return weights;
}

std::vector<double> member_points(const ForecastModel& model, const traffic::WindowGrid& grid,
                                  std::size_t endpoint, const Series& series,
                                  std::span<const std::size_t> origins) {
  const Spans& s = series.spans();
  const std::size_t learned = kLearnedDays * s.day;
  const std::size_t begin =
      std::max(series.first_observed(), origins.front() > learned ? origins.front() - learned : 0);
  const LinearForecasts linear = linear_forecasts(grid, series, begin, origins.back() + 1,
                                                  model.linear_plain, model.linear_log);
  const Frames frames = best_frames(grid, endpoint, series, begin, linear.log);
  const NetworkShape& shape = model.network.shape;
  const auto outputs =
      run_network(model.network, origins.size(), [&](std::size_t row, std::span<float> out) {
        frames.sequence(origins[row], shape.steps, out);
      });
  std::vector<double> members(origins.size() * kMembers);
  for (std::size_t k = 0; k < origins.size(); ++k) {
    members_at(series, origins[k], linear,
               static_cast<double>(outputs[k * shape.outputs + shape.outputs / 2]),
               std::span(members).subspan(k * kMembers, kMembers));
  }
  return members;
}

namespace {

using Origins = std::vector<std::size_t>;

/// Those of `origins` that `known` does not hold.
template <class Known>
Origins missing_in(const Known& known, std::span<const std::size_t> origins) {
  Origins missing;
  std::copy_if(origins.begin(), origins.end(), std::back_inserter(missing),
               [&](std::size_t t) { return known.count(t) == 0; });
  return missing;
}

/// Lets the linear members learn on, up to `last`.
void extend_linear(const traffic::WindowGrid& grid, const Series& series, std::size_t last,
                   EndpointMemory& memory) {
  LinearForecasts& linear = memory.linear;
  const std::size_t next = memory.begin + linear.log.size();
  if (next > last) return;
  const std::size_t horizon = series.spans().horizon;
  const LinearRows rows(series, grid.start, grid.step,
                        next - std::min(horizon, next - memory.begin), last + 1);
  for (std::size_t t = next; t <= last; ++t) {
    linear.plain.push_back(memory.plain->next(series, rows, memory.begin, t));
    linear.log.push_back(memory.log->next(series, rows, memory.begin, t));
  }
}

/// Every member at `origins` (ascending, none known yet).
void add_members(const ForecastModel& model, const traffic::WindowGrid& grid, std::size_t endpoint,
                 const Series& series, const Origins& origins, EndpointMemory& memory) {
  if (origins.empty()) return;
  // A sequence reaches back its steps of one horizon each, and its oldest frame one horizon more.
  const NetworkShape& shape = model.network.shape;
  const std::size_t reach = (shape.steps + 1) * series.spans().horizon;
  const std::size_t from =
      origins.front() > memory.begin + reach ? origins.front() - reach : memory.begin;
  const auto skipped = static_cast<std::ptrdiff_t>(from - memory.begin);
  const std::vector<double> anchor(memory.linear.log.begin() + skipped, memory.linear.log.end());
  const Frames frames = best_frames(grid, endpoint, series, from, anchor);
  const auto outputs =
      run_network(model.network, origins.size(), [&](std::size_t row, std::span<float> out) {
        frames.sequence(origins[row], shape.steps, out);
      });
  for (std::size_t k = 0; k < origins.size(); ++k) {
    members_at(series, origins[k], memory.linear,
               static_cast<double>(outputs[k * shape.outputs + shape.outputs / 2]),
               memory.members[origins[k]]);
  }
}

/// The mix of all members at `origins`, on a series without events.
std::vector<double> calm_points(const ForecastModel& model, const traffic::WindowGrid& grid,
                                std::size_t endpoint, const Series& series, const Origins& origins,
                                EndpointMemory& memory) {
  const Spans& s = series.spans();
  const std::size_t front = origins.front();
  if (!memory.plain) {
    const std::size_t learned = kLearnedDays * s.day;
    memory.begin = std::max(series.first_observed(), front > learned ? front - learned : 0);
    memory.linear.from = memory.begin;
    memory.plain = std::make_unique<OnlineLinear>(model.linear_plain, kPlainSettings);
    memory.log = std::make_unique<OnlineLinear>(model.linear_log, kLogSettings);
  }
  extend_linear(grid, series, origins.back(), memory);

  // Weights change slowly and cost most of a forecast: they are drawn anew every few horizons, at
  // origins that do not depend on who asks.
  const std::size_t refresh = kWeightsEvery * s.horizon;
  // Every member at the judged origins and at those asked for; many are both.
  const std::size_t judged = kJudgedDays * s.day + refresh;
  Origins record_origins = judged_origins(
      series, std::max(memory.begin + s.history, front > judged ? front - judged : 0),
      origins.back());
  Origins all;
  std::set_union(record_origins.begin(), record_origins.end(), origins.begin(), origins.end(),
                 std::back_inserter(all));
  add_members(model, grid, endpoint, series, missing_in(memory.members, all), memory);

  // In units of the level at each origin: one spike must not choose the members for a week.
  Record record{kMembers, {}, {}};
  for (const std::size_t t : record_origins) {
    const auto& row = memory.members.at(t);
    const double unit = series.scale(t);
    std::transform(row.begin(), row.end(), std::back_inserter(record.forecasts),
                   [unit](double v) { return v / unit; });
    record.truths.push_back(series.horizon_sum(t) / unit);
  }
  const Mixer mixer(std::move(record), std::move(record_origins), s, model.member_prior);
  std::size_t drawn_at = 0;
  std::vector<double> weights;
  std::vector<double> points;
  for (const std::size_t t : origins) {
    const std::size_t at = t / refresh * refresh;
    if (weights.empty() || at != drawn_at) weights = mixer.weights(at);
    drawn_at = at;
    const auto now = mixer.guarded(weights, t);
    points.push_back(std::inner_product(now.begin(), now.end(), memory.members.at(t).begin(), 0.0));
  }
  return points;
}

}  // namespace

std::vector<double> best_points(const ForecastModel& model, const traffic::WindowGrid& grid,
                                std::size_t endpoint, const Series& series,
                                std::span<const std::size_t> origins, EndpointMemory& memory) {
  if (origins.empty()) return {};
  const Events events(series, memory.events);
  auto points = calm_points(model, grid, endpoint, events.calm(series),
                            Origins(origins.begin(), origins.end()), memory);
  for (std::size_t k = 0; k < points.size(); ++k) points[k] *= events.horizon_factor(origins[k]);
  return points;
}

std::vector<double> best_points(const ForecastModel& model, const traffic::WindowGrid& grid,
                                std::size_t endpoint, const Series& series,
                                std::span<const std::size_t> origins) {
  EndpointMemory memory;
  return best_points(model, grid, endpoint, series, origins, memory);
}

}  // namespace tidelimit::forecast
