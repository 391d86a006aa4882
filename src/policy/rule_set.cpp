#include "policy/rule_set.hpp"

#include <algorithm>

#include "policy/readings.hpp"

namespace tidelimit::policy {
namespace {

using limiter::kNoRule;
using limiter::RuleId;
using limiter::View;

/// Puts what a rule says into each view in which it counts for those whom it takes `share` of the
/// principals to reach.
template <class Put>
void speak(CellSettings& views, const RuleState& rule, bool on_forecast, double share,
           const Put& put) {
  put(views[index(View::shadow)]);
  if (rule.mode.mode != Mode::enforce || rule.mode.share < share) return;
  put(views[index(View::effective)]);
  if (!on_forecast) put(views[index(View::without_forecast)]);
}

/// Why a rule had moved a limit: what it looks at may be otherwise by now.
std::string before_restart(const std::string& cause) {
  constexpr std::string_view kBefore = "before the restart: ";
  if (cause.empty() || cause.starts_with(kBefore)) return cause;
  return std::string(kBefore) + cause;
}

}  // namespace

RuleSet::RuleSet(const PolicySettings& settings) : tiers_(settings.tiers.size()) {
  for (std::size_t i = 0; i < settings.rules.size(); ++i) {
    const Rule& rule = settings.rules[i];
    RuleState& state = states_.emplace_back();
    state.rule = rule.name;
    state.mode = settings.mode_of(rule);
    if (state.mode.mode == Mode::off) continue;
    if (rule.when.on_queueing()) {
      state = shedders_.emplace_back(settings, i).state();
    } else if (rule.when.on_claims()) {
      dividers_.emplace_back(settings, i);
    } else if (rule.when.on_plan()) {
      memories_.emplace_back(settings, i);
    }
  }
  find_stages(settings);
}

void RuleSet::find_stages(const PolicySettings& settings) {
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const RuleState& state = states_[i];
    if (settings.rules[i].when.on_client()) continue;
    if (state.mode.mode == Mode::enforce && state.mode.share < 1)
      stages_.push_back(state.mode.share);
  }
  std::sort(stages_.begin(), stages_.end());
  stages_.erase(std::unique(stages_.begin(), stages_.end()), stages_.end());
}

void RuleSet::inherit(const RuleSet& older, const Renumbering& renumbering) {
  const auto hand_over = [&](auto& heirs, const auto& elders) {
    for (auto& heir : heirs) {
      for (const auto& elder : elders) {
        if (elder.state().rule != heir.state().rule) continue;
        heir.inherit(elder, renumbering);
        states_[heir.rule()] = heir.state();
      }
    }
  };
  hand_over(memories_, older.memories_);
  hand_over(dividers_, older.dividers_);
  hand_over(shedders_, older.shedders_);
}

void RuleSet::update(const PlanInputs& inputs, const PolicySettings& settings, Instant before) {
  const StepReadings readings = read(inputs, settings);
  const auto note = [&](const auto& one) {
    const RuleState& state = one.state();
    RuleState& shown = states_[one.rule()];
    if (state.active || shown.active || state.cause != shown.cause) shown = state;
  };
  for (auto& memory : memories_) {
    memory.update(readings, inputs.now, before);
    note(memory);
  }
  for (auto& divider : dividers_) {
    divider.update(readings, inputs.load ? &*inputs.load : nullptr, inputs.now, before);
    note(divider);
  }
  for (auto& shedder : shedders_) {
    if (inputs.load) shedder.update(*inputs.load, inputs.now);
    note(shedder);
  }
  end_raises();
  planned_ = next_edge(inputs.now.wall);
}

/// Where a rule tightens a cell, what is left of a raise that is over relaxes unseen: if it were
/// still there after that rule, the limit would rise once more, long after the planned time.
void RuleSet::end_raises() {
  for (auto& over : memories_) {
    const auto tightens = [&](const auto& other, std::size_t cell) {
      const RuleState& its = other.state();
      return other.scale(cell) < 1.0 && its.mode.mode >= over.mode() &&
             its.mode.share >= over.state().mode.share;
    };
    for (std::size_t cell = 0; cell < over.cells(); ++cell) {
      if (over.scale(cell) <= 1.0) continue;
      const auto here = [&](const auto& other) { return tightens(other, cell); };
      if (std::any_of(memories_.begin(), memories_.end(), here) ||
          std::any_of(dividers_.begin(), dividers_.end(), here))
        over.end_raise(cell);
    }
  }
}

std::optional<WallTime> RuleSet::next_edge(WallTime now) const {
  std::optional<WallTime> next;
  for (const auto& memory : memories_) {
    const auto edge = memory.next_edge(now);
    if (edge) next = std::min(next.value_or(*edge), *edge);
  }
  return next;
}

bool RuleSet::at_rest() const {
  const auto rests = [](const auto& one) { return one.at_rest(); };
  return std::all_of(memories_.begin(), memories_.end(), rests) &&
         std::all_of(dividers_.begin(), dividers_.end(), rests);
}

CellSettings RuleSet::settings(std::size_t cell, double share) const {
  CellSettings views;
  const auto id = [](const auto& one) { return RuleId{static_cast<std::uint16_t>(one.rule())}; };
  for (const auto& memory : memories_) {
    speak(views, memory.state(), memory.on_forecast(), share, [&](Setting& view) {
      view.offer_scale(memory.scale(cell), id(memory), memory.moving(cell));
    });
  }
  for (const auto& divider : dividers_) {
    speak(views, divider.state(), true, share, [&](Setting& view) {
      view.offer_scale(divider.scale(cell), id(divider), divider.moving(cell));
      view.offer_total(divider.total(cell), id(divider));
    });
  }
  for (const auto& shedder : shedders_) {
    speak(views, shedder.state(), false, share,
          [&](Setting& view) { view.offer_shed(shedder.share(cell), id(shedder)); });
  }
  return views;
}

std::string RuleSet::cause(std::size_t cell, RuleId now, RuleId before) const {
  const std::size_t rule = limiter::index(now != kNoRule ? now : before);
  for (const auto& memory : memories_) {
    if (memory.rule() == rule) return memory.cause(cell / tiers_);
  }
  for (const auto& divider : dividers_) {
    if (divider.rule() != rule) continue;
    const std::string& own = divider.cause(cell);
    return now != kNoRule && !own.empty() ? own : divider.state().cause;
  }
  for (const auto& shedder : shedders_) {
    if (shedder.rule() == rule) return shedder.state().cause;
  }
  return {};
}

void RuleSet::restore(std::size_t cell, const PlanChange& change, bool in_force, Now now) {
  std::optional<Instant> stepped;
  if (change.after_scale < change.before_scale)
    stepped = now.mono - std::max(now.wall - change.time, Nanos{0});
  const auto spoken_of = [&](const RuleState& rule) {
    return !in_force || (rule.mode.mode == Mode::enforce && rule.mode.share == 1);
  };
  const auto put = [&](auto& all) {
    for (auto& one : all) {
      if (one.state().rule == change.rule) {
        one.restore(cell, change.after_scale, stepped, before_restart(change.cause));
      } else if (change.rule.empty() && spoken_of(one.state())) {
        one.restore(cell, 1.0, {}, {});
      } else if (spoken_of(one.state())) {
        // Had it stood lower, it would have set the limit.
        one.keep_above(cell, std::min(change.after_scale, 1.0));
      }
    }
  };
  put(memories_);
  put(dividers_);
}

std::vector<CapacityState> RuleSet::capacities() const {
  std::vector<CapacityState> all;
  for (const Divider& divider : dividers_) {
    auto its = divider.capacities();
    all.insert(all.end(), its.begin(), its.end());
  }
  return all;
}

}  // namespace tidelimit::policy
