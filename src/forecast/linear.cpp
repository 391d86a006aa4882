#include "forecast/linear.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "base/cholesky.hpp"

namespace tidelimit::forecast {

namespace {

constexpr std::size_t kPrecisionPasses = 8;

// How a linear member learns as it goes: chosen by the backtest (docs/models.md).
constexpr double kHalfLifeDays = 8;   // the weight of a row halves in this time
constexpr double kPriorRows = 10;     // how many rows the shared coefficients weigh
constexpr double kRowStrength = 0.1;  // what each of them adds to the ridge

void calendar_features(WallTime time, std::span<double> out) {
  const double days = unix_seconds(time) / 86400.0;
  const double day = 2 * std::numbers::pi * days;
  std::size_t n = 0;
  out[n++] = 1;
  for (const double harmonic : {1.0, 2.0, 3.0}) {
    out[n++] = 0.3 * std::sin(harmonic * day);
    out[n++] = 0.3 * std::cos(harmonic * day);
  }
  out[n++] = 0.3 * std::sin(day / 7);
  out[n++] = 0.3 * std::cos(day / 7);
}

/// What came after `origin`, as a linear member sees it.
double target_of(const Series& series, const LinearRows& rows, std::size_t origin, Space space) {
  const double came = std::min(series.horizon_sum(origin) / rows.scale(origin), kRatioLimit);
  return to_space(came, space) - rows.base(origin, space);
}

double dot(std::span<const double> x, const Coefficients& beta) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * beta[i];
  return sum;
}

}  // namespace

double to_space(double ratio, Space space) {
  return space == Space::plain ? ratio : log_ratio(ratio);
}

double from_space(double value, Space space) {
  if (space == Space::plain) return std::clamp(value, 0.0, kRatioLimit);
  return std::clamp(std::exp(std::min(value, 5.0)) * (1 + kScaleFloor) - kScaleFloor, 0.0,
                    kRatioLimit);
}

LinearRows::LinearRows(const Series& series, WallTime start, Nanos step, std::size_t from,
                       std::size_t to)
    : from_(from),
      to_(to),
      rows_((to - from) * kLinearFeatures),
      shape_((to - from) * kShapeFeatures),
      scale_(to - from) {
  if (from == to) return;
  const Spans& spans = series.spans();
  const DayShape shape(series, from - std::min(from, spans.day), to - 1 + spans.horizon);
  const auto write = [](std::span<const double> row, std::size_t at, std::vector<float>& rows) {
    std::transform(row.begin(), row.end(),
                   rows.begin() + static_cast<std::ptrdiff_t>(at * row.size()),
                   [](double v) { return static_cast<float>(v); });
  };
  std::array<double, kShapeFeatures> levels{};
  std::array<double, kLinearFeatures> row{};
  for (std::size_t t = from; t < to; ++t) {
    lag_features(series, t, std::span(row).first(kLagFeatures));
    const double scale = series.scale(t);
    for (std::size_t j = 0; j < kLagFeatures; ++j) row[j] = std::min(row[j] / scale, kRatioLimit);
    calendar_features(start + step * static_cast<Nanos::rep>(t),
                      std::span(row).subspan(kLagFeatures));
    scale_[t - from] = scale;
    write(row, t - from, rows_);
    shape_features(series, shape, t, levels);
    write(levels, t - from, shape_);
  }
}

void LinearRows::features(std::size_t origin, Space space, std::span<double> out) const {
  if (space == Space::shape) {
    std::copy_n(shape_.begin() + static_cast<std::ptrdiff_t>((origin - from_) * kShapeFeatures),
                kShapeFeatures, out.begin());
    out[kShapeNext] = 0;  // see base()
    return;
  }
  const float* row = rows_.data() + (origin - from_) * kLinearFeatures;
  for (std::size_t j = 0; j < kLinearFeatures; ++j) {
    const double v = static_cast<double>(row[j]);
    out[j] = j < kLagFeatures ? to_space(v, space) : v;
  }
  if (space == Space::change) to_changes(out.first(kLagFeatures));
}

double LinearRows::base(std::size_t origin, Space space) const {
  if (space == Space::shape)
    return static_cast<double>(shape_[(origin - from_) * kShapeFeatures + kShapeNext]);
  if (space != Space::change) return 0;
  const float last = rows_[(origin - from_) * kLinearFeatures + kLastHorizon];
  return to_space(static_cast<double>(last), space);
}

void NormalEquations::decay(double factor) {
  for (double& v : a_) v *= factor;
  for (double& v : b_) v *= factor;
}

void NormalEquations::add(std::span<const double> x, double y, double weight) {
  for (std::size_t i = 0; i < d_; ++i) {
    const double wx = weight * x[i];
    double* row = a_.data() + i * d_;
    for (std::size_t j = 0; j <= i; ++j) row[j] += wx * x[j];
    b_[i] += wx * y;
  }
}

Coefficients NormalEquations::solve(const Coefficients& prior, double strength) const {
  std::vector<double> l(a_);
  Coefficients x(b_);
  for (std::size_t i = 0; i < d_; ++i) {
    l[i * d_ + i] += strength;
    x[i] += strength * prior[i];
  }
  decompose(l, d_);
  for (std::size_t i = 0; i < d_; ++i) {
    for (std::size_t k = 0; k < i; ++k) x[i] -= l[i * d_ + k] * x[k];
    x[i] /= l[i * d_ + i];
  }
  for (std::size_t i = d_; i-- > 0;) {
    for (std::size_t k = i + 1; k < d_; ++k) x[i] -= l[k * d_ + i] * x[k];
    x[i] /= l[i * d_ + i];
  }
  return x;
}

OnlineLinear::OnlineLinear(Coefficients prior, Space space)
    : prior_(std::move(prior)), space_(space), equations_(features_in(space)), beta_(prior_) {}

void OnlineLinear::learn(const Series& series, const LinearRows& rows, std::size_t known) {
  constexpr double kErrorMemory = 0.99;  // per row, of the typical residual
  constexpr double kSquareUpTo = 1.5;  // typical residuals; beyond, a row counts by its size alone
  const double decay = std::exp2(-1.0 / (kHalfLifeDays * static_cast<double>(series.spans().day)));
  std::array<double, kLinearFeatures> row{};
  const auto x = std::span(row).first(features_in(space_));
  rows.features(known, space_, x);
  const double target = target_of(series, rows, known, space_);
  const double residual = std::fabs(target - dot(x, beta_));
  typical_ = kErrorMemory * typical_ + (1 - kErrorMemory) * std::min(residual, 5 * typical_);
  equations_.decay(decay);
  equations_.add(x, target, 1.0 / std::max(residual / typical_, kSquareUpTo));
}

double OnlineLinear::next(const Series& series, const LinearRows& rows, std::size_t begin,
                          std::size_t origin) {
  const Spans& spans = series.spans();
  constexpr std::size_t kSolvesADay = 8;
  const std::size_t solve_every = std::max<std::size_t>(1, spans.day / kSolvesADay);
  if (origin >= begin + spans.horizon) {
    const std::size_t known = origin - spans.horizon;  // its horizon ended just now
    if (series.all_observed(known, origin)) learn(series, rows, known);
  }
  if (origin % solve_every == 0) beta_ = equations_.solve(prior_, kPriorRows * kRowStrength);
  std::array<double, kLinearFeatures> row{};
  const auto x = std::span(row).first(features_in(space_));
  rows.features(origin, space_, x);
  const double forecast = dot(x, beta_) + rows.base(origin, space_);
  return from_space(forecast, space_) * rows.scale(origin);
}

std::vector<double> online_linear(const Series& series, const LinearRows& rows,
                                  const Coefficients& prior, Space space) {
  OnlineLinear member(prior, space);
  std::vector<double> forecasts(rows.to() - rows.from());
  for (std::size_t t = rows.from(); t < rows.to(); ++t)
    forecasts[t - rows.from()] = member.next(series, rows, rows.from(), t);
  return forecasts;
}

Coefficients fit_shared(std::span<const Series* const> series, std::span<const LinearRows> rows,
                        Space space) {
  constexpr double kStrength = 3.0;
  constexpr double kResidualUnit = 0.1;    // a row that missed by this weighs 1,
  constexpr double kLeastResidual = 0.02;  // and none more than one that missed by this
  const Coefficients naive = naive_coefficients(space);
  Coefficients beta = naive;
  std::array<double, kLinearFeatures> row{};
  const auto x = std::span(row).first(features_in(space));
  for (std::size_t pass = 0; pass < kPrecisionPasses; ++pass) {
    NormalEquations equations(features_in(space));
    for (std::size_t e = 0; e < series.size(); ++e) {
      const std::size_t horizon = series[e]->spans().horizon;
      for (std::size_t t = rows[e].from(); t < rows[e].to(); ++t) {
        if (t + horizon > series[e]->size() || !series[e]->all_observed(t, t + horizon)) continue;
        rows[e].features(t, space, x);
        const double target = target_of(*series[e], rows[e], t, space);
        const double residual = std::fabs(target - dot(x, beta));
        equations.add(x, target,
                      pass == 0 ? 1.0 : kResidualUnit / std::max(residual, kLeastResidual));
      }
    }
    beta = equations.solve(naive, kStrength);
  }
  return beta;
}

Coefficients naive_coefficients(Space space) {
  if (space == Space::shape) {
    Coefficients beta(kShapeFeatures, 0.0);
    beta[kLevelOfLast] = 0.5;
    beta[kLevelOfLastFour] = 0.3;
    return beta;
  }
  Coefficients beta(kLinearFeatures, 0.0);
  beta[kLastHorizon] = 1.0;
  beta[kYesterdayNext] = 0.5;
  beta[kYesterdayLast] = -0.5;
  return beta;
}

}  // namespace tidelimit::forecast
