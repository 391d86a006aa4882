#include "ingest/synthetic/demand.hpp"

#include <cmath>
#include <numbers>
#include <numeric>

namespace tidelimit::synthetic {
namespace {

struct Bump {
  double hour;
  double width;  ///< standard deviation in hours
  double height;
};

/// The shape of a day and of a week; only proportions matter.
struct Rhythm {
  double mean_per_hour;  ///< at scale 1
  double night;
  std::array<Bump, 3> bumps;
  std::array<double, 7> weekdays;  ///< Monday first
};

constexpr std::array<double, 7> kShopping{0.97, 0.95, 0.96, 1.00, 1.06, 1.12, 1.08};
constexpr std::array<double, 7> kOffice{1.15, 1.10, 1.08, 1.05, 0.97, 0.72, 0.68};

// A few hundred requests an hour: enough for a shape, little enough that Poisson scatter alone
// costs a forecast about ten requests an hour. In the order of Endpoint.
constexpr std::array<Rhythm, kEndpoints> kRhythms{{
    {120, 0.18, {{{12.5, 2.0, 1.0}, {19.5, 2.5, 1.2}, {9.5, 1.5, 0.5}}}, kShopping},
    {300, 0.22, {{{13.0, 3.5, 0.8}, {20.5, 2.3, 1.4}, {8.0, 1.5, 0.3}}}, kShopping},
    {190, 0.20, {{{11.0, 2.5, 0.9}, {16.0, 2.5, 0.6}, {20.0, 2.5, 1.1}}}, kShopping},
    {80, 0.15, {{{8.7, 1.3, 1.4}, {13.0, 2.5, 0.6}, {19.5, 2.3, 0.9}}}, kOffice},
    {110, 0.20, {{{10.0, 2.0, 1.1}, {15.0, 2.2, 1.0}, {20.0, 2.0, 0.5}}}, kOffice},
}};

double bump_at(const Bump& bump, double hour) {
  double distance = std::abs(hour - bump.hour);
  distance = std::min(distance, 24.0 - distance);  // the day is a circle
  return bump.height * std::exp(-0.5 * distance * distance / (bump.width * bump.width));
}

double minutes_of(std::chrono::minutes m) {
  return static_cast<double>(m.count());
}

}  // namespace

std::vector<ScheduledSpike> usual_schedule() {
  using std::chrono::hours;
  using std::chrono::minutes;
  constexpr int kTuesday = 1;
  constexpr int kWednesday = 2;
  constexpr int kFriday = 4;
  return {
      {Endpoint::browse, kTuesday, hours{10}, minutes{90}, 1.6, false},
      {Endpoint::payment, kWednesday, hours{12}, minutes{75}, 2.2, false},
      {Endpoint::browse, kFriday, hours{18}, hours{3}, 1.8, true},
      {Endpoint::search, kFriday, hours{18}, hours{3}, 1.6, true},
      {Endpoint::payment, kFriday, hours{18}, hours{3}, 2.0, true},
      {Endpoint::login, kFriday, hours{18}, minutes{60}, 1.7, true},
  };
}

DemandLaw::DemandLaw(double scale, std::vector<ScheduledSpike> schedule, Random random)
    : schedule_(std::move(schedule)) {
  for (const Endpoint e : kAllEndpoints) {
    const Rhythm& rhythm = kRhythms[static_cast<std::size_t>(e)];
    auto& week = week_[e];
    for (std::size_t h = 0; h < kHours; ++h) {
      const double hour = static_cast<double>(h % 24) + 0.5;
      double height = rhythm.night;
      for (const Bump& bump : rhythm.bumps) height += bump_at(bump, hour);
      week[h] = height * rhythm.weekdays[h / 24];
    }
    const double mean = std::accumulate(week.begin(), week.end(), 0.0) / double{kHours};
    for (double& value : week) value /= mean;
    mean_[e] = scale * rhythm.mean_per_hour / 60.0;
    phases_[e] = {random.uniform(), random.uniform()};
  }
}

double DemandLaw::rhythm(Endpoint endpoint, UnixMinute minute) const {
  // Linear between the middles of the hours.
  const double position = (static_cast<double>(minute_of_week(minute)) - 30.0) / 60.0;
  const double below = std::floor(position);
  const auto left = static_cast<std::size_t>(below + double{kHours}) % kHours;
  const double share = position - below;
  const auto& week = week_[endpoint];
  return week[left] * (1.0 - share) + week[(left + 1) % kHours] * share;
}

double DemandLaw::drift(Endpoint endpoint, UnixMinute minute) const {
  // Two slow waves instead of a trend, so that ten years of data stay on earth.
  const double days = static_cast<double>(minute) / double{kDayMinutes};
  const auto wave = [&](double period, double phase) {
    return std::sin(2.0 * std::numbers::pi * (days / period + phase));
  };
  return std::exp(0.08 * wave(47.0, phases_[endpoint].month) +
                  0.12 * wave(391.0, phases_[endpoint].year));
}

double DemandLaw::schedule_factor(Endpoint endpoint, UnixMinute minute) const {
  constexpr double kRamp = 10.0;
  const auto in_week = static_cast<double>(minute_of_week(minute));
  double factor = 1.0;
  for (const ScheduledSpike& spike : schedule_) {
    if (spike.endpoint != endpoint) continue;
    const double start = double{kDayMinutes} * spike.weekday + minutes_of(spike.start);
    double since = in_week - start;
    if (since < 0) since += double{kWeekMinutes};  // one that runs over Sunday midnight
    const double left = minutes_of(spike.length) - since;
    if (left <= 0) continue;
    factor *= 1.0 + (spike.factor - 1.0) * std::min({1.0, (since + 0.5) / kRamp, left / kRamp});
  }
  return factor;
}

double DemandLaw::per_minute(Endpoint endpoint, UnixMinute minute) const {
  return mean_[endpoint] * rhythm(endpoint, minute) * drift(endpoint, minute) *
         schedule_factor(endpoint, minute);
}

double DemandLaw::per_window(Endpoint endpoint, UnixMinute start) const {
  double sum = 0;
  for (std::int64_t m = 0; m < kWindowMinutes; ++m) sum += per_minute(endpoint, start + m);
  return sum;
}

bool DemandLaw::sale_at(UnixMinute minute) const {
  for (const ScheduledSpike& spike : schedule_) {
    if (!spike.sale) continue;
    const auto start = kDayMinutes * spike.weekday + spike.start.count();
    const auto since = (minute_of_week(minute) - start + kWeekMinutes) % kWeekMinutes;
    if (since < spike.length.count()) return true;
  }
  return false;
}

NoiseState step(const NoiseLaw& law, const NoiseState& state, double shock, double height) {
  NoiseState next;
  const double innovation = std::sqrt(1.0 - law.persistence * law.persistence) * law.deviation;
  next.level = law.persistence * state.level + innovation * shock;
  if (state.rising) {
    next.surge = 2.0 * state.surge;
  } else if (!state.calm()) {
    next.surge = law.surge_fade * state.surge;
    if (next.surge < law.surge_end) next.surge = 0;
  } else if (height > 0) {
    next.surge = 0.5 * height;
    next.rising = true;
  }
  return next;
}

double draw_height(const NoiseLaw& law, Random& random) {
  return std::log(law.surge_min + (law.surge_max - law.surge_min) * random.uniform());
}

Disturbance::Disturbance(const NoiseLaw& law, Random random) : law_(law), random_(random) {
  state_.level = law_.deviation * random_.normal();
}

void Disturbance::advance() {
  const double shock = random_.normal();
  const bool starts = state_.calm() && random_.chance(law_.surge_chance);
  state_ = step(law_, state_, shock, starts ? draw_height(law_, random_) : 0.0);
}

}  // namespace tidelimit::synthetic
