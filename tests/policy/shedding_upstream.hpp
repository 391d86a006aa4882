#pragma once

#include <algorithm>
#include <vector>

#include "base/random.hpp"
#include "policy/mission.hpp"
#include "policy/shedder.hpp"

namespace tidelimit::policy::test {

inline constexpr std::size_t kTiers = 2;
inline constexpr double kWorkers = 10;
inline constexpr double kService_s[] = {0.25, 0.1, 0.05};  // payment, browse, other
inline constexpr double kQueueMost_s = 2;

inline PolicySettings with_shedding(Mode mode = Mode::enforce) {
  PolicySettings settings = mission();
  Rule overload;
  overload.name = "overload";
  overload.mode.mode = mode;
  overload.when.queueing = std::chrono::milliseconds{100};
  overload.then.shed = true;
  settings.rules = {overload};
  return settings;
}

/// An upstream whose queue is a fluid: what comes in beyond its capacity waits.
class Upstream {
 public:
  explicit Upstream(const PolicySettings& settings) : shedder(settings, 0) {}

  /// Requests a second, by cell; one second.
  void second(const std::vector<double>& rates) {
    LoadSample sample{seconds{1}, {}};
    const char* names[] = {"payment", "browse", "other"};
    double work = 0, let_in[3] = {};
    for (std::size_t e = 0; e < 3; ++e) {
      EndpointLoad& load = sample.endpoints.emplace_back();
      load.endpoint = names[e];
      for (std::size_t t = 0; t < kTiers; ++t) {
        const std::size_t cell = e * kTiers + t;
        const auto asked = static_cast<double>(random.poisson(rates[cell]));
        load.asked.push_back(asked);
        let_in[e] += asked * (1 - shedder.share(cell));
      }
      work += let_in[e] * kService_s[e];
    }
    queue_s = std::clamp(queue_s + (work - kWorkers) / kWorkers, 0.0, kQueueMost_s);
    for (std::size_t e = 0; e < 3; ++e) {
      EndpointLoad& load = sample.endpoints[e];
      const double noise = 1 + 0.05 * random.normal();
      const double mean_ms =
          1e3 * (kService_s[e] * noise * (e == 0 ? slow_payment : 1) * quicker + queue_s);
      const double failed = let_in[e] * failing;
      load.failed = {failed, failed * failure_ms};
      load.served = {let_in[e] - failed, (let_in[e] - failed) * mean_ms};
      load.rejected = {rejected, rejected * 0.4};
    }
    admitted = work;
    now.mono = now.mono + seconds{1};
    now.wall += seconds{1};
    shedder.update(sample, now);
  }
  void run(int count, const std::vector<double>& rates) {
    for (int i = 0; i < count; ++i) second(rates);
  }

  Shedder shedder;
  Random random{11};
  Now now{Instant{seconds{1}}, WallTime{hours{24 * 20000}}};
  double queue_s = 0;
  double slow_payment = 1;
  double quicker = 1;                  ///< factor of what is served
  double failing = 0, failure_ms = 0;  ///< a share of all answers, at once after so long
  double rejected = 0;                 ///< a second at each endpoint, beside what is asked
  double admitted = 0;
};

inline const std::vector<double> kCalm{6, 6, 10, 30, 0, 0};    // the work of seven workers
inline const std::vector<double> kRush{12, 12, 10, 40, 0, 0};  // of eleven

}  // namespace tidelimit::policy::test
