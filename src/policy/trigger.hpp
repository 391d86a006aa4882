#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "forecast/forecaster.hpp"
#include "policy/load.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy {

/// What is known of one endpoint at one step.
struct Readings {
  const EndpointSettings* endpoint = nullptr;            ///< the one that the condition looks at
  const forecast::EndpointForecast* forecast = nullptr;  ///< null: there is none that counts
  bool forecast_stale = false;                           ///< there is one, but it is too old
  std::optional<double> demand;        ///< requests lately seen, scaled to the horizon
  const EndpointLoad* load = nullptr;  ///< null: nothing is known of it
  std::optional<double> cpu;           ///< empty: no fresh signal
  WallTime now{};
};

/// One condition on forecasts, signals and planned times at one endpoint, with hysteresis: it
/// starts at its thresholds, and ends when cpu falls below `until`, when the forecast has been
/// below 0.9 of its threshold for two windows, when the planned time is over, or when what it
/// looked at is gone, stale or not a number.
class Trigger {
 public:
  /// True when it started or ended.
  bool update(const Condition& condition, const Readings& readings);

  [[nodiscard]] bool active() const { return active_; }
  /// Active, and at its thresholds: what would start it now, not merely what does not end it.
  [[nodiscard]] bool met() const { return met_; }
  /// Why it holds, or why it has ended; empty when it never held.
  [[nodiscard]] const std::string& cause() const { return cause_; }

 private:
  [[nodiscard]] bool starts(const Condition& condition, const Readings& readings) const;
  /// Why it ends now; empty: it goes on.
  [[nodiscard]] std::string end(const Condition& condition, const Readings& readings);

  bool active_ = false;
  bool met_ = false;
  int calm_windows_ = 0;    ///< in a row, below 0.9 of the threshold
  WallTime last_window_{};  ///< the forecast that was counted last
  std::string cause_;
};

}  // namespace tidelimit::policy
