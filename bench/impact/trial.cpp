#include "impact/trial.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <queue>

#include "base/seconds.hpp"
#include "config/config.hpp"
#include "engine/engine.hpp"
#include "impact/ledger.hpp"
#include "impact/past.hpp"
#include "impact/upstream.hpp"

namespace tidelimit::impact {
namespace {

constexpr Nanos kCpuEvery = std::chrono::seconds{5};
constexpr Nanos kRefusedAfter = std::chrono::milliseconds{1};  // what a full queue takes to say so
constexpr std::uint16_t kUnavailable = 503;
constexpr std::uint64_t kGateSeed = 42;

/// One arm's gate: an engine in virtual time, or none.
class Gate {
 public:
  Gate(Span span) : begin_(span.from) {}

  Result<void> start(Arm arm, std::uint64_t seed, std::shared_ptr<const model::Bundle> models) {
    auto config = config::parse(configuration(arm), "impact.yaml");
    if (!config) {
      std::string words = "the configuration of the experiment is wrong";
      for (const auto& mistake : config.error())
        words += fmt::format("; line {}: {}", mistake.line, mistake.message);
      return fail(Code::internal, words);
    }
    told_of_latency_ = told_of_latency(arm);
    const bool learns = adapts(arm);
    engine_ = std::make_unique<engine::Engine>(
        config->engine, learns ? history_of(windows_until(begin_, seed)) : nullptr, kGateSeed);
    if (learns && !forecasts(arm)) {
      auto without = std::make_shared<model::Bundle>(*models);
      without->forecast = nullptr;
      models = std::move(without);
    }
    if (learns) engine_->set_models(std::move(models));
    if (auto restored = engine_->restore(at(begin_)); !restored) return restored;
    worker_ = engine_->make_worker();
    engine_->tick(at(begin_));
    return {};
  }

  [[nodiscard]] bool stands() const { return engine_ != nullptr; }
  [[nodiscard]] const engine::Engine& engine() const { return *engine_; }

  /// Ticks at every due time up to `time`.
  void pass(Nanos time) {
    if (!engine_) return;
    for (WallTime due = engine_->next_due(); due <= kDay + time; due = engine_->next_due()) {
      last_tick_ = std::max(last_tick_, due - kDay);
      engine_->tick(at(last_tick_));
    }
  }
  [[nodiscard]] engine::Answer decide(const traffic::Request& request, Nanos time) {
    if (!engine_) return {};
    return worker_->decide(request, 1, at(time));
  }
  void observe(traffic::Request request, double latency_ms, Nanos time) {
    if (told_of_latency_) request.latency_ms = static_cast<float>(latency_ms);
    if (engine_) worker_->observe(request, engine::ReportKind::already_decided, false, at(time));
  }
  void cpu(double busy, Nanos time) {
    if (engine_) engine_->signal({"cpu", busy, at(time).mono});
  }

 private:
  [[nodiscard]] Now at(Nanos time) const {
    return {Instant{time - begin_ + std::chrono::seconds{1}}, kDay + time};
  }

  Nanos begin_;
  Nanos last_tick_{};
  bool told_of_latency_ = true;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::EngineWorker> worker_;
};

/// A call that the upstream has taken.
struct Pending {
  Nanos ends;
  Arrival arrival;
  bool operator>(const Pending& other) const { return ends > other.ends; }
};

class Trial {
 public:
  Trial(Span span) : span_(span), gate_(span), upstream_(kWorkers, kQueue), ledger_(span, {}) {
    busy_.resize(static_cast<std::size_t>((span.until - span.from) / kCpuEvery) + 1);
    next_cpu_ = span.from + kCpuEvery;
  }

  Result<Outcome> run(Arm arm, std::uint64_t seed, std::shared_ptr<const model::Bundle> models) {
    if (arm != Arm::none) {
      if (auto started = gate_.start(arm, seed, std::move(models)); !started)
        return tl::unexpected(started.error());
    }
    Traffic traffic(span_, seed, true);
    for (Arrival arrival; traffic.next(arrival);) {
      pass(arrival.at);
      take(arrival);
    }
    pass(span_.until);
    note_plan_changes();
    return std::move(ledger_.outcome());
  }

 private:
  /// Everything that happens before `time`, in order: answers, measurements, ticks.
  void pass(Nanos time) {
    for (;;) {
      const Nanos answer = pending_.empty() ? Nanos::max() : pending_.top().ends;
      const Nanos next = std::min(answer, next_cpu_);
      if (next > time) break;
      gate_.pass(next);
      if (next == answer) {
        finish(pending_.top());
        pending_.pop();
      } else {
        measure();
      }
    }
    gate_.pass(time);
  }

  void take(const Arrival& arrival) {
    ledger_.asked(arrival);
    const traffic::Request request = arrival.request(kDay);
    const engine::Answer answer = gate_.decide(request, arrival.at);
    if (!answer.decision.allowed) {
      ledger_.denied(arrival, answer.decision.reason);
      return;
    }
    const Nanos service{static_cast<Nanos::rep>(arrival.service_ms * 1e6)};
    if (const auto ends = upstream_.admit(arrival.at, service)) {
      note_busy(*ends - service, *ends);
      pending_.push({*ends, arrival});
      return;
    }
    ledger_.refused(arrival);
    respond(arrival, kUnavailable, arrival.at + kRefusedAfter);
  }

  void finish(const Pending& done) {
    ledger_.answered(done.arrival, in_seconds(done.ends - done.arrival.at) * 1e3);
    respond(done.arrival, done.arrival.status, done.ends);
  }

  void respond(const Arrival& arrival, std::uint16_t status, Nanos time) {
    traffic::Request request = arrival.request(kDay);
    request.status = status;
    gate_.observe(request, in_seconds(time - arrival.at) * 1e3, time);
  }

  void note_busy(Nanos from, Nanos until) {
    while (from < until) {
      const auto slot = static_cast<std::size_t>((from - span_.from) / kCpuEvery);
      if (slot >= busy_.size()) return;
      const Nanos end = span_.from + kCpuEvery * static_cast<Nanos::rep>(slot + 1);
      busy_[slot] += in_seconds(std::min(until, end) - from);
      from = end;
    }
  }

  void measure() {
    const auto slot = static_cast<std::size_t>((next_cpu_ - span_.from) / kCpuEvery) - 1;
    const double busy = busy_[slot] / (in_seconds(kCpuEvery) * kWorkers);
    gate_.cpu(busy, next_cpu_);
    Bin& bin = ledger_.bin_at(next_cpu_ - kCpuEvery);
    bin.busy += busy * in_seconds(kCpuEvery) / in_seconds(kBin);
    if (gate_.stands()) look_at_plan(bin);
    next_cpu_ += kCpuEvery;
  }

  void look_at_plan(Bin& bin) {
    const auto status = gate_.engine().status();
    if (!status || !status->plan) return;
    const auto& cell = status->plan->cell(limiter::EndpointId{kBrowse}, limiter::TierId{kStd});
    const limiter::CellLimits& limits = cell.in(limiter::View::effective);
    bin.limit = limits.total.per_minute() / 60;
    bin.per_minute = limits.principal.per_minute();
    bin.shed = std::max(bin.shed, limits.shed / static_cast<double>(limiter::kShedAll));
  }

  void note_plan_changes() {
    if (!gate_.stands()) return;
    const auto status = gate_.engine().status();
    if (!status) return;
    for (const auto& change : status->recent_changes)
      ledger_.outcome().plan_changes.push_back(
          fmt::format("{} {}", format_time(change.time), policy::in_words(change)));
  }

  Span span_;
  Gate gate_;
  Upstream upstream_;
  std::priority_queue<Pending, std::vector<Pending>, std::greater<>> pending_;
  std::vector<double> busy_;  ///< worker-seconds, by kCpuEvery
  Nanos next_cpu_{};
  Ledger ledger_;
};

}  // namespace

Result<Outcome> play(Arm arm, Span span, std::uint64_t seed,
                     std::shared_ptr<const model::Bundle> models) {
  return Trial(span).run(arm, seed, std::move(models));
}

}  // namespace tidelimit::impact
