#pragma once

#include <span>
#include <vector>

#include "forecast/frames.hpp"
#include "forecast/mix.hpp"
#include "forecast/model.hpp"

namespace tidelimit::forecast {

struct EndpointMemory;

/// The linear members of one endpoint over a range of origins, each origin knowing its past alone.
struct LinearForecasts {
  std::size_t from = 0;
  BySpace<std::vector<double>> by_space;

  /// The member that the network corrects.
  [[nodiscard]] const std::vector<double>& anchor() const { return by_space[Space::log]; }
};
/// With the coefficients that `model` holds as priors.
[[nodiscard]] LinearForecasts linear_forecasts(const traffic::WindowGrid& grid,
                                               const Series& series, std::size_t from,
                                               std::size_t to, const ForecastModel& model);

/// The network's middle output at each of `origins`: of `best` its correction, of `baseline` what
/// it forecasts.
[[nodiscard]] std::vector<double> middle_outputs(const Network& network, const Frames& frames,
                                                 std::span<const std::size_t> origins);

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
/// The mix of a `best` model's members on the series without its events (forecast/events.hpp), and
/// these on top. What a memory holds of the members is not worked out again.
[[nodiscard]] std::vector<double> best_points(const ForecastModel& model,
                                              const traffic::WindowGrid& grid, std::size_t endpoint,
                                              const Series& series,
                                              std::span<const std::size_t> origins);
[[nodiscard]] std::vector<double> best_points(const ForecastModel& model,
                                              const traffic::WindowGrid& grid, std::size_t endpoint,
                                              const Series& series,
                                              std::span<const std::size_t> origins,
                                              EndpointMemory& memory);

}  // namespace tidelimit::forecast
