#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/load.hpp"
#include "policy/renumbering.hpp"
#include "policy/rule_state.hpp"
#include "policy/settings.hpp"
#include "policy/usual_latency.hpp"

namespace tidelimit::policy {

/// Load shedding by priority: one rule on `queueing`, and all that it remembers. The rule starts
/// when answers take longer than usual by its threshold at the endpoints that give at least half of
/// them: what waits before a shared upstream makes all endpoints slower, one slow endpoint only
/// itself. From then on the gate lets in what the upstream was seen to do, less where still more
/// waits than the threshold, more where less does, the most important first: by priority of
/// endpoints, then by tier. No class falls below its floor (`adapt.floor`). It ends when nothing
/// was to be shed for ten seconds.
///
/// Work is counted in usual latencies: a request to an endpoint that takes 200 ms weighs twice one
/// that takes 100 ms. That admission goes by queueing and by priority is WeChat's DAGOR (Zhou et
/// al., SoCC 2018); that it aims at measured throughput is BBR's. Deterministic; one thread.
class Shedder {
 public:
  Shedder(const PolicySettings& settings, std::size_t rule);

  /// Takes over what an older configuration's rule of the same name remembers: it goes on shedding
  /// where it stood, as far as the new floors let it.
  void inherit(const Shedder& older, const Renumbering& renumbering);

  /// Takes in what happened since the last sample. The rule counts as active from the first request
  /// that it sheds.
  void update(const LoadSample& load, Now now);

  [[nodiscard]] std::size_t rule() const { return rule_; }
  [[nodiscard]] const RuleState& state() const { return state_; }
  /// Of the requests to a cell ([endpoint][tier], row-major), the part to refuse; 0 to 1.
  [[nodiscard]] double share(std::size_t cell) const { return classes_[order_of_[cell]].share; }

 private:
  struct Endpoint {
    std::string name;
    UsualLatency usual;
    TimedAnswers waited;  ///< since the last judgement
  };
  /// Requests that are shed alike.
  struct Class {
    std::size_t endpoint = 0, tier = 0;
    bool may_shed = false;
    double floor = 0;
    /// Work a second, in seconds of usual latency: the mean of some ten seconds (of two after a
    /// jump), or less where the last two have asked for less.
    double asked = 0;
    double lately = 0;  ///< the mean
    double last = 0;    ///< of the last sample alone
    double share = 0;
    /// Of its requests, that may be shed.
    [[nodiscard]] double most() const { return may_shed ? 1 - floor : 0; }
  };

  [[nodiscard]] bool knows_usual() const;
  void gather(const LoadSample& load);
  bool jump(const LoadSample& load);
  [[nodiscard]] std::optional<double> queueing_ms() const;
  void follow(double queueing, Nanos span);
  void divide();
  void settle(bool overloaded, Nanos span, WallTime now);
  [[nodiscard]] double asked_for() const;
  [[nodiscard]] std::string describe() const;

  std::size_t rule_;
  double threshold_ms_;
  std::vector<std::string> tiers_;
  std::vector<Endpoint> endpoints_;
  std::unordered_map<std::string, std::size_t> index_of_;  ///< in endpoints_, by name
  std::vector<Class> classes_;                             ///< most important first
  std::vector<std::size_t> order_of_;                      ///< cell -> index in classes_
  RuleState state_;

  double lately_ = 0, last_ = 0;    ///< calls a second, of all classes: the mean, the last sample
  Nanos gathered_{0};               ///< since the last judgement
  double done_ = 0;                 ///< work answered since then
  std::optional<double> capacity_;  ///< work a second that the upstream does while calls wait
  double admitted_ = 0;             ///< work a second to let in
  double queueing_ms_ = 0;
  bool waiting_ = true;   ///< for the usual latency, and the cause says so
  bool engaged_ = false;  ///< there was a queue, and it is watched what the upstream does
  Nanos idle_{0};         ///< how long nothing was to be shed
};

}  // namespace tidelimit::policy
