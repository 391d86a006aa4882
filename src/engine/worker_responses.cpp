// What comes after a decision: how a request was answered, and that it ended.
#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/worker_impl.hpp"

namespace tidelimit::engine {

using limiter::VerdictKind;

namespace {

// Of a latency that is a number and not negative; eleven days are as good as longer.
[[nodiscard]] std::uint64_t microseconds(float latency_ms) {
  constexpr double kMostMs = 1e9;
  return static_cast<std::uint64_t>(std::min(static_cast<double>(latency_ms), kMostMs) * 1e3);
}

// When a request that ends now began, as far as its latency tells.
[[nodiscard]] std::optional<Instant> began(const traffic::Request& request, Instant now) {
  if (!(request.latency_ms >= 0)) return std::nullopt;  // not a number, too
  return now - std::chrono::microseconds{microseconds(request.latency_ms)};
}

}  // namespace

void EngineWorker::Impl::count_response(Tally& tally, const limiter::Call& call,
                                        const traffic::Request& request, ReportKind kind,
                                        bool own_denial, Now now) noexcept {
  WindowCounts counts;
  const bool malicious = limiter.verdict_on(call, now.mono) == VerdictKind::malicious;
  if (kind == ReportKind::observe_only) counts = demand(call, malicious, 1);
  // tidelimit's own refusal is no answer of the service: neither a response nor an error.
  const std::uint16_t status = traffic::answered_status(request);
  const bool timed = std::isfinite(request.latency_ms) && request.latency_ms >= 0;
  const bool answered = !malicious && !own_denial && status != 0;
  if (answered) {
    counts.responses = 1;
    counts.errors = traffic::is_error(status) ? 1 : 0;
    if (timed) counts.latency_us = microseconds(request.latency_ms);
  }
  // A clock ahead of ours is taken for now: no window opens early.
  const WindowIndex window = window_of(std::min(request.time, now.wall));
  put(tally, call.endpoint, window, counts, now.wall);
  const auto of = traffic::answer_kind(status);
  if (answered && timed && of && is_open(window))
    tally.answered(call.endpoint, *of, microseconds(request.latency_ms));
}

void EngineWorker::observe(const traffic::Request& request, ReportKind kind, bool own_denial,
                           Now now) {
  observe(request, impl_->identify(*impl_->look().routes, request, 1), kind, own_denial, now);
}

void EngineWorker::observe(const traffic::Request& request, const Prepared& prepared,
                           ReportKind kind, bool own_denial, Now now) {
  Impl& me = *impl_;
  const WorkerView& view = me.look();
  if (prepared.routes_epoch != view.routes->epoch()) return observe(request, kind, own_denial, now);
  const auto& [who, call, epoch] = prepared;
  const limiter::ClientTable::Event event = limiter::client_event(call, 1);
  limiter::ClientTable& clients = me.data.limiter.clients();
  if (kind == ReportKind::observe_only) {
    clients.count_request(event, own_denial, now.mono);
    if (call.user != 0) me.data.crowd.asked(call.client, call.user, now.mono);
  }
  const std::uint16_t status = traffic::answered_status(request);
  if (!own_denial && status != 0) {
    const limiter::ResponseClass of = traffic::response_class(status);
    clients.count_response(event, of, now.mono);
    if (call.user != 0 && of == limiter::ResponseClass::fine && kind != ReportKind::never_asked)
      me.data.crowd.served(call.client, call.user, now.mono);
  }
  // Whoever is not asked about may be answered in no time, as often as he likes: it is neither the
  // service's work nor its latency.
  if (kind != ReportKind::never_asked) {
    Tally& tally = *view.tallies[me.seat];
    tally.observed(who, request.status);
    me.count_response(tally, call, request, kind, own_denial, now);
  }
  me.data.wake(now.mono);
}

void EngineWorker::end(const traffic::Request& request, Now now) {
  end(request, impl_->identify(*impl_->look().routes, request, 1), now);
}

void EngineWorker::end(const traffic::Request& request, const Prepared& prepared, Now now) {
  Impl& me = *impl_;
  if (prepared.routes_epoch != me.look().routes->epoch()) return end(request, now);
  limiter::Call call = prepared.call;
  static_cast<void>(me.limiter.release(call, began(request, now.mono), now.mono));
  for (std::size_t i = 0; i < prepared.who.other_count; ++i) {
    call.endpoint = prepared.who.others[i];
    static_cast<void>(me.limiter.release(call, began(request, now.mono), now.mono));
  }
}

}  // namespace tidelimit::engine
