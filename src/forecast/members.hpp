#pragma once

#include <span>
#include <vector>

#include "forecast/frames.hpp"
#include "forecast/mix.hpp"
#include "forecast/model.hpp"

namespace tidelimit::forecast {

struct EndpointMemory;

/// How far back the linear members learn from, at most; the network's members are judged and the
/// mix is weighed over kJudgedDays.
inline constexpr std::size_t kLearnedDays = 70;
inline constexpr std::size_t kJudgedDays = 7;
inline constexpr std::size_t kWeightsEvery = 4;  ///< horizons between two draws of the weights

/// The linear members' settings: chosen by the backtest (docs/models.md).
inline constexpr LinearSettings kPlainSettings{Space::plain, 8, 10};
inline constexpr LinearSettings kLogSettings{Space::log, 8, 10};

/// Both linear members of one endpoint over a range of origins, each origin knowing its past alone.
struct LinearForecasts {
  std::size_t from = 0;
  std::vector<double> plain;
  std::vector<double> log;
};
[[nodiscard]] LinearForecasts linear_forecasts(const traffic::WindowGrid& grid,
                                               const Series& series, std::size_t from,
                                               std::size_t to, const Coefficients& plain_prior,
                                               const Coefficients& log_prior);

/// The network's correction, an output in units of correction_unit(), and back.
[[nodiscard]] double correction_unit(double anchor, double scale);

/// The forecasts of all members at `origin`, kMembers numbers; rules that lack their past repeat
/// the last horizon. `correction` is the network's, in units of correction_unit().
void members_at(const Series& series, std::size_t origin, const LinearForecasts& linear,
                double correction, std::span<double> out);

/// Origins, in steps of one horizon, whose horizons are complete and observed before `last`.
[[nodiscard]] std::vector<std::size_t> judged_origins(const Series& series, std::size_t first,
                                                      std::size_t last);

/// Point forecasts of one endpoint at `origins` (ascending), in requests per horizon.
[[nodiscard]] std::vector<double> fallback_points(const Series& series, Source source,
                                                  std::span<const std::size_t> origins);
[[nodiscard]] std::vector<double> baseline_points(const ForecastModel& model,
                                                  const traffic::WindowGrid& grid,
                                                  std::size_t endpoint, const Series& series,
                                                  const EndpointScaling& scaling,
                                                  std::span<const std::size_t> origins);
/// What every member of a `best` model forecasts at `origins` (ascending), [n, kMembers].
[[nodiscard]] std::vector<double> member_points(const ForecastModel& model,
                                                const traffic::WindowGrid& grid,
                                                std::size_t endpoint, const Series& series,
                                                std::span<const std::size_t> origins);
/// Their mix on the series without its weekly events, times the event (forecast/events.hpp). What
/// a memory holds of the members is not worked out again.
[[nodiscard]] std::vector<double> best_points(const ForecastModel& model,
                                              const traffic::WindowGrid& grid, std::size_t endpoint,
                                              const Series& series,
                                              std::span<const std::size_t> origins);
[[nodiscard]] std::vector<double> best_points(const ForecastModel& model,
                                              const traffic::WindowGrid& grid, std::size_t endpoint,
                                              const Series& series,
                                              std::span<const std::size_t> origins,
                                              EndpointMemory& memory);

/// Mixes members at each origin by what their record says: rows older than kJudgedDays don't count.
class Mixer {
 public:
  /// `record_origins[k]` is the origin of row k.
  Mixer(Record record, std::vector<std::size_t> record_origins, const Spans& spans,
        std::vector<double> prior);
  [[nodiscard]] std::vector<double> weights(std::size_t origin) const;
  /// The same weights, unless one member was far closer than their mix in the last hours: after a
  /// collapse or a jump the rule that follows at once takes over. Losses are relative to what came,
  /// so that the hour of the jump itself does not decide.
  [[nodiscard]] std::vector<double> guarded(std::vector<double> weights, std::size_t origin) const;

 private:
  Record record_;
  std::vector<std::size_t> origins_;
  Spans spans_;
  std::vector<double> prior_;
};

}  // namespace tidelimit::forecast
