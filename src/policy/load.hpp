#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace tidelimit::policy {

/// Answers of the service itself, of known latency.
struct TimedAnswers {
  double count = 0, latency_ms_sum = 0;

  void operator+=(const TimedAnswers& more) {
    count += more.count;
    latency_ms_sum += more.latency_ms_sum;
  }
  /// Of at least one.
  [[nodiscard]] double mean_ms() const { return latency_ms_sum / count; }
};

/// What one endpoint was asked for and how it answered in a short while (traffic::AnswerKind).
struct EndpointLoad {
  std::string endpoint;
  std::vector<double> asked;    ///< by tier: requests that passed every limit, shed ones included
  std::vector<double> reduced;  ///< by tier: denied, though the base limit would have passed them
  TimedAnswers served, rejected, failed;

  /// What tells how long requests wait. An error that came quicker than usual is no sign that
  /// nothing waits; one that took longer has waited: an overloaded service may answer nothing else.
  /// What clients make fail says nothing of either.
  [[nodiscard]] TimedAnswers waited(std::optional<double> usual_ms) const {
    TimedAnswers sum = served;
    if (usual_ms && failed.count > 0 && failed.mean_ms() > *usual_ms) sum += failed;
    return sum;
  }
  /// What the service did, in requests as they usually are. A rejection is as much of one as the
  /// time that it took: a scanner's quick 404 is hardly any. An error is none.
  [[nodiscard]] double done(std::optional<double> usual_ms) const {
    if (!usual_ms || *usual_ms <= 0) return served.count;
    return served.count + std::min(rejected.count, rejected.latency_ms_sum / *usual_ms);
  }
};

/// The load of all endpoints over a second or so.
struct LoadSample {
  Nanos span{0};
  std::vector<EndpointLoad> endpoints;
};

}  // namespace tidelimit::policy
