#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "forecast/forecaster.hpp"

namespace tidelimit::engine {

/// How right the forecasts were that this gate published: those of the last 24 hours whose horizon
/// has passed, against what came. Pure; one thread.
class ForecastRecord {
 public:
  struct Score {
    std::optional<double> absolute_error;  ///< mean, requests per horizon
    std::optional<double> error_ratio;     ///< over the naive forecasts' mean; empty if theirs is 0
  };

  void published(const std::vector<forecast::EndpointForecast>& forecasts);
  /// After the wall clock went back: what lies in the future now would never be judged.
  void forget_after(WallTime now);
  /// Judges what came true by now: horizons that end within `closed`. A gap in one leaves it out.
  void judge(const traffic::WindowGrid& closed);
  [[nodiscard]] Score score(const std::string& endpoint) const;

 private:
  struct Open {
    WallTime made_at;
    Nanos horizon;
    double median;
    double naive;
  };
  struct Judged {
    WallTime ended;
    double error;
    double naive_error;
  };
  struct Endpoint {
    std::deque<Open> open;
    std::deque<Judged> judged;
  };
  std::map<std::string, Endpoint> endpoints_;
};

}  // namespace tidelimit::engine
