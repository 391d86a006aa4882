#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "forecast/guard.hpp"
#include "forecast/intervals.hpp"
#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// How far back forecasts are judged, in days.
inline constexpr std::size_t kJudgedAgainDays = kCalibratedDays + kAdaptedDays;

/// Forecasts of one endpoint by one source, with intervals from what that source missed by lately,
/// and a guard where others may be closer. It goes on from one call to the next: only what came
/// since is judged, for what is past changes no more. One thread.
class Lane {
 public:
  struct Options {
    std::vector<double> prior;  ///< residuals before anything was forecast
    std::size_t needs = 0;      ///< windows before an origin
    /// What was forecast before this had learned from what came: it gives no residuals.
    std::size_t taught_until = 0;
    std::size_t trained_until = 0;  ///< misses before this move no level
    bool guarded = false;
  };
  /// It is asked for origins from `asked_from` on.
  Lane(const Series& series, std::size_t asked_from, Options options);

  /// Point forecasts at some origins, ascending.
  using Points = std::function<std::vector<double>(std::span<const std::size_t> origins)>;
  using Quantiles = std::array<double, kQuantiles.size()>;
  /// At `origins`: ascending, not empty, none earlier than the last of the call before. `series` is
  /// that of the calls before, or has grown at its end. A point that is not finite is no forecast:
  /// it is not judged by, and comes back as all quantiles.
  [[nodiscard]] std::vector<Quantiles> forecast(const Series& series,
                                                std::span<const std::size_t> origins,
                                                const Points& points);

  /// Who is to speak at an origin that was asked for. The lane has to be a guarded one.
  [[nodiscard]] Guard::Choice choice(std::size_t origin) const { return guard_->at(origin); }
  /// Drops what no later origin than `origin` reads.
  void forget_before(std::size_t origin);

 private:
  [[nodiscard]] Quantiles quantiles(const Series& series, std::size_t origin, double point) const;

  std::size_t taught_until_;
  std::size_t next_;  ///< judged are all before
  Intervals intervals_;
  std::optional<Guard> guard_;
};

}  // namespace tidelimit::forecast
