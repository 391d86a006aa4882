#pragma once

#include <array>
#include <deque>
#include <istream>
#include <limits>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "ingest/synthetic/causal_filter.hpp"

namespace tidelimit::synthetic {

/// The truth about one endpoint in one window, and what could be known at its start. Good requests
/// only. NaN where the data end before the next hour does.
struct RateRow {
  WallTime time{};  ///< start of the window, and the origin of the forecasts
  Endpoint endpoint = Endpoint::payment;
  double requests = 0;  ///< that arrived in the window
  double rate = 0;      ///< expected in the window, its noise known
  double oracle_next_hour = std::numeric_limits<double>::quiet_NaN();  ///< expected, noise known
  double causal_next_hour = 0;  ///< forecast by CausalFilter from the requests before `time`
  double actual_next_hour = std::numeric_limits<double>::quiet_NaN();  ///< that came
};

/// Follows one endpoint from window to window; each row comes out once its hour is over.
class RateTrack {
 public:
  RateTrack(Endpoint endpoint, const NoiseLaw& law, Random random);

  /// A window starts: what the laws say of it and the three that follow, and its true rate.
  void open(WallTime start, const std::array<KnownRate, kHorizon>& next, double rate);
  /// The open window is over. A row whose hour is complete is appended.
  void close(double requests, std::vector<RateRow>& rows);
  /// The data are over: the rows whose hour is not complete.
  void finish(std::vector<RateRow>& rows);

 private:
  Endpoint endpoint_;
  CausalFilter filter_;
  KnownRate open_;
  std::deque<RateRow> pending_;
};

/// The mean absolute error of forecasts of the next hour that nobody can beat: with the noise to
/// come known (`oracle`: what is left is about Poisson scatter, less where a part comes by the
/// clock, as monitors do), and without (`causal`).
struct Floor {
  std::string endpoint;
  std::uint64_t origins = 0;
  double mean = 0;  ///< requests in the next hour
  double oracle_mae = 0;
  double causal_mae = 0;
};

/// Adds rows up to floors, endpoints in the order seen.
class FloorTally {
 public:
  void add(std::string_view endpoint, double oracle, double causal, double actual);
  void add(const RateRow& row) {
    add(name_of(row.endpoint), row.oracle_next_hour, row.causal_next_hour, row.actual_next_hour);
  }
  [[nodiscard]] std::vector<Floor> floors() const;

 private:
  std::vector<Floor> sums_;
};

/// The mean over endpoints, named "average".
[[nodiscard]] Floor average(const std::vector<Floor>& floors);

/// "timestamp,endpoint,requests,rate,oracle_next_hour,causal_next_hour,actual_next_hour\n"
[[nodiscard]] std::string rates_header();
void append_csv(const RateRow& row, std::string& out);

/// What a rates file tells of the hour after `time`, as RateRow does.
struct KnownHour {
  WallTime time{};
  std::string endpoint;
  double oracle = 0;
  double causal = 0;
  double actual = 0;
};

/// The hours of a rates file that are complete, in its order. The error names the line.
[[nodiscard]] Result<std::vector<KnownHour>> read_known_hours(std::istream& rates);

}  // namespace tidelimit::synthetic
