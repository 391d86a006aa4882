#include "forecast/frames.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

#include "forecast/naive.hpp"

namespace tidelimit::forecast {

namespace {

constexpr double kLimit = 6.0;  // no input beyond it, whatever the traffic does

float bounded(double value) {
  return static_cast<float>(std::clamp(value, -kLimit, kLimit));
}

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0.0;
}

/// Premium ratio, error ratio and share of the windows [first, last).
struct Ratios {
  double premium = 0, error = 0, share = 0;
};

Ratios ratios(const traffic::WindowGrid& grid, std::size_t endpoint, std::size_t first,
              std::size_t last) {
  double requests = 0, premium = 0, errors = 0, responses = 0, total = 0;
  for (std::size_t i = first; i < last; ++i) {
    const auto& w = grid.stats[endpoint][i];
    requests += w.requests;
    premium += w.premium;
    errors += w.errors;
    responses += w.responses;
    for (const auto& row : grid.stats) total += row[i].requests;
  }
  return {ratio(premium, requests), ratio(errors, responses), ratio(requests, total)};
}

}  // namespace

void Frames::sequence(std::size_t origin, std::size_t steps, std::span<float> out) const {
  assert(out.size() == steps * features);
  const float level = levels > 0 ? log_scale[origin - from] : 0.0F;
  for (std::size_t k = 0; k < steps; ++k) {
    const std::size_t back = (steps - 1 - k) * stride + offset;
    const std::size_t at = origin >= from + back ? origin - back - from : 0;
    const float* frame = table.data() + at * features;
    float* target = out.data() + k * features;
    for (std::size_t f = 0; f < features; ++f) {
      target[f] = f < levels ? bounded(static_cast<double>(frame[f] - level)) : frame[f];
    }
  }
}

Frames baseline_frames(const traffic::WindowGrid& grid, std::size_t endpoint, const Series& series,
                       double mean, double deviation) {
  Frames frames;
  frames.features = kBaselineFeatures;
  frames.table.reserve(series.size() * kBaselineFeatures);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const Ratios r = ratios(grid, endpoint, i, i + 1);
    const double requests = series.known(i) ? (series.at(i) - mean) / deviation : 0;
    for (const double v : {requests, r.premium, r.share, r.error}) {
      frames.table.push_back(bounded(v));
    }
  }
  return frames;
}

Frames best_frames(const traffic::WindowGrid& grid, std::size_t endpoint, const Series& series,
                   std::size_t from, std::span<const double> anchor) {
  const Spans& s = series.spans();
  Frames frames;
  frames.from = from;
  frames.features = kBestFeatures;
  frames.stride = s.horizon;
  frames.offset = 0;
  frames.levels = 7;
  frames.table.reserve(anchor.size() * kBestFeatures);
  frames.log_scale.reserve(anchor.size());
  for (std::size_t t = from; t < from + anchor.size(); ++t) {
    const double scale = series.scale(t);
    const auto log_of = [&](double v) { return std::log(v + kScaleFloor * scale); };
    const auto known = [&](std::size_t lag) { return t >= lag && series.known(t - lag); };
    const auto next = [&](std::size_t lag, double otherwise) {
      return lag >= s.horizon && known(lag) ? series.horizon_sum_seen(t - lag, t) : otherwise;
    };
    const double slot = seasonal_mean(series, t, 7).value_or(scale);
    const std::size_t first = known(s.horizon) ? t - s.horizon : t;
    const double last = first < t ? series.sum(first, t) : scale;
    const double window = known(1) ? series.at(t - 1) * static_cast<double>(s.horizon) : scale;
    const double error =
        t >= from + s.horizon ? log_of(last) - log_of(anchor[t - s.horizon - from]) : 0.0;
    for (const double v :
         {last, window, anchor[t - from], next(s.day, slot), next(s.week, slot), slot, scale}) {
      frames.table.push_back(static_cast<float>(log_of(v)));
    }
    const Ratios r = ratios(grid, endpoint, first, t);
    const double day = 2 * std::numbers::pi * unix_seconds(grid.time_of(t)) / 86400.0;
    for (const double v :
         {error, r.premium, r.error, r.share, std::sin(day), std::cos(day), std::sin(2 * day),
          std::cos(2 * day), std::sin(day / 7), std::cos(day / 7)}) {
      frames.table.push_back(bounded(v));
    }
    frames.log_scale.push_back(static_cast<float>(std::log(scale)));
  }
  return frames;
}

}  // namespace tidelimit::forecast
