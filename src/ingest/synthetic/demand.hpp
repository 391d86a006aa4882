#pragma once

#include <chrono>
#include <vector>

#include "base/random.hpp"
#include "ingest/synthetic/world.hpp"

namespace tidelimit::synthetic {

/// A spike that everybody could know of: the same hour every week.
struct ScheduledSpike {
  Endpoint endpoint = Endpoint::payment;
  int weekday = 0;                  ///< 0 is Monday
  std::chrono::minutes start{0};    ///< after midnight UTC
  std::chrono::minutes length{60};  ///< ramps of ten minutes at both ends included
  double factor = 2.0;              ///< times the usual rate at full height
  bool sale = false;                ///< customers of a sale, who click fast, come too
};

/// A newsletter on Tuesday, payday at noon on Wednesday, a sale on Friday evening.
[[nodiscard]] std::vector<ScheduledSpike> usual_schedule();

/// The part of demand that a forecaster could know: daily and weekly rhythm, slow drift, scheduled
/// spikes. Pure after construction.
class DemandLaw {
 public:
  /// `scale` multiplies every rate; `random` draws the phases of the drift.
  DemandLaw(double scale, std::vector<ScheduledSpike> schedule, Random random);

  /// Expected requests in that minute, before noise.
  [[nodiscard]] double per_minute(Endpoint endpoint, UnixMinute minute) const;
  /// Expected requests in the window that starts at `start`, before noise.
  [[nodiscard]] double per_window(Endpoint endpoint, UnixMinute start) const;
  /// The average over the week, without drift, in requests a minute.
  [[nodiscard]] double mean_per_minute(Endpoint endpoint) const { return mean_[endpoint]; }
  [[nodiscard]] bool sale_at(UnixMinute minute) const;

 private:
  [[nodiscard]] double rhythm(Endpoint endpoint, UnixMinute minute) const;
  [[nodiscard]] double drift(Endpoint endpoint, UnixMinute minute) const;
  [[nodiscard]] double schedule_factor(Endpoint endpoint, UnixMinute minute) const;

  static constexpr std::size_t kHours = 7 * 24;
  struct Phases {
    double month = 0;
    double year = 0;
  };

  PerEndpoint<double> mean_{};
  PerEndpoint<std::array<double, kHours>> week_{};  ///< at the middle of each hour; mean 1
  PerEndpoint<Phases> phases_{};
  std::vector<ScheduledSpike> schedule_;
};

/// The laws of what nobody can know ahead, per window of 15 minutes, each endpoint by itself:
///   rate = law · exp(level + surge)
///   level' = persistence · level + sqrt(1 - persistence²) · deviation · N(0, 1)
///   surge: none; with `surge_chance` one starts: half its height, then full, then fading by
///   `surge_fade` a window until it is below `surge_end`. exp(height) is uniform in
///   [surge_min, surge_max].
struct NoiseLaw {
  double persistence = 0.9;              ///< 15 minutes on: a memory of two and a half hours
  double deviation = 0.05;               ///< stationary; a twentieth of the rate
  double surge_chance = 1.0 / (6 * 96);  ///< one in six days
  double surge_min = 1.6;
  double surge_max = 2.8;
  double surge_fade = 0.82;  ///< half gone in 50 minutes
  double surge_end = 0.02;
};

/// Where the noise of one endpoint stands in one window.
struct NoiseState {
  double level = 0;
  double surge = 0;
  bool rising = false;  ///< the next window brings twice the surge of this one

  [[nodiscard]] double log_factor() const { return level + surge; }
  [[nodiscard]] bool calm() const { return surge == 0; }
};

/// The state a window later. `shock` is standard normal; `height` > 0 starts a surge of that height
/// (only from a calm state). The generator and the causal filter both move by this function.
[[nodiscard]] NoiseState step(const NoiseLaw& law, const NoiseState& state, double shock,
                              double height);
/// The height of a new surge.
[[nodiscard]] double draw_height(const NoiseLaw& law, Random& random);

/// One realisation of the noise of one endpoint.
class Disturbance {
 public:
  Disturbance(const NoiseLaw& law, Random random);
  void advance();
  [[nodiscard]] const NoiseState& state() const { return state_; }

 private:
  NoiseLaw law_;
  Random random_;
  NoiseState state_;
};

}  // namespace tidelimit::synthetic
