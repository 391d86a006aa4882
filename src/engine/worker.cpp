#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <span>
#include <string>

#include "base/hash.hpp"
#include "engine/data.hpp"
#include "limiter/rollout.hpp"

namespace tidelimit::engine {

using limiter::Outcome;
using limiter::VerdictKind;

namespace {

constexpr std::size_t kLongestPath = 16 << 10;  // the buffer grows beyond it only for odd ones
// Passes are kept as a sample: at most ten a second of each worker, the first of each tenth.
constexpr Nanos kPassEvery = std::chrono::milliseconds{100};

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

/// So many requests of a call, as windows count them.
[[nodiscard]] WindowCounts demand(const limiter::Call& call, bool malicious, limiter::Hits hits) {
  WindowCounts counts;
  (malicious ? counts.malicious : counts.requests) = hits;
  if (!malicious && limiter::index(call.tier) == 0) counts.premium = hits;
  return counts;
}

/// By user, or by client where no user is named.
std::uint16_t rollout_place_of(const traffic::Request& request) {
  return request.user_id.empty() ? limiter::rollout_place(request.client)
                                 : limiter::rollout_place(request.user_id);
}

/// Of two decisions about one request: which one the caller is told.
bool says_more(const limiter::Decision& decision, const limiter::Decision& told) {
  if (decision.allowed != told.allowed) return told.allowed;
  return told.limit.unlimited() && !decision.limit.unlimited();
}

}  // namespace

struct EngineWorker::Impl {
  Impl(Engine::Data& the_data, std::size_t the_seat, std::shared_ptr<DecisionLog> the_log)
      : data(the_data),
        limiter(the_data.limiter),
        view(the_data.view),
        seat(the_seat),
        log(std::move(the_log)) {
    path.reserve(kLongestPath);
    while (view.get() == nullptr) {  // busy for a moment at most: a view was published before us
    }
  }

  /// What is in force: the limiter goes by it until the next look.
  [[nodiscard]] const WorkerView& look() noexcept {
    const WorkerView& seen = *view.get();
    limiter.go_by(seen.plan.get());
    return seen;
  }
  [[nodiscard]] Prepared identify(const Routes& routes, const traffic::Request& request,
                                  limiter::Hits hits);
  void name(const Routes& routes, const Identity& who, Answer& answer) const;
  [[nodiscard]] std::uint64_t account(const WorkerView& seen, const traffic::Request& request,
                                      const Identity& who, const limiter::Call& call,
                                      const limiter::Decision& decision, Now now) noexcept;
  void account_together(const WorkerView& seen, std::span<const Asked> asked, std::size_t count,
                        Now now) noexcept;
  [[nodiscard]] std::size_t add_other_readings(std::size_t asked) noexcept;
  void count_demand(Tally& tally, const limiter::Call& call, const limiter::Decision& decision,
                    Now now) noexcept;
  void count_response(Tally& tally, const limiter::Call& call, const traffic::Request& request,
                      ReportKind kind, bool own_denial, Now now) noexcept;
  [[nodiscard]] WindowIndex window_of(WallTime time) noexcept;
  [[nodiscard]] bool is_open(WindowIndex window) const noexcept;
  void put(Tally& tally, limiter::EndpointId endpoint, WindowIndex window,
           const WindowCounts& counts, WallTime now) noexcept;
  [[nodiscard]] std::uint64_t keep(Tally& tally, const traffic::Request& request,
                                   const limiter::Call& call, const Routes& routes,
                                   const limiter::Decision& decision, Now now) noexcept;

  Engine::Data& data;
  limiter::Worker limiter;
  limiter::SnapshotReader<WorkerView> view;
  const std::size_t seat;
  const std::shared_ptr<DecisionLog> log;  ///< null: nothing is kept
  std::string path;
  // Of the calls that are decided together.
  std::array<Identity, limiter::Worker::kTogetherMax> whose{};
  std::array<limiter::Call, limiter::Worker::kTogetherMax> calls{};
  std::array<limiter::Decision, limiter::Worker::kTogetherMax> decisions{};
  std::array<std::size_t, limiter::Worker::kTogetherMax> question{};  ///< which one a call is of
  std::array<std::uint64_t, limiter::Worker::kTogetherMax> ids{};     ///< of what was kept
  std::uint64_t kept = 0;
  Instant next_pass{};
  WindowIndex last_window = 0;
  WallTime last_window_start{};
};

EngineWorker::Prepared EngineWorker::Impl::identify(const Routes& routes,
                                                    const traffic::Request& request,
                                                    limiter::Hits hits) {
  Prepared prepared{routes.identify(request, path), {}, routes.epoch()};
  const Identity& who = prepared.who;
  limiter::Call& call = prepared.call;
  call.client = request.client;
  if (!request.user_id.empty()) call.user = data.limiter.hash_user(request.user_id);
  call.endpoint = who.endpoint;
  call.tier = who.tier;
  call.hits = hits;
  // Hashed even when there is none, as in training: no agent is an agent too.
  call.agent_hash = data.limiter.hash_text(request.user_agent);
  call.path_hash = data.limiter.hash_text(who.path);
  call.agent_classes = who.agent_classes;
  if (routes.rolls_out()) call.rollout = rollout_place_of(request);
  return prepared;
}

/// As Engine::Data::index_of, without its divisions where the time is in the window last asked for.
WindowIndex EngineWorker::Impl::window_of(WallTime time) noexcept {
  if (time < last_window_start || time - last_window_start >= data.window) [[unlikely]] {
    last_window = data.index_of(time);
    last_window_start = data.start_of(last_window);
  }
  return last_window;
}

bool EngineWorker::Impl::is_open(WindowIndex window) const noexcept {
  const WindowIndex first = data.first_open.load(std::memory_order_acquire);
  if (first == std::numeric_limits<WindowIndex>::min()) return true;  // before the first tick
  return window >= first && window - first < static_cast<WindowIndex>(kOpenWindows);
}

void EngineWorker::Impl::put(Tally& tally, limiter::EndpointId endpoint, WindowIndex window,
                             const WindowCounts& counts, WallTime now) noexcept {
  if (is_open(window)) {
    tally.add(endpoint, window, counts);
  } else {
    tally.late(endpoint, data.index_of(now));
  }
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

void EngineWorker::Impl::count_response(Tally& tally, const limiter::Call& call,
                                        const traffic::Request& request, ReportKind kind,
                                        bool own_denial, Now now) noexcept {
  WindowCounts counts;
  const bool malicious = limiter.verdict_on(call, now.mono) == VerdictKind::malicious;
  if (kind == ReportKind::observe_only) counts = demand(call, malicious, 1);
  // tidelimit's own refusal is no answer of the service: neither a response nor an error.
  const std::uint16_t status = traffic::answered_status(request);
  if (!malicious && !own_denial && status != 0) {
    counts.responses = 1;
    counts.errors = traffic::is_error(status) ? 1 : 0;
    if (std::isfinite(request.latency_ms) && request.latency_ms > 0)
      counts.latency_us = microseconds(request.latency_ms);
  }
  // A clock ahead of ours is taken for now: no window opens early.
  put(tally, call.endpoint, window_of(std::min(request.time, now.wall)), counts, now.wall);
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
  me.limiter.prefetch(prepared.call);
  if (prepared.call.user != 0) me.data.crowd.prefetch(prepared.call.client);
  return prepared;
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
    Answer answer;
    (void)decide_all(std::span(&asked, 1), now, std::span(&answer, 1));
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

bool EngineWorker::decide_all(std::span<const Asked> asked, Now now, std::span<Answer> answers) {
  Impl& me = *impl_;
  if (asked.size() > limiter::Worker::kTogetherMax) std::terminate();
  const WorkerView& view = me.look();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Prepared prepared = me.identify(*view.routes, asked[i].request, asked[i].hits);
    me.whose[i] = prepared.who;
    me.calls[i] = prepared.call;
    me.calls[i].given = asked[i].given;
  }
  const std::size_t count = me.add_other_readings(asked.size());
  const std::span<const limiter::Call> calls(me.calls.data(), count);
  const bool passed = me.limiter.decide_all(calls, now.mono, me.decisions);
  me.account_together(view, asked, count, now);
  for (std::size_t i = 0; i < count; ++i) {
    const bool first = i < asked.size();
    Answer& answer = answers[me.question[i]];
    if (!first && !says_more(me.decisions[i], answer.decision)) continue;
    answer = {.decision = me.decisions[i]};
    me.name(*view.routes, me.whose[i], answer);
    answer.decision_id = me.ids[i];
  }
  return passed;
}

/// Behind the questions that were asked: those about the endpoints at which servers that read a
/// path otherwise take its request, as far as there is room. How many calls there are then.
std::size_t EngineWorker::Impl::add_other_readings(std::size_t asked) noexcept {
  std::size_t count = asked;
  for (std::size_t i = 0; i < asked; ++i) {
    question[i] = i;
    for (std::size_t j = 0; j < whose[i].other_count && count < calls.size(); ++j, ++count) {
      whose[count] = whose[i];
      whose[count].endpoint = whose[i].others[j];
      calls[count] = calls[i];
      calls[count].endpoint = whose[count].endpoint;
      question[count] = i;
    }
  }
  return count;
}

/// Each request once: by its first question that charges, as the one that went worst says.
void EngineWorker::Impl::account_together(const WorkerView& seen, std::span<const Asked> asked,
                                          std::size_t count, Now now) noexcept {
  const auto is_one = [&](std::size_t i, std::size_t j) {
    return calls[j].hits != 0 && limiter::same_request(calls[question[i]], calls[question[j]]);
  };
  for (std::size_t i = 0; i < count; ++i) ids[i] = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (calls[i].hits == 0) continue;
    bool counted = false;
    for (std::size_t j = 0; j < i; ++j) counted = counted || is_one(i, j);
    if (counted) continue;
    std::size_t worst = i;
    limiter::Hits hits = calls[i].hits;
    for (std::size_t j = i + 1; j < count; ++j) {
      if (!is_one(i, j)) continue;
      hits = std::max(hits, calls[j].hits);
      const limiter::Decision& said = decisions[worst];
      const bool worse =
          said.allowed && (!decisions[j].allowed || (said.outcome == Outcome::allow &&
                                                     decisions[j].outcome == Outcome::shadow_deny));
      if (worse) worst = j;
    }
    limiter::Call whole = calls[worst];
    whole.hits = hits;
    const traffic::Request& request = asked[question[i]].request;
    const std::uint64_t id = account(seen, request, whose[worst], whole, decisions[worst], now);
    for (std::size_t j = i; j < count; ++j)
      if (is_one(i, j)) ids[j] = id;
  }
}

std::uint16_t EngineWorker::enforced_below() noexcept {
  static_cast<void>(impl_->look());
  return impl_->limiter.enforced_below();
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
    if (call.user != 0 && of == limiter::ResponseClass::fine)
      me.data.crowd.served(call.client, call.user, now.mono);
  }
  Tally& tally = *view.tallies[me.seat];
  tally.observed(who, request.status);
  me.count_response(tally, call, request, kind, own_denial, now);
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
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; id >>= 4) text[i] = kDigits[id & 15];
  return text;
}

}  // namespace tidelimit::engine
