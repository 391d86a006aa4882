#include "cli/offline/floors.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <utility>

namespace tidelimit::cli {
namespace {

constexpr Nanos kRatesHorizon = std::chrono::hours{1};

using Hours = std::map<std::pair<std::string, WallTime>, synthetic::KnownHour>;

Result<Hours> read_hours(const std::string& file) {
  std::ifstream in(file);
  if (!in) return fail(Code::not_found, file + ": the rates can't be read");
  auto rows = synthetic::read_known_hours(in);
  if (!rows) return fail_in(file, rows.error());
  Hours hours;
  for (auto& row : *rows) hours.emplace(std::pair(row.endpoint, row.time), row);
  return hours;
}

/// One endpoint's forecasts beside what the file tells of their hours.
struct Comparison {
  synthetic::Floor floor;
  std::vector<double> off;  ///< what came by the input from what came by the file, hour by hour

  bool silent = true;  ///< nothing came, by the input or by the file: that tells nothing

  [[nodiscard]] bool of_other_traffic() const {
    std::vector<double> sorted = off;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    return *middle > floor.causal_mae;
  }
};

Comparison compare(const EndpointScore& score, const Hours& hours) {
  Comparison found;
  synthetic::FloorTally tally;
  for (const ScoredForecast& point : score.points) {
    const auto known = hours.find({score.endpoint, point.made_at});
    if (known == hours.end()) continue;
    const synthetic::KnownHour& hour = known->second;
    tally.add(score.endpoint, hour.oracle, hour.causal, hour.actual);
    found.off.push_back(std::abs(point.actual - hour.actual));
    found.silent = found.silent && point.actual == 0 && hour.actual == 0;
  }
  if (!found.off.empty()) found.floor = tally.floors().front();
  return found;
}

}  // namespace

Result<void> add_floors(const std::string& file, ForecastScore& score) {
  const auto hours = read_hours(file);
  if (!hours) return tl::unexpected(hours.error());
  if (score.horizon != kRatesHorizon) {
    return fail(Code::invalid_argument,
                fmt::format("{}: tells of the next {}, and the bundle forecasts the next {}; leave "
                            "--rates out",
                            file, format_duration(kRatesHorizon), format_duration(score.horizon)));
  }
  std::size_t forecasts = 0;
  std::size_t known = 0;
  bool belongs = false;
  bool differs = false;
  std::vector<synthetic::Floor> floors;
  for (const EndpointScore& endpoint : score.endpoints) {
    const Comparison found = compare(endpoint, *hours);
    forecasts += endpoint.points.size();
    known += found.off.size();
    if (found.off.empty()) continue;
    if (!found.silent) (found.of_other_traffic() ? differs : belongs) = true;
    floors.push_back(found.floor);
  }
  if (differs && !belongs) {
    return fail(Code::invalid_argument,
                file +
                    ": tells of other traffic than the input holds: what came differs at every "
                    "endpoint; name the file that `generate --rates` wrote with this input, or "
                    "leave --rates out");
  }
  if (known < forecasts) {
    score.notes.push_back(
        known == 0
            ? file + ": tells nothing of the hours that were forecast, so no floors are shown"
            : fmt::format("{}: tells of {} of the {} hours that were forecast; the floors "
                          "are of those",
                          file, known, forecasts));
  }
  score.floors = std::move(floors);
  return {};
}

}  // namespace tidelimit::cli
