#include "limiter/judge.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace tidelimit::limiter {
namespace {

// How long a shed request is told to stay away: rules that shed are looked at every second.
constexpr Nanos kShedRetry = std::chrono::seconds{5};

[[nodiscard]] Mode load(const std::atomic<Mode>& mode) {
  return mode.load(std::memory_order_relaxed);
}

[[nodiscard]] std::uint64_t not_zero(std::uint64_t key) {
  return key == 0 ? 1 : key;
}

[[nodiscard]] std::uint64_t principal_of(std::uint64_t seed, const Call& call) {
  return call.user != 0 ? call.user : hash_client(call.client, seed);
}

// One word for a use and the endpoint and tier it is for; 0xffff and 0xff where it is for all.
[[nodiscard]] constexpr std::uint64_t purpose(std::uint8_t use, std::size_t endpoint,
                                              std::size_t tier) {
  return std::uint64_t{use} << 32 | static_cast<std::uint64_t>(endpoint) << 8 | tier;
}
constexpr std::size_t kAllEndpoints = 0xffff;
constexpr std::size_t kAllTiers = 0xff;

[[nodiscard]] Nanos until(Instant end, Instant now) {
  return end.since_start == Nanos::max() ? Nanos::max() : end - now;
}

// Identified under a configuration that is gone: the last endpoint is `other`, the last tier the
// least.
[[nodiscard]] EndpointId endpoint_in(const Plan& plan, EndpointId id) {
  return index(id) < plan.endpoints.size()
             ? id
             : EndpointId{static_cast<std::uint16_t>(plan.endpoints.size() - 1)};
}
[[nodiscard]] TierId tier_in(const Plan& plan, TierId id) {
  return index(id) < plan.tiers ? id : TierId{static_cast<std::uint8_t>(plan.tiers - 1)};
}

}  // namespace

Judge::Judge(Limiter& limiter, const Plan& plan, const VerdictTable* verdicts,
             const OverrideTable* overrides, const Call& call, Instant now) noexcept
    : limiter_(limiter),
      plan_(plan),
      verdicts_(verdicts),
      overrides_(overrides),
      call_(call),
      now_(now),
      endpoint_id_(endpoint_in(plan, call.endpoint)),
      tier_id_(tier_in(plan, call.tier)),
      endpoint_(plan.endpoints[index(endpoint_id_)]) {
  decision_.endpoint = endpoint_id_;
  decision_.tier = tier_id_;
  decision_.plan_generation = plan.generation;
}

Decision Judge::decide() noexcept {
  const Mode mode = std::min(load(limiter_.mode.all), endpoint_.mode);
  if (mode == Mode::off) return decision_;
  attempt(mode);
  if (!decision_.allowed && mode == Mode::shadow) {
    decision_.allowed = true;
    decision_.outcome = Outcome::shadow_deny;
    decision_.retry_after = Nanos{0};
  }
  return decision_;
}

// The whole order of a decision. Everything that can deny without a bucket does so at once; the
// limits are gathered, checked together and charged together.
void Judge::attempt(Mode mode) noexcept {
  const Override* hand = overrides_ == nullptr || overrides_->empty()
                             ? nullptr
                             : overrides_->find(call_.client, call_.user, now_);
  const Verdict* verdict = hand == nullptr ? find_verdict() : nullptr;
  const Verdict* shadow_verdict = nullptr;
  if (hand != nullptr && !pass_override(*hand)) return;
  if (verdict != nullptr) {
    decision_.verdict = verdict->kind;
    if (mode_of(*verdict) != Mode::enforce) {
      shadow_verdict = verdict;
    } else if (!pass_verdict(*verdict)) {
      return;
    }
  }
  const Views in_force = views();
  add_plan_lines(in_force, hand != nullptr);
  const bool shed = endpoint_.shed && in_force.enforced != View::base;
  const bool check_first = line_count_ > 1 || shed || call_.hits == 0;
  if (check_first && !check_all()) return;
  if (shed) return deny(Reason::load_shed, endpoint_.shed_rule, kShedRetry);
  if (call_.hits != 0 && !charge_all()) return;
  if (mode == Mode::enforce) watch(shadow_verdict, in_force);
}

Judge::Views Judge::views() const noexcept {
  const Mode rules = load(limiter_.mode.rules);
  const Mode forecast = load(limiter_.mode.forecast);
  if (rules == Mode::off || now_ >= plan_.expires_at) return {View::base, View::base};
  const View watched = forecast == Mode::off ? View::without_forecast : View::shadow;
  if (rules == Mode::shadow) return {View::base, watched};
  return {forecast == Mode::enforce ? View::effective : View::without_forecast, watched};
}

Mode Judge::mode_of(const Verdict& verdict) const noexcept {
  const ModeSwitch& all = limiter_.mode;
  const auto& part = verdict.part == Part::anomaly ? all.anomaly
                     : verdict.part == Part::rules ? all.rules
                                                   : all.forecast;
  return std::min(verdict.mode, load(part));
}

const Verdict* Judge::find_verdict() const noexcept {
  const Verdict* found = verdicts_ == nullptr ? nullptr : verdicts_->find(call_.client, now_);
  if (found == nullptr || mode_of(*found) == Mode::off) return nullptr;
  if (overrides_ != nullptr && overrides_->allow_listed(call_.client)) return nullptr;
  return found;
}

// False when the decision is made: passed or denied by hand. A limit by hand joins the lines.
bool Judge::pass_override(const Override& hand) noexcept {
  if (hand.action == Action::block) {
    deny(Reason::override_, kNoRule, until(hand.expires_at, now_));
    return false;
  }
  if (hand.action != Action::limit) {
    decision_.reason = Reason::override_;
    return false;
  }
  std::uint64_t target = hand.user;
  if (target == 0) {
    const auto* bytes = reinterpret_cast<const char*>(hand.prefix.address.bytes.data());
    target =
        hash_bytes({bytes, hand.prefix.address.bytes.size()}, limiter_.seed_ + hand.prefix.length);
  }
  add({key_of(target, Use::hand, hand.limit), Use::hand, &hand.limit, nullptr, nullptr,
       Reason::override_, kNoRule, kNoRule, Tat{0}});
  return true;
}

// False when the verdict denies. A limit by verdict joins the lines: plan limits hold besides.
bool Judge::pass_verdict(const Verdict& verdict) noexcept {
  if (verdict.action == Action::block) {
    deny(Reason::client_blocked, verdict.rule, until(verdict.expires_at, now_));
    return false;
  }
  if (verdict.action == Action::limit)
    add({key_of(client_hash(), Use::verdict, verdict.limit), Use::verdict, &verdict.limit, nullptr,
         nullptr, Reason::client_limited, verdict.rule, kNoRule, Tat{0}});
  return true;
}

void Judge::add_plan_lines(const Views& in_force, bool by_hand) noexcept {
  const Cell& cell = plan_.cell(endpoint_id_, tier_id_);
  const CellLimits& limits = cell.in(in_force.enforced);
  const CellLimits& base = cell.in(View::base);
  const bool watching = in_force.watched != in_force.enforced;
  const CellLimits* watched = watching ? &cell.in(in_force.watched) : nullptr;
  const RuleId watched_rule = watching ? watched->rule : kNoRule;
  if (!by_hand) {
    add({key_of(principal_of(limiter_.seed_, call_), Use::principal), Use::principal,
         &limits.principal, &base.principal, watching ? &watched->principal : nullptr,
         Reason::over_limit, limits.rule, watched_rule, Tat{0}});
    if (!endpoint_.client.unlimited())
      add({key_of(client_hash(), Use::client), Use::client, &endpoint_.client, nullptr, nullptr,
           Reason::over_limit, kNoRule, kNoRule, Tat{0}});
  }
  if (!limits.total.unlimited())
    add({key_of(limiter_.seed_, Use::total), Use::total, &limits.total, &base.total,
         watching ? &watched->total : nullptr, Reason::over_limit, limits.rule, watched_rule,
         Tat{0}});
}

void Judge::add(const Line& line) noexcept {
  if (!line.limit->unlimited()) lines_[line_count_++] = line;
}

bool Judge::check_all() noexcept {
  for (std::size_t i = 0; i < line_count_; ++i) {
    const Charge seen = ask(lines_[i], *lines_[i].limit, false);
    lines_[i].before = seen.before;
    if (!seen.conformance.conforms) {
      deny_by(lines_[i], seen.conformance);
      return false;
    }
    if (call_.hits == 0) report_pass(lines_[i], seen.conformance);
  }
  return true;
}

// All were seen to conform; one that another thread filled meanwhile takes the others back.
bool Judge::charge_all() noexcept {
  std::array<Charge, kLinesMax> charges;
  for (std::size_t i = 0; i < line_count_; ++i) {
    charges[i] = ask(lines_[i], *lines_[i].limit, true);
    lines_[i].before = charges[i].before;
    if (charges[i].conformance.conforms) {
      report_pass(lines_[i], charges[i].conformance);
      continue;
    }
    for (std::size_t j = 0; j < i; ++j) BucketTable::undo(charges[j]);
    deny_by(lines_[i], charges[i].conformance);
    return false;
  }
  return true;
}

// What shadow verdicts and rules would have denied, among the requests that pass. Watched limits
// have buckets of their own: they fill only with what those limits would have let through.
void Judge::watch(const Verdict* verdict, const Views& in_force) noexcept {
  const bool charge = call_.hits != 0;
  if (verdict != nullptr && verdict->action == Action::block)
    would_deny(Reason::client_blocked, verdict->rule, nullptr);
  if (verdict != nullptr && verdict->action == Action::limit && !verdict->limit.unlimited()) {
    const Line line{key_of(client_hash(), Use::verdict, verdict->limit),
                    Use::verdict,
                    &verdict->limit,
                    nullptr,
                    nullptr,
                    Reason::client_limited,
                    verdict->rule,
                    kNoRule,
                    Tat{0}};
    if (!ask(line, *line.limit, charge).conformance.conforms)
      would_deny(line.reason, line.rule, line.limit);
  }
  for (std::size_t i = 0; i < line_count_; ++i) {
    Line line = lines_[i];
    if (line.watched == nullptr || *line.watched == *line.limit || line.watched->unlimited())
      continue;
    line.key = not_zero(mix(line.key, line.key >> 32));
    const Charge seen = ask(line, *line.watched, charge, line.before);
    if (!seen.conformance.conforms)
      would_deny(reason_of(line, seen.before), line.watched_rule, line.watched);
  }
  if (endpoint_.shed && in_force.enforced == View::base && in_force.watched != View::base)
    would_deny(Reason::load_shed, endpoint_.shed_rule, nullptr);
}

bool Judge::counts_as_demand() noexcept {
  const Limit& base = plan_.cell(endpoint_id_, tier_id_).in(View::base).principal;
  if (base.unlimited()) return true;
  const Line line{key_of(principal_of(limiter_.seed_, call_), Use::demand),
                  Use::demand,
                  &base,
                  nullptr,
                  nullptr,
                  Reason::over_limit,
                  kNoRule,
                  kNoRule,
                  Tat{0}};
  return ask(line, base, call_.hits != 0).conformance.conforms;
}

Charge Judge::ask(const Line& line, const Limit& limit, bool charge, Tat floor) noexcept {
  // Limits of verdicts and overrides belong to no configuration; their values are in the key.
  const bool of_plan = line.use != Use::verdict && line.use != Use::hand;
  const BucketCall call{line.key, call_.hits, limit, of_plan ? plan_.limits_epoch : 0, now_, floor};
  const auto shared = [&] { return overflow_key(line); };
  const Charge result =
      charge ? limiter_.buckets_.charge(call, shared) : limiter_.buckets_.peek(call, shared);
  decision_.overflow = decision_.overflow || result.overflow;
  return result;
}

void Judge::report_pass(const Line& line, const Conformance& conformance) noexcept {
  const bool first = decision_.limit.unlimited();
  if (!first && (line.use == Use::total || conformance.remaining >= decision_.remaining)) return;
  decision_.limit = *line.limit;
  decision_.remaining = conformance.remaining;
  decision_.reset_after = conformance.reset_after;
  decision_.rule = line.rule;
  decision_.near_limit = call_.hits != 0 && conformance.remaining * 5 < line.limit->burst;
}

void Judge::deny(Reason reason, RuleId rule, Nanos retry_after) noexcept {
  decision_.allowed = false;
  decision_.outcome = Outcome::deny;
  decision_.reason = reason;
  decision_.rule = rule;
  decision_.retry_after = retry_after;
  decision_.near_limit = false;
}

void Judge::deny_by(const Line& line, const Conformance& conformance) noexcept {
  deny(reason_of(line, conformance.tat), line.rule, conformance.retry_after);
  decision_.limit = *line.limit;
  decision_.remaining = conformance.remaining;
  decision_.reset_after = conformance.reset_after;
}

// The first names the reason. Nothing else of the answer changes.
void Judge::would_deny(Reason reason, RuleId rule, const Limit* limit) noexcept {
  if (decision_.outcome == Outcome::shadow_deny) return;
  decision_.outcome = Outcome::shadow_deny;
  decision_.reason = reason;
  decision_.rule = rule;
  if (limit != nullptr) decision_.limit = *limit;
}

Reason Judge::reason_of(const Line& line, Tat tat) const noexcept {
  if (line.base == nullptr) return line.reason;
  return conform(tat, call_.hits, *line.base, now_).conforms ? Reason::reduced_capacity
                                                             : line.reason;
}

std::uint64_t Judge::principal_key(const Limiter& limiter, const Call& call) noexcept {
  const auto use = static_cast<std::uint8_t>(Use::principal);
  return not_zero(
      mix(principal_of(limiter.seed_, call), purpose(use, index(call.endpoint), kAllTiers)));
}

std::uint64_t Judge::key_of(std::uint64_t whose, Use use) const noexcept {
  const std::size_t tier = use == Use::total ? index(tier_id_) : kAllTiers;
  const auto word = purpose(static_cast<std::uint8_t>(use), index(endpoint_id_), tier);
  return not_zero(mix(whose, word));
}

// Of limits over all endpoints: another limit is another bucket.
std::uint64_t Judge::key_of(std::uint64_t whose, Use use, const Limit& limit) const noexcept {
  const auto word = purpose(static_cast<std::uint8_t>(use), kAllEndpoints, kAllTiers);
  const auto interval = static_cast<std::uint64_t>(limit.emission_interval.count());
  return not_zero(mix(mix(whose, word), mix(interval, limit.burst)));
}

std::uint64_t Judge::client_hash() const noexcept {
  return hash_client(call_.client, limiter_.seed_);
}

// What is everyone's keeps a bucket of its own; the rest shares with its neighbourhood.
std::uint64_t Judge::overflow_key(const Line& line) const noexcept {
  if (line.use == Use::total || line.use == Use::hand) return line.key;
  const std::uint64_t whose = hash_client(neighbourhood_of(call_.client), limiter_.seed_);
  return line.use == Use::verdict ? key_of(whose, line.use, *line.limit) : key_of(whose, line.use);
}

}  // namespace tidelimit::limiter
