// What a call must meet: by hand, by verdict and by its plan, under the modes in force.
#include <algorithm>

#include "limiter/judge.hpp"

namespace tidelimit::limiter {
namespace {

[[nodiscard]] Mode load(const std::atomic<Mode>& mode) {
  return mode.load(std::memory_order_relaxed);
}

[[nodiscard]] Nanos until(Instant end, Instant now) {
  return end.since_start == Nanos::max() ? Nanos::max() : end - now;
}

constexpr Limit kNoLimit;

}  // namespace

Judge::Standing Judge::standing() const noexcept {
  const Override* found = overrides_ == nullptr || overrides_->empty()
                              ? nullptr
                              : overrides_->find(call_.client, call_.user, now_);
  return found != nullptr ? Standing{found, nullptr} : Standing{nullptr, find_verdict()};
}

const Verdict* Judge::find_verdict() const noexcept {
  const Verdict* found = verdicts_ == nullptr ? nullptr : verdicts_->find(call_.client, now_);
  if (found == nullptr || mode_of(*found) == Mode::off) return nullptr;
  if (overrides_ != nullptr && overrides_->allow_listed(call_.client)) return nullptr;
  return found;
}

VerdictKind Judge::verdict() const noexcept {
  const Verdict* found = mode_ == Mode::off ? nullptr : standing().verdict;
  return found == nullptr ? VerdictKind::normal : found->kind;
}

Mode Judge::mode_of(const Verdict& verdict) const noexcept {
  const ModeSwitch& all = limiter_.mode;
  const auto& part = verdict.part == Part::anomaly ? all.anomaly : all.rules;
  const Mode mode = std::min(verdict.mode, load(part));
  return mode == Mode::enforce && call_.rollout >= verdict.enforced ? Mode::shadow : mode;
}

Judge::Views Judge::views() const noexcept {
  const Mode rules = load(limiter_.mode.rules);
  const Mode forecast = load(limiter_.mode.forecast);
  if (rules == Mode::off || now_ >= plan_.expires_at) return {View::base, View::base};
  return {enforced_view(plan_, rules, forecast, now_),
          forecast == Mode::off ? View::without_forecast : View::shadow};
}

// False when the decision is made: passed or denied by hand. A limit by hand joins the lines.
bool Judge::pass_override(const Override& by_hand) noexcept {
  if (by_hand.action == Action::block) {
    deny(Reason::override_, kNoRule, until(by_hand.expires_at, now_));
    return false;
  }
  if (by_hand.action != Action::limit) {
    decision_.reason = Reason::override_;
    return false;
  }
  add(apart(keys_.override_(by_hand), Use::override_, by_hand.limit, Reason::override_, kNoRule));
  return true;
}

// False when the verdict denies. A limit by verdict joins the lines: plan limits hold besides.
bool Judge::pass_verdict(const Verdict& verdict) noexcept {
  if (verdict.action == Action::block) {
    deny(Reason::client_blocked, verdict.rule, until(verdict.expires_at, now_));
    return false;
  }
  if (verdict.action == Action::limit)
    add(apart(keys_.verdict(verdict.limit), Use::verdict, verdict.limit, Reason::client_limited,
              verdict.rule));
  return true;
}

void Judge::add_plan_lines(bool by_hand) noexcept {
  const CellLimits& limits = in(views_.enforced);
  const CellLimits& base = in(View::base);
  const bool watching = views_.watched != views_.enforced;
  const CellLimits* watched = watching ? &in(views_.watched) : nullptr;
  if (!by_hand) {
    if (call_.given == nullptr) {
      add_principal_line(limits, base, watched);
    } else {
      add(apart(keys_.given(*call_.given), Use::given, call_.given->limit, Reason::over_limit,
                kNoRule));
    }
    if (!endpoint_.client.unlimited())
      add(apart(keys_.client(), Use::client, endpoint_.client, Reason::over_limit, kNoRule));
  }
  add_total_lines();
}

// Everyone fills everyone's bucket at the same limit. What a stage of a roll-out has less than that
// has a bucket of its own: in one bucket its long emission interval would push the TAT beyond what
// the others' limit passes.
void Judge::add_total_lines() noexcept {
  if (in(View::shadow).total.unlimited()) return;  // then no other view has one
  const Cell& all = plan_.cell(endpoint_id_, tier_id_);
  const auto staged = [&](View view) {
    return stage_ != nullptr && tighter(in(view).total, all.in(view).total);
  };
  const bool watching = views_.watched != views_.enforced;
  const CellLimits* watched = watching ? &in(views_.watched) : nullptr;
  const auto add_one = [&](std::uint64_t key, const CellLimits* limits, bool watches) {
    add({.key = key,
         .use = Use::total,
         .limit = limits != nullptr ? &limits->total : &kNoLimit,
         .base = &in(View::base).total,
         .watched = watches ? &watched->total : nullptr,
         .reason = Reason::over_limit,
         .rule = limits != nullptr ? limits->total_rule : kNoRule,
         .watched_rule = watches ? watched->total_rule : kNoRule});
  };
  const bool own = staged(views_.enforced);
  const bool watches_own = watching && staged(views_.watched);
  add_one(keys_.total(), own ? &all.in(views_.enforced) : &in(views_.enforced),
          watching && !watches_own);
  if (own || watches_own)
    add_one(keys_.total(*stage_), own ? &in(views_.enforced) : nullptr, watches_own);
}

void Judge::add_principal_line(const CellLimits& limits, const CellLimits& base,
                               const CellLimits* watched) noexcept {
  add({.key = keys_.principal(),
       .use = Use::principal,
       .limit = &limits.principal,
       .base = &base.principal,
       .watched = watched != nullptr ? &watched->principal : nullptr,
       .reason = Reason::over_limit,
       .rule = limits.rule,
       .watched_rule = watched != nullptr ? watched->rule : kNoRule});
}

void Judge::add(const LimitLine& line) noexcept {
  if (!line.limit->unlimited()) {
    lines_[line_count_++] = line;
  } else if (line.watched != nullptr && !line.watched->unlimited()) {
    lines_[kLinesMax - ++watched_count_] = line;
  }
}

}  // namespace tidelimit::limiter
