#pragma once

#include <optional>
#include <vector>

#include "base/time.hpp"
#include "policy/load.hpp"
#include "policy/usual_latency.hpp"

namespace tidelimit::policy {

/// What a service can take, in work a second, learned from what it does: as BBR (Cardwell et al.,
/// ACM Queue 2016) takes a path's bandwidth from its deliveries, and waiting, as TCP Vegas (Brakmo
/// and Peterson 1995) and Netflix's concurrency-limits do, from latency over the least latency.
///
/// Every five seconds are a round, or up to twenty until it has twenty answers, judged by the work
/// served in it (EndpointLoad::done: errors of the service are no work) and by the ratio of the
/// latency of what was served to the usual:
///   nothing waits, and more was served than was thought possible: it is possible;
///   answers take three times as long: the service is full, and what it serves is what it can. Of
///   fewer than twenty answers, or two in flight on average, that is not believed.
/// So that the estimate does not follow what it caused itself, or what has another cause:
///   it falls only while there is enough in flight (Little's law: served times latency) to keep all
///   of it busy: a slow dependency at night is no lack of capacity;
///   it falls only while no more is let in than it says, and only if that fills the service again
///   after it was drained: one that does less under too much load (thrashing) does more again when
///   that is over. Where limits hold back too little to drain it (in shadow mode nothing), it does
///   not fall;
///   while limits hold demand below it, a round a minute lets in a fifth more, the next at once if
///   there was room, and ends at the first sign of waiting: capacity that was added is found, and
///   no estimate is so low that it does not rise again.
///   Where there was none the next one comes after twice the time, up to five minutes.
/// Nothing is known before the service was full once: until then it is unlimited, or `ceiling`.
/// Deterministic; one thread.
class CapacityEstimate {
 public:
  static constexpr Nanos kRound = std::chrono::seconds{5};

  /// `ceiling`: work a second that it never exceeds. `costs`: work of a request, by endpoint.
  CapacityEstimate(std::optional<double> ceiling, std::vector<double> costs);

  /// Takes over what was known under another configuration; `same`: of the same endpoints, so that
  /// a drain and what is doubted go on too; `work`: what was work of 1 is so much by the new costs.
  /// The running round starts anew.
  void inherit(const CapacityEstimate& older, bool same, double work);

  /// What happened since the last call: `loads` as long as `costs`, null where nothing is known.
  /// `beyond_reach`: work a second asked for that no limit holds back (shadow mode, or a share of
  /// the principals); infinite: none holds back anything. `scarce`: more is asked for than the
  /// estimate.
  void update(const std::vector<const EndpointLoad*>& loads, Nanos span, double beyond_reach,
              bool scarce);

  /// Empty: not known yet.
  [[nodiscard]] std::optional<double> per_second() const { return per_second_; }
  /// To let in right now: the estimate, more in a round that probes, less in one that drains; the
  /// ceiling, or empty, while nothing is known.
  [[nodiscard]] std::optional<double> to_let_in() const;
  /// The most that was served in any round since the estimate last fell.
  [[nodiscard]] double at_least() const { return at_least_; }
  /// Latency of the last round over the usual; 0: no answers.
  [[nodiscard]] double latency_ratio() const { return latency_ratio_; }
  [[nodiscard]] std::optional<double> ceiling() const { return ceiling_; }

 private:
  struct Answers {
    double count = 0;
    double latency_ms = 0, usual_ms = 0;  ///< sums over those whose usual latency is known
    void operator+=(const Answers& more);
    /// Latency over the usual; 0: not known.
    [[nodiscard]] double ratio() const { return usual_ms > 0 ? latency_ms / usual_ms : 0; }
  };
  struct Round {
    Nanos span{0};
    double asked = 0, served = 0;  ///< work
    Answers answers;
  };

  [[nodiscard]] Answers gather(const std::vector<const EndpointLoad*>& loads, Nanos span);
  void watch_probe(const Answers& answers);
  void judge(double beyond_reach);
  void fill(double served, double certain, double asked, bool can_drain);
  void judge_fall(double served);
  void choose_probe(bool limiting);

  std::optional<double> ceiling_;
  std::vector<double> costs_;
  std::vector<UsualLatency> usual_;  ///< by endpoint
  std::optional<double> per_second_;
  double at_least_ = 0;
  double latency_ratio_ = 0;
  Round round_;
  bool probing_ = false;
  bool echo_ = false;        ///< the last round probed: slow buckets let in more only now
  Answers look_;             ///< since the probe was last looked at
  bool probe_paid_ = false;  ///< the last probe found room: another follows
  Nanos since_probe_{0};
  Nanos probe_every_{std::chrono::minutes{1}};
  double drain_ = 0;      ///< work a second to let in until nothing waits; 0: no drain
  int drain_rounds_ = 0;  ///< so far
  int doubted_ = 0;       ///< rounds after a drain in which being full is believed
};

}  // namespace tidelimit::policy
