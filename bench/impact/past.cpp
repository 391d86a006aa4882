#include "impact/past.hpp"

#include <algorithm>
#include <cmath>

#include "anomaly/feature_sampler.hpp"
#include "base/random.hpp"
#include "impact/traffic.hpp"

namespace tidelimit::impact {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr int kDaysBefore = 35;  // five whole weeks
constexpr Nanos kWindow = minutes{15};
constexpr double kDayDeviation = 0.03;     // as the played days have it
constexpr double kWindowDeviation = 0.02;  // of what customers come for
constexpr double kErrors = 0.02;
// An evening without a spike teaches the detector: a Monday's, as it were.
constexpr Span kLesson{hours{20}, hours{22}};

/// Mean calls in a window, over a day like any other of its weekday.
double mean_calls(std::size_t offer, std::size_t tier, int weekday, Nanos from) {
  constexpr int kSteps = 15;  // one a minute, for the ramps
  double calls = 0;
  for (int i = 0; i < kSteps; ++i) {
    const Nanos at = from + kWindow * (2 * i + 1) / (2 * kSteps);
    double rate = kOffers[offer].per_second_at_peak[tier] * share_of_peak(at);
    if (offer == kPayment) rate *= spike_factor(weekday, at);
    calls += rate * 60;
  }
  return calls;
}

/// `part`: of what a quarter of an hour at real pace holds.
traffic::WindowStats window_of(std::size_t offer, int weekday, Nanos from, double busy, double part,
                               Random& random) {
  traffic::WindowStats stats;
  const double varied = busy * std::exp(kWindowDeviation * random.normal());
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    const auto calls =
        static_cast<double>(random.poisson(part * varied * mean_calls(offer, tier, weekday, from)));
    stats.requests += calls;
    if (tier == kPrm) stats.premium = calls;
  }
  stats.responses = stats.requests;
  stats.errors = std::round(kErrors * stats.requests);
  stats.latency_ms_sum = stats.requests * kOffers[offer].service_ms;
  return stats;
}

class PastWindows final : public engine::History {
 public:
  explicit PastWindows(traffic::WindowGrid windows) : windows_(std::move(windows)) {}

  Result<traffic::WindowGrid> windows(WallTime from, Nanos step,
                                      const std::vector<std::string>& endpoints,
                                      WallTime /*until*/) override {
    traffic::WindowGrid grid{windows_.start, step, endpoints, {}};
    const auto skipped = static_cast<std::size_t>(
        std::max<Nanos::rep>(0, (from - windows_.start + step - Nanos{1}) / step));
    const std::size_t first = std::min(skipped, windows_.size());
    grid.start = windows_.time_of(first);
    for (const std::string& name : endpoints) {
      const auto found = std::find(windows_.endpoints.begin(), windows_.endpoints.end(), name);
      auto& column = grid.stats.emplace_back(windows_.size() - first);
      if (found == windows_.endpoints.end()) continue;
      const auto& known =
          windows_.stats[static_cast<std::size_t>(found - windows_.endpoints.begin())];
      std::copy(known.begin() + static_cast<std::ptrdiff_t>(first), known.end(), column.begin());
    }
    return grid;
  }

  Result<void> put_windows(WallTime, Nanos, const std::vector<std::string>&,
                           const std::vector<traffic::WindowStats>&) override {
    return {};
  }
  Result<void> put_verdicts(const std::vector<policy::VerdictRecord>&) override { return {}; }
  Result<std::vector<policy::VerdictRecord>> verdicts(WallTime) override { return {}; }
  Result<void> put_override(const engine::OverrideRecord&) override { return {}; }
  Result<void> delete_override(const std::string&, const std::string&, WallTime) override {
    return {};
  }
  Result<std::vector<engine::OverrideRecord>> overrides() override { return {}; }
  Result<void> put_label(const engine::LabelRecord&) override { return {}; }
  Result<void> delete_label(const std::string&) override { return {}; }
  Result<std::vector<engine::LabelRecord>> labels() override { return {}; }
  Result<void> put_plan_changes(const std::vector<policy::PlanChange>&) override { return {}; }
  Result<std::vector<policy::PlanChange>> plan_changes(const engine::PlanChangeQuery&) override {
    return {};
  }
  [[nodiscard]] bool keeps_decisions() const override { return false; }
  Result<void> put_decisions(const std::vector<engine::DecisionRecord>&) override { return {}; }
  Result<std::vector<engine::DecisionRecord>> decisions(const engine::DecisionQuery&) override {
    return {};
  }
  Result<void> put_forecasts(const std::vector<forecast::EndpointForecast>&) override { return {}; }
  Result<std::vector<forecast::EndpointForecast>> forecasts(const engine::ForecastQuery&) override {
    return {};
  }

 private:
  traffic::WindowGrid windows_;
};

/// An evening of customers, all served, through the same client table as live traffic.
Result<std::shared_ptr<const anomaly::Detector>> train_detector(std::uint64_t seed) {
  anomaly::SamplerOptions drawing;
  drawing.seed = seed;
  anomaly::FeatureSampler sampler(drawing);
  Traffic traffic(kLesson, seed, false);
  for (Arrival arrival; traffic.next(arrival);) {
    traffic::Request request = arrival.request(kDay - days{1});
    request.status = arrival.status;
    request.latency_ms = static_cast<float>(arrival.service_ms);
    sampler.add(request);
  }
  anomaly::TrainOptions how;
  how.seed = seed;
  return anomaly::train(sampler.rows(), how);
}

}  // namespace

traffic::WindowGrid windows_until(Nanos until, std::uint64_t seed, int pace) {
  traffic::WindowGrid grid{kDay - days{kDaysBefore}, kWindow, {}, {}};
  const auto per_day = static_cast<std::size_t>(Nanos{days{1}} / kWindow);
  const std::size_t count = kDaysBefore * per_day + static_cast<std::size_t>(until / kWindow);
  for (const Offer& offer : kOffers) {
    grid.endpoints.emplace_back(offer.endpoint);
    grid.stats.emplace_back();
  }
  Random random(seed);
  double busy = 1;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % per_day == 0) busy = std::exp(kDayDeviation * random.normal());
    // The played day is a Tuesday, and so is the day five weeks before it.
    const int weekday = static_cast<int>((1 + i / per_day) % 7);
    const Nanos from = kWindow * static_cast<Nanos::rep>(i % per_day);
    for (std::size_t offer = 0; offer < kOffers.size(); ++offer)
      grid.stats[offer].push_back(window_of(offer, weekday, from, busy, 1.0 / pace, random));
  }
  return grid;
}

Result<std::shared_ptr<const model::Bundle>> train(forecast::Preset preset, std::uint64_t seed,
                                                   int epochs, int pace) {
  auto bundle = std::make_shared<model::Bundle>();
  const traffic::WindowGrid grid = windows_until(Nanos{0}, seed, pace);
  forecast::TrainOptions how;
  how.preset = preset;
  how.seed = seed;
  how.epochs = epochs;
  auto forecaster = forecast::train(grid, how, [](const forecast::Progress&) {});
  if (!forecaster) return tl::unexpected(forecaster.error());
  auto detector = train_detector(seed);
  if (!detector) return tl::unexpected(detector.error());
  bundle->forecast = *std::move(forecaster);
  bundle->anomaly = *std::move(detector);
  bundle->manifest.endpoints = grid.endpoints;
  bundle->manifest.trained_from = grid.start;
  bundle->manifest.trained_until = grid.time_of(grid.size());
  return bundle;
}

std::shared_ptr<engine::History> history_of(traffic::WindowGrid windows) {
  return std::make_shared<PastWindows>(std::move(windows));
}

}  // namespace tidelimit::impact
