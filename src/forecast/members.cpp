#include "forecast/members.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>

#include "forecast/events.hpp"
#include "forecast/memory.hpp"

namespace tidelimit::forecast {

namespace {

/// How far back the linear members learn from, at most.
constexpr std::size_t kLearnedDays = 70;
/// Members are weighed by so many horizons before the origin.
constexpr std::size_t kWeighedHorizons = 36;

}  // namespace

LinearForecasts linear_forecasts(const traffic::WindowGrid& grid, const Series& series,
                                 std::size_t from, std::size_t to, const ForecastModel& model) {
  const LinearRows rows(series, grid.start, grid.step, from, to);
  LinearForecasts linear{from, {}};
  for (const Space space : kSpaces)
    linear.by_space[space] = online_linear(series, rows, model.linear[space], space);
  return linear;
}

std::vector<double> middle_outputs(const Network& network, const Frames& frames,
                                   std::span<const std::size_t> origins) {
  const NetworkShape& shape = network.shape;
  const auto outputs =
      run_network(network, origins.size(), [&](std::size_t row, std::span<float> out) {
        frames.sequence(origins[row], shape.steps, out);
      });
  std::vector<double> middle;
  for (std::size_t k = 0; k < origins.size(); ++k)
    middle.push_back(static_cast<double>(outputs[k * shape.outputs + shape.outputs / 2]));
  return middle;
}

double correction_unit(double anchor, double scale) {
  return std::sqrt((anchor + kScaleFloor * scale) * scale);
}

void members_at(const Series& series, std::size_t origin, const LinearForecasts& linear,
                double correction, std::span<double> out) {
  const auto rules = naive_forecasts(series, origin);
  const double last = rules[0].value_or(series.scale(origin));
  for (std::size_t r = 0; r < kNaiveRules; ++r) out[r] = rules[r].value_or(last);
  for (const Space space : kSpaces)
    out[linear_member(space)] = linear.by_space[space][origin - linear.from];
  const double anchor = linear.anchor()[origin - linear.from];
  const double unit = correction_unit(anchor, series.scale(origin));
  out[kNetworkMember] = std::max(anchor + correction * unit, 0.0);  // NaN stays NaN
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
  std::vector<double> points;
  for (const std::size_t t : origins) {
    const std::size_t before = t - std::min(series.spans().horizon, t);
    const double last = series.mean(series.known(before) ? before : 0, t);
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
  const auto outputs = middle_outputs(model.network, frames, origins);
  std::vector<double> points(origins.size());
  const auto horizon = static_cast<double>(series.spans().horizon);
  for (std::size_t k = 0; k < points.size(); ++k) {
    const double per_window = outputs[k] * scaling.deviation + scaling.mean;
    points[k] = std::max(per_window * horizon, 0.0);  // NaN stays NaN
  }
  return points;
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
  const std::size_t next = linear.from + linear.anchor().size();
  if (next > last) return;
  const std::size_t horizon = series.spans().horizon;
  const LinearRows rows(series, grid.start, grid.step, next - std::min(horizon, next - linear.from),
                        last + 1);
  for (OnlineLinear& member : memory.learning) {
    auto& forecasts = linear.by_space[member.space()];
    for (std::size_t t = next; t <= last; ++t)
      forecasts.push_back(member.next(series, rows, linear.from, t));
  }
}

/// Every member at `origins` (ascending, none known yet).
void add_members(const ForecastModel& model, const traffic::WindowGrid& grid, std::size_t endpoint,
                 const Series& series, const Origins& origins, EndpointMemory& memory) {
  if (origins.empty()) return;
  // A sequence reaches back its steps of one horizon each, and its oldest frame one horizon more.
  const std::size_t reach = (model.network.shape.steps + 1) * series.spans().horizon;
  const LinearForecasts& linear = memory.linear;
  const std::size_t from =
      origins.front() > linear.from + reach ? origins.front() - reach : linear.from;
  const auto anchor = std::span(linear.anchor()).subspan(from - linear.from);
  const Frames frames = best_frames(grid, endpoint, series, from, anchor);
  const auto corrections = middle_outputs(model.network, frames, origins);
  for (std::size_t k = 0; k < origins.size(); ++k)
    members_at(series, origins[k], linear, corrections[k], memory.members[origins[k]]);
}

/// Those of the kWeighedHorizons origins one, two ... horizons before `origin`, but not before
/// `first`, whose horizons were observed; ascending.
Origins weighing_origins(const Series& series, std::size_t first, std::size_t origin) {
  const std::size_t horizon = series.spans().horizon;
  Origins origins;
  for (std::size_t k = kWeighedHorizons; k > 0; --k) {
    if (origin < first + k * horizon) continue;
    const std::size_t t = origin - k * horizon;
    if (series.all_observed(t, t + horizon)) origins.push_back(t);
  }
  return origins;
}

/// What the members forecast at `origins` and what came, in units of the level then.
Record record_of(const Series& series, const Origins& origins, const EndpointMemory& memory) {
  Record record{kMembers, {}, {}};
  for (const std::size_t t : origins) {
    const auto& row = memory.members.at(t);
    const double unit = series.scale(t);
    std::transform(row.begin(), row.end(), std::back_inserter(record.forecasts),
                   [unit](double v) { return v / unit; });
    record.truths.push_back(series.horizon_sum(t) / unit);
  }
  return record;
}

/// The mix of all members at `origins`, on a series without events.
std::vector<double> calm_points(const ForecastModel& model, const traffic::WindowGrid& grid,
                                std::size_t endpoint, const Series& series, const Origins& origins,
                                EndpointMemory& memory) {
  const Spans& s = series.spans();
  const std::size_t front = origins.front();
  if (memory.learning.empty()) {
    const std::size_t learned = kLearnedDays * s.day;
    memory.linear.from = std::max(series.first_observed(), front > learned ? front - learned : 0);
    for (const Space space : kSpaces) memory.learning.emplace_back(model.linear[space], space);
  }
  extend_linear(grid, series, origins.back(), memory);

  // Every member at the origins asked for and at those that weigh them there; many are both.
  const std::size_t first = memory.linear.from + s.history;
  std::set<std::size_t> all(origins.begin(), origins.end());
  for (const std::size_t t : origins) {
    const auto weighing = weighing_origins(series, first, t);
    all.insert(weighing.begin(), weighing.end());
  }
  add_members(model, grid, endpoint, series,
              missing_in(memory.members, Origins(all.begin(), all.end())), memory);

  std::vector<double> points;
  for (const std::size_t t : origins) {
    const Record record = record_of(series, weighing_origins(series, first, t), memory);
    const auto weights = recent_weights(record, model.member_prior);
    points.push_back(
        std::inner_product(weights.begin(), weights.end(), memory.members.at(t).begin(), 0.0));
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
  for (std::size_t k = 0; k < points.size(); ++k)
    points[k] = events.on_top_of(points[k], origins[k]);
  return points;
}

std::vector<double> best_points(const ForecastModel& model, const traffic::WindowGrid& grid,
                                std::size_t endpoint, const Series& series,
                                std::span<const std::size_t> origins) {
  EndpointMemory memory;
  return best_points(model, grid, endpoint, series, origins, memory);
}

}  // namespace tidelimit::forecast
