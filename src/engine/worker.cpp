#include <algorithm>
#include <string>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "engine/worker_impl.hpp"
#include "limiter/rollout.hpp"

namespace tidelimit::engine {

using limiter::Outcome;
using limiter::VerdictKind;

namespace {

// Passes are kept as a sample: at most ten a second of each worker, the first of each tenth.
constexpr Nanos kPassEvery = std::chrono::milliseconds{100};

/// By user, or by client where no user is named.
std::uint16_t rollout_place_of(const traffic::Request& request) {
  return request.user_id.empty() ? limiter::rollout_place(request.client)
                                 : limiter::rollout_place(request.user_id);
}

}  // namespace

EngineWorker::Prepared identify(const Routes& routes, const limiter::Limiter& limiter,
                                const traffic::Request& request, limiter::Hits hits,
                                std::string& buffer) {
  EngineWorker::Prepared prepared{routes.identify(request, buffer), {}, routes.epoch()};
  const Identity& who = prepared.who;
  limiter::Call& call = prepared.call;
  call.client = request.client;
  if (!request.user_id.empty()) call.user = limiter.hash_user(request.user_id);
  call.endpoint = who.endpoint;
  call.tier = who.tier;
  call.hits = hits;
  // Hashed even when there is none, as in training: no agent is an agent too.
  call.agent_hash = limiter.hash_text(request.user_agent);
  call.path_hash = limiter.hash_text(who.path);
  call.agent_classes = who.agent_classes;
  if (routes.rolls_out()) call.rollout = rollout_place_of(request);
  return prepared;
}

/// Windows count what was asked for, not what was let through.
void EngineWorker::Impl::count_demand(Tally& tally, const limiter::Call& call,
                                      const limiter::Decision& decision, Now now) noexcept {
  const bool malicious = decision.verdict == VerdictKind::malicious;
  const limiter::Hits asked =
      malicious || decision.allowed ? call.hits : limiter.demand_of(call, now.mono);
  if (asked == 0) return;
  put(tally, call.endpoint, window_of(now.wall),
      demand(call, malicious, std::min(asked, limiter::kMostCounted)), now.wall);
}

std::uint64_t EngineWorker::Impl::keep(Tally& tally, const traffic::Request& request,
                                       const limiter::Call& call, const Routes& routes,
                                       const limiter::Decision& decision, Now now) noexcept {
  if (log == nullptr) return 0;
  if (decision.outcome == Outcome::allow) {
    if (now.mono < next_pass) return 0;
    next_pass = now.mono + kPassEvery;
  }
  const limiter::Decision on_record = limiter::on_record(decision);
  if (decision.outcome != Outcome::allow) {
    const std::uint64_t client = data.limiter.hash_client(call.client);
    const std::uint64_t counted_by =
        log->join(kind_of(call, client, on_record, routes.epoch()), now.mono);
    if (counted_by != 0) return counted_by;
  }
  KeptDecision* entry = log->next();
  if (entry == nullptr) {
    tally.record_dropped(now.wall);
    return 0;
  }
  // Random as far as anyone without the key can tell: nobody guesses a neighbour's, and two of the
  // two million that a history keeps at most are the same once in ten million gates.
  do {
    entry->id = data.id_of(static_cast<std::uint64_t>(seat) << 44 | ++kept);
  } while (entry->id == 0);
  entry->time = now.wall;
  entry->client = call.client;
  entry->endpoint = call.endpoint;
  entry->tier = call.tier;
  entry->rollout = call.rollout;
  entry->hits = call.hits;
  entry->routes_epoch = routes.epoch();
  entry->decision = on_record;
  entry->user.set(request.user_id, data.user_name_key);
  entry->path.set(request.path);
  entry->method.set(request.method);
  const std::uint64_t id = entry->id;
  log->commit();
  return id;
}

EngineWorker::EngineWorker(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

EngineWorker::~EngineWorker() {
  std::lock_guard lock(impl_->data.mutex);
  impl_->data.seats[impl_->seat].left = true;
  impl_->data.publish_view();
}

Answer EngineWorker::decide(const traffic::Request& request, limiter::Hits hits, Now now) {
  return decide(request, impl_->identify(*impl_->look().routes, request, hits), now);
}

EngineWorker::Prepared EngineWorker::prepare(const traffic::Request& request, limiter::Hits hits) {
  Impl& me = *impl_;
  Prepared prepared = me.identify(*me.look().routes, request, hits);
  prefetch(prepared);
  return prepared;
}

void EngineWorker::prefetch(const Prepared& prepared) noexcept {
  impl_->limiter.prefetch(prepared.call);
  if (prepared.call.user != 0) impl_->data.crowd.prefetch(prepared.call.client);
}

EngineWorker::Prepared Identifier::identify(const traffic::Request& request, limiter::Hits hits) {
  return engine::identify(*routes_, *limiter_, request, hits, buffer_);
}

Identifier Engine::make_identifier() const {
  std::lock_guard lock(data_->mutex);
  return {data_->routes, data_->limiter};
}

Answer EngineWorker::decide(const traffic::Request& request, const Prepared& prepared, Now now) {
  Impl& me = *impl_;
  const WorkerView& view = me.look();
  const Routes& routes = *view.routes;
  if (prepared.routes_epoch != routes.epoch())
    return decide(request, me.identify(routes, request, prepared.call.hits), now);
  const auto& [who, call, epoch] = prepared;
  if (who.other_count != 0) [[unlikely]] {
    const Asked asked{request, call.hits};
    me.whose[0] = who;
    me.calls[0] = call;
    Answer answer;
    (void)me.decide_together(view, std::span(&asked, 1), now, std::span(&answer, 1));
    return answer;
  }
  Answer answer{.decision = me.limiter.decide(call, now.mono)};
  me.name(routes, who, answer);
  if (call.hits != 0)
    answer.decision_id = me.account(view, request, who, call, answer.decision, now);
  return answer;
}

void EngineWorker::Impl::name(const Routes& routes, const Identity& who, Answer& answer) const {
  answer.endpoint = &routes.endpoint(who.endpoint);
  answer.tier = &routes.tier(who.tier);
  answer.rule = routes.rule(answer.decision.rule);
}

/// Counts one request that was decided; the id under which it was kept, or 0.
std::uint64_t EngineWorker::Impl::account(const WorkerView& seen, const traffic::Request& request,
                                          const Identity& who, const limiter::Call& call,
                                          const limiter::Decision& decision, Now now) noexcept {
  Tally& tally = *seen.tallies[seat];
  tally.decided(who, decision);
  count_demand(tally, call, decision, now);
  if (call.user != 0) data.crowd.asked(call.client, call.user, now.mono);
  const std::uint64_t id = keep(tally, request, call, *seen.routes, decision, now);
  data.wake(now.mono);
  return id;
}

std::uint16_t EngineWorker::enforced_below() noexcept {
  static_cast<void>(impl_->look());
  return impl_->limiter.enforced_below();
}

std::unique_ptr<EngineWorker> Engine::make_worker() {
  std::size_t seat = 0;
  std::shared_ptr<DecisionLog> log;
  {
    std::lock_guard lock(data_->mutex);
    seat = data_->seats.size();
    if (data_->keeps_decisions) log = std::make_shared<DecisionLog>();
    data_->seats.push_back({log, false});
    data_->publish_view();
  }
  return std::unique_ptr<EngineWorker>(
      new EngineWorker(std::make_unique<EngineWorker::Impl>(*data_, seat, std::move(log))));
}

std::string format_decision_id(std::uint64_t id) {
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; id >>= 4) text[i] = kHexDigits[id & 15];
  return text;
}

}  // namespace tidelimit::engine
