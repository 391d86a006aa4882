#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/engine.hpp"
#include "engine/replay/harm_ledger.hpp"
#include "engine/replay/open_requests.hpp"
#include "engine/replay/recorder.hpp"
#include "engine/replay/report.hpp"
#include "engine/replay/time_bins.hpp"
#include "engine/virtual_time.hpp"

namespace tidelimit::engine {

struct ReplayOptions {
  std::uint64_t seed = 1;      ///< keys all hashing
  std::size_t examples = 100;  ///< of harmed principals
  /// Called after each turn of the control plane; may look, may not touch. Empty: nobody.
  std::function<void(const Engine&, Now)> after_tick = {};
};

/// What-if replay: the serving engine over logged requests, in virtual time.
///   Each request is decided at its logged time; what passes is then observed with the logged
///   status and latency, as a gateway would report it. What is denied never reached the service:
///   its logged status is unknown to the engine. The control plane ticks whenever it has something
///   to do. Requests that are older than one before them are decided at the latest time seen, and
///   counted.
///   What tidelimit was never asked about is an error of its client, as live, and no request:
///   nothing is decided or counted of it.
///   Where requests in flight are limited, one that passes ends at its time and latency; without
///   a latency, at once, and the report says so.
///   A log carries no CPU figures: rules on signals stay inactive, and the report says so.
/// Nothing is remembered from before the first request: with less history than the models need,
/// forecasts fall back. Equal input gives equal decisions and reports. One thread.
class Replay {
 public:
  Replay(const Settings& settings, std::shared_ptr<const model::Bundle> models,
         const ReplayOptions& options = {});

  /// Decides and observes one request. The answer holds until the next call; of one that no limit
  /// meets (traffic::meets_limits) it says nothing.
  const Answer& add(const traffic::Request& request) {
    return add(request, worker_->prepare(request, 1));
  }
  /// Begins to fetch what `add` will touch, a few requests ahead of it; changes no result.
  [[nodiscard]] EngineWorker::Prepared prepare(const traffic::Request& request) {
    return worker_->prepare(request, 1);
  }
  /// The same in two parts, the first of which another thread may do, by an identifier of its own.
  [[nodiscard]] Identifier make_identifier() const { return engine_->make_identifier(); }
  void prefetch(const EngineWorker::Prepared& identified) { worker_->prefetch(identified); }
  /// As above, for the request that was prepared.
  const Answer& add(const traffic::Request& request, const EngineWorker::Prepared& prepared) {
    if (request.time > now().wall) {
      advance(request.time);
    } else if (request.time < now().wall) {
      note_out_of_order(request.time);
    }
    if (counts_in_flight_) open_.end_until(*worker_, now());
    if (!traffic::meets_limits(request)) [[unlikely]]
      return observe_alone(request, prepared);
    answer_ = worker_->decide(request, prepared, now());
    ++requests_;
    const limiter::Decision& decision = answer_.decision;
    if (decision.watched.reason != limiter::Reason::ok) put_on_record(answer_);
    bins_.add(now().wall, index(decision.endpoint), decision.reason);
    harm_.saw(request);
    names_users_ = names_users_ || !request.user_id.empty();
    names_tiers_ = names_tiers_ || !request.tier.empty();
    if (!prepared.who.known_tier) [[unlikely]]
      note_tier(request.tier);
    if (request.client.is_host_name()) remember_name(request);
    if (decision.outcome != limiter::Outcome::allow) refused(request);
    if (decision.allowed) {
      worker_->observe(request, prepared, ReportKind::already_decided, false, now());
      if (decision.in_flight != 0) open_.begin(*worker_, request, prepared, now());
    }
    return answer_;
  }

  /// Lets the last verdicts, windows and limits run their course to the end of the last window;
  /// nothing is to be added after it.
  [[nodiscard]] ReplayReport finish();

  [[nodiscard]] Engine& engine() { return *engine_; }
  [[nodiscard]] const Now& now() const { return time_.now(); }

 private:
  struct RuleCounts {
    std::uint64_t denied = 0;
    std::uint64_t would_deny = 0;
  };

  void advance(WallTime time);
  const Answer& observe_alone(const traffic::Request& request,
                              const EngineWorker::Prepared& prepared);
  void after_tick();
  void note_out_of_order(WallTime time);
  void put_on_record(Answer& watched) const;
  void refused(const traffic::Request& request);
  void note_tier(std::string_view unknown);
  void remember_name(const traffic::Request& request);

  void take_counters(ReplayReport& report) const;
  void take_verdicts(ReplayReport& report) const;
  void take_plan(ReplayReport& report) const;
  void take_timeline(ReplayReport& report) const;
  void take_rules(ReplayReport& report) const;
  void take_notes(ReplayReport& report) const;
  void note_principals(std::vector<std::string>& notes) const;
  void note_rules(std::vector<std::string>& notes) const;
  void note_what_the_log_lacks(std::vector<std::string>& notes) const;
  void note_forecasts(ReplayReport& report) const;

  Settings settings_;
  std::shared_ptr<const model::Bundle> models_;
  ReplayOptions options_;
  std::shared_ptr<Recorder> recorder_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EngineWorker> worker_;
  bool counts_in_flight_ = false;  // some endpoint limits how many may be
  OpenRequests open_;

  VirtualTime time_;
  WallTime first_{};  // the earliest of all
  Answer answer_;

  std::uint64_t requests_ = 0;
  std::uint64_t out_of_order_ = 0;
  Nanos out_of_order_worst_{};
  TimeBins bins_;
  HarmLedger harm_;
  std::vector<RuleCounts> rule_counts_;  // by rule index; then: no rule, requests in flight
  std::unordered_map<ClientId, std::string, ClientIdHash> names_;
  bool names_users_ = false;  // some request does
  bool names_tiers_ = false;
  std::map<std::string, std::uint64_t, std::less<>> unknown_tiers_;  // requests, by name
  std::uint64_t of_other_tiers_ = 0;  // unknown, too, beyond so many names
};

}  // namespace tidelimit::engine
