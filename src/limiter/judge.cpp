#include "limiter/judge.hpp"

#include <algorithm>

namespace tidelimit::limiter {
namespace {

// How long a shed request is told to stay away: rules that shed are looked at every second.
constexpr Nanos kShedRetry = std::chrono::seconds{5};

[[nodiscard]] LimitOf limit_of(Use use) {
  switch (use) {
    case Use::client:
      return LimitOf::client;
    case Use::total:
      return LimitOf::total;
    case Use::verdict:
      return LimitOf::verdict;
    case Use::override_:
      return LimitOf::override_;
    default:
      return LimitOf::principal;
  }
}

/// Of the switch over all and the endpoint's own mode the lesser; in a roll-out `enforce` is for
/// those whose turn has come.
[[nodiscard]] Mode mode_for(const Call& call, const PlanEndpoint& endpoint, Mode all) {
  const Mode mode = std::min(all, endpoint.mode);
  return mode == Mode::enforce && call.rollout >= endpoint.enforced ? Mode::shadow : mode;
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
      endpoint_(plan.endpoints[index(endpoint_id_)]),
      stage_(plan.stage_for(call.rollout)),
      cell_(plan.cell_in(stage_, endpoint_id_, tier_id_)),
      keys_(limiter.seed_, call, mark_of(plan, endpoint_id_), tier_id_),
      mode_(mode_for(call, endpoint_, limiter.mode.all.load(std::memory_order_relaxed))) {
  decision_.endpoint = endpoint_id_;
  decision_.tier = tier_id_;
  decision_.enforced = mode_ == Mode::enforce;
  decision_.plan_generation = plan.generation;
}

// The order of a decision. Everything that can deny without a bucket does so at once; the limits
// are gathered, checked together and charged together.
Decision Judge::decide() noexcept {
  if (!gather()) return said();
  const bool check_first = line_count_ > 1 || sheds_ || call_.hits == 0;
  if (check_first && !check()) return said();
  if (call_.hits == 0) {
    report(&LimitLine::before);
  } else if (!charge_all()) {
    return said();
  }
  watch();
  return said();
}

Decision Judge::said() const noexcept {
  Decision said = decision_;
  if (!said.allowed && mode_ == Mode::shadow) {
    said.allowed = true;
    said.outcome = Outcome::shadow_deny;
    said.retry_after = Nanos{0};
  }
  return said;
}

bool Judge::gather() noexcept {
  if (mode_ == Mode::off) return false;
  const auto [override_in_force, verdict] = standing();
  by_hand_ = override_in_force != nullptr;
  if (by_hand_ && !pass_override(*override_in_force)) return false;
  if (verdict != nullptr) {
    decision_.verdict = verdict->kind;
    if (mode_of(*verdict) != Mode::enforce) {
      shadow_verdict_ = verdict;
    } else if (!pass_verdict(*verdict)) {
      return false;
    }
  }
  views_ = views();
  sheds_ = sheds(in(views_.enforced));
  add_plan_lines(by_hand_);
  return true;
}

bool Judge::check() noexcept {
  for (LimitLine& line : lines()) {
    const Charge seen = ask(line, *line.limit, false);
    line.before = line.after = seen.before;
    if (!seen.conformance.conforms) {
      deny_by(line, seen.conformance);
      return false;
    }
  }
  if (sheds_) deny(Reason::load_shed, in(views_.enforced).shed_rule, kShedRetry);
  return !sheds_;
}

// All were seen to conform; one that another thread filled meanwhile takes the others back.
bool Judge::charge_all() noexcept {
  std::array<Charge, kLinesMax> charges;
  for (std::size_t i = 0; i < line_count_; ++i) {
    charges[i] = charge(lines_[i]);
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

// Watched limits have buckets of their own: they fill only with what those limits would have let
// through.
void Judge::watch() noexcept {
  if (mode_ != Mode::enforce) return;
  const bool charge = call_.hits != 0;
  const Verdict* verdict = shadow_verdict_;
  if (verdict != nullptr && verdict->action == Action::block)
    would_deny(Reason::client_blocked, verdict->rule);
  if (verdict != nullptr && verdict->action == Action::limit && !verdict->limit.unlimited()) {
    const LimitLine line = apart(keys_.verdict(verdict->limit), Use::verdict, verdict->limit,
                                 Reason::client_limited, verdict->rule);
    if (!ask(line, *line.limit, charge).conformance.conforms)
      would_deny({*line.limit, line.rule, line.reason, limit_of(line.use)});
  }
  for (const LimitLine& line : lines()) watch(line);
  for (const LimitLine& line : watched_only()) watch(line);
  const CellLimits& watched = in(views_.watched);
  if (!sheds_ && sheds(watched)) would_deny(Reason::load_shed, watched.shed_rule);
}

void Judge::watch(LimitLine line) noexcept {
  if (line.watched == nullptr || *line.watched == *line.limit || line.watched->unlimited()) return;
  line.key = BucketKeys::shadow_of(line.key);
  const Charge seen = ask(line, *line.watched, call_.hits != 0, line.before);
  if (seen.conformance.conforms) return;
  would_deny({*line.watched, line.watched_rule, reason_of(line, *line.watched, seen.before),
              limit_of(line.use)});
}

Hits Judge::demand() noexcept {
  const Limit& base = in(View::base).principal;
  if (base.unlimited()) return call_.hits;
  const LimitLine line = apart(keys_.demand(), Use::demand, base, Reason::over_limit, kNoRule);
  const Conformance all = ask(line, base, true).conformance;
  if (all.conforms || all.remaining == 0) return all.conforms ? call_.hits : 0;
  const auto some = static_cast<Hits>(all.remaining);  // less than it asked for
  return ask(line, base, true, Tat{0}, some).conformance.conforms ? some : 0;
}

Charge Judge::ask(const LimitLine& line, const Limit& limit, bool charge, Tat floor,
                  std::optional<Hits> hits) noexcept {
  // Limits of verdicts, overrides and callers belong to no configuration.
  const bool of_plan =
      line.use != Use::verdict && line.use != Use::override_ && line.use != Use::given;
  const Limit& base = line.base != nullptr ? *line.base : *line.limit;
  const BucketCall call{
      line.key, hits.value_or(call_.hits), limit, of_plan ? plan_.limits_epoch : 0, now_,
      floor,    longest_tolerance(line)};
  const auto shared = [&] {
    const std::uint64_t key = keys_.overflow(line.key, line.use, base);
    return &limit == line.limit ? key : BucketKeys::shadow_of(key);
  };
  const Charge result =
      charge ? limiter_.buckets_.charge(call, shared) : limiter_.buckets_.peek(call, shared);
  decision_.overflow = decision_.overflow || result.overflow;
  return result;
}

// A bucket of the principal's is one for all tiers; a total may be divided anew at any time.
Nanos Judge::longest_tolerance(const LimitLine& line) const noexcept {
  if (line.use == Use::principal || line.use == Use::demand) return endpoint_.longest;
  return line.use == Use::client ? line.limit->tolerance() : Nanos{0};
}

void Judge::report(Tat LimitLine::*tat) noexcept {
  decision_.limit = {};
  for (const LimitLine& line : lines()) report_pass(line, conform(line.*tat, 0, *line.limit, now_));
}

void Judge::report_pass(const LimitLine& line, const Conformance& conformance) noexcept {
  const bool first = decision_.limit.unlimited();
  if (!first && (line.use == Use::total || conformance.remaining >= decision_.remaining)) return;
  decision_.limit = *line.limit;
  decision_.remaining = conformance.remaining;
  decision_.reset_after = conformance.reset_after;
  decision_.rule = line.rule;
  decision_.limit_of = limit_of(line.use);
  decision_.near_limit = call_.hits != 0 && near_limit(conformance.remaining, *line.limit);
}

void Judge::deny(Reason reason, RuleId rule, Nanos retry_after) noexcept {
  decision_.allowed = false;
  decision_.outcome = Outcome::deny;
  decision_.reason = reason;
  decision_.rule = rule;
  decision_.retry_after = retry_after;
  decision_.near_limit = false;
}

void Judge::deny_by(const LimitLine& line, const Conformance& conformance) noexcept {
  deny(reason_of(line, *line.limit, conformance.tat), line.rule, conformance.retry_after);
  decision_.limit = *line.limit;
  decision_.limit_of = limit_of(line.use);
  decision_.remaining = conformance.remaining;
  decision_.reset_after = conformance.reset_after;
}

void Judge::note_in_flight(std::uint32_t count, std::uint32_t limit, bool overflow) noexcept {
  const auto clipped = [](std::uint32_t n) {
    return static_cast<std::uint16_t>(std::min(n, std::uint32_t{0xffff}));
  };
  decision_.in_flight = clipped(count);
  decision_.in_flight_limit = clipped(limit);
  decision_.overflow = decision_.overflow || overflow;
}

// The first names the reason. What the caller is told stays what the limits in force say.
void Judge::would_deny(const WatchedDenial& denial) noexcept {
  if (decision_.outcome == Outcome::shadow_deny) return;
  decision_.outcome = Outcome::shadow_deny;
  decision_.watched = denial;
}

void Judge::would_deny(Reason reason, RuleId rule) noexcept {
  would_deny({decision_.limit, rule, reason, decision_.limit_of});
}

// A total that a rule has made tighter is what denies, however full it is: the TAT that it drives
// says nothing of what the base would have let through. A principal's limit is judged by what the
// base would have made of the same TAT: who asks for more than that is told so.
Reason Judge::reason_of(const LimitLine& line, const Limit& limit, Tat tat) const noexcept {
  if (line.base == nullptr) return line.reason;
  const bool reduced = line.use == Use::total ? tighter(limit, *line.base)
                                              : conform(tat, call_.hits, *line.base, now_).conforms;
  return reduced ? Reason::reduced_capacity : line.reason;
}

}  // namespace tidelimit::limiter
