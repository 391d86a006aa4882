#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/engine.hpp"
#include "limiter/loose_limits.hpp"
#include "serve/gate/body.hpp"
#include "serve/gate/settings.hpp"
#include "serve/http/handler.hpp"
#include "serve/metrics/latency_histogram.hpp"
#include "serve/net/clock.hpp"

namespace tidelimit::serve {

struct ForwardedCall;

/// Calls of auth that name no client, so that the gateway itself is taken for it, or no route; and
/// calls of check with a field that is not read.
struct Unnamed {
  std::uint64_t clients = 0;
  std::uint64_t routes = 0;
  std::uint64_t fields = 0;
};

/// The three calls of the request path on one loop: check, auth, report. Answers in the loop
/// itself, without a lock, a system call or, in the steady state, an allocation. One thread.
class Gate {
 public:
  Gate(engine::Engine& engine, const SettingsSlot& settings, LatencyHistogram& latency,
       const Clock& clock);

  /// The configuration in force; holds until the next call.
  [[nodiscard]] const FrontSettings& settings() { return *settings_.get(); }
  [[nodiscard]] engine::EngineWorker& worker() { return *worker_; }

  /// The answer to who may not ask by /v1/auth; nullopt: may.
  [[nodiscard]] std::optional<Response> refuse_auth(const Peer& peer);
  /// Likewise of check and report, which programs make. Gateways hand a browser's own headers on,
  /// so only here they tell whether a page is behind it.
  [[nodiscard]] std::optional<Response> refuse_program(const Head& head, const Peer& peer);

  /// `rest` is what follows /v1/auth in the path.
  void auth(const Request& request, std::string_view rest, ResponseWriter& response);
  void check(const Request& request, ResponseWriter& response);
  void report(const Request& request, ResponseWriter& response);

  // For fronts of other protocols on the same loop.

  [[nodiscard]] engine::Answer decide(const traffic::Request& request, limiter::Hits hits,
                                      const Now& now);
  /// See engine::EngineWorker::decide_all.
  [[nodiscard]] bool decide_all(std::span<const engine::EngineWorker::Asked> asked, const Now& now,
                                std::span<engine::Answer> answers);
  /// See limiter::charge_all.
  [[nodiscard]] bool charge_all(std::span<const limiter::LooseLimit> limits, std::uint64_t epoch,
                                Instant now, std::span<limiter::LooseAnswer> answers);
  [[nodiscard]] const limiter::Limiter& limiter() const;
  /// The mode of the gate as a whole.
  [[nodiscard]] limiter::Mode mode() const;
  /// See limiter::Worker::enforced_below.
  [[nodiscard]] std::uint16_t enforced_below() { return worker_->enforced_below(); }

  /// Hands the turn's decision times to the histogram.
  void end_turn();

  /// Calls that do not say what tells requests apart, or not so that it is read. Any thread.
  [[nodiscard]] Unnamed unnamed() const {
    return {clients_unnamed_.load(std::memory_order_relaxed),
            routes_unnamed_.load(std::memory_order_relaxed),
            fields_ignored_.load(std::memory_order_relaxed)};
  }

 private:
  template <class Decide>
  auto timed(Decide&& decide);
  /// Of a call that names two routes: both must let it pass, or neither is charged.
  [[nodiscard]] engine::Answer decide_routes(const ForwardedCall& call, const Now& now);
  /// Nobody waits for the answer: the gateway has decided by itself, and its log will say that the
  /// gate was down. What was charged stays so; the places in flight would be held for nothing.
  void give_back(const ForwardedCall& call, const Now& now);
  void deny(const engine::Answer& answer, int wanted_status, const FrontSettings& settings,
            ResponseWriter& response);

  engine::Engine& engine_;
  SettingsReader settings_;
  std::unique_ptr<engine::EngineWorker> worker_;
  LatencyHistogram& latency_;
  const Clock& clock_;
  BodyReader bodies_;
  std::string json_;
  Nanos turn_sample_{0};  ///< how long this turn's first decision took
  std::uint64_t turn_count_ = 0;
  std::atomic<std::uint64_t> clients_unnamed_{0};
  std::atomic<std::uint64_t> routes_unnamed_{0};
  std::atomic<std::uint64_t> fields_ignored_{0};
};

/// Whose answer a response is: that of the service, or tidelimit's own refusal.
enum class Whose : std::uint8_t { service, own, unknown };
/// Where nobody says, 429 is what a gateway answers when tidelimit refuses. Where `deny_status` is
/// another (503), both may have answered with it.
[[nodiscard]] Whose whose_answer(const traffic::Request& seen, int deny_status);

/// Whether a request that was let pass is in flight no more. What tidelimit refused never was; what
/// the service may have refused counts until its timeout; and one whose client hung up the service
/// may work on still.
[[nodiscard]] bool ends_request(const traffic::Request& seen, Whose whose);

/// Hands a response that was seen elsewhere to a worker. What may have been tidelimit's own answer
/// is no error of the service, and no end of a request in flight; nor is one that tidelimit was
/// never asked about, which says something of its client alone. One whose question stayed
/// unanswered is the service's answer, and holds no place (Gate::give_back).
/// With observe_only nobody is asked about anything, whatever the response says of it.
void take_response(engine::EngineWorker& worker, const traffic::Request& seen,
                   engine::ReportKind counting, const FrontSettings& settings, const Now& now);

/// Reads a report and hands it to a worker; for the loops and, for large ones, the admin lane.
[[nodiscard]] Response take_report(BodyReader& bodies, engine::EngineWorker& worker,
                                   const FrontSettings& settings, std::string_view target,
                                   std::string_view body, const Now& now);

/// The largest bodies of the gate's calls.
inline constexpr std::size_t kMostCheckBody = 64 << 10;
inline constexpr std::size_t kMostReportBody = 4 << 20;
/// Larger reports are read on the admin lane: a loop must not spend milliseconds on one call.
inline constexpr std::size_t kLoopReportBody = 64 << 10;

}  // namespace tidelimit::serve
