#include "engine/replay/replay.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_set>
#include <utility>

#include "base/text.hpp"

namespace tidelimit::engine {
namespace {

constexpr std::size_t kNamesMax = 100'000;  // of hosts, for people
constexpr std::size_t kNameMax = 64;

}  // namespace

Replay::Replay(const Settings& settings, std::shared_ptr<const model::Bundle> models,
               const ReplayOptions& options)
    : settings_(settings),
      models_(std::move(models)),
      options_(options),
      recorder_(std::make_shared<Recorder>()),
      engine_(std::make_unique<Engine>(settings, recorder_, options.seed)),
      time_(*engine_),
      bins_(settings.policy.endpoints.size()),
      harm_(options.seed),
      rule_counts_(settings.policy.rules.size() + 2) {
  const auto& endpoints = settings.policy.endpoints;
  counts_in_flight_ = std::any_of(endpoints.begin(), endpoints.end(),
                                  [](const auto& e) { return !e.concurrency.empty(); });
  engine_->set_models(models_);
  worker_ = engine_->make_worker();
}

void Replay::advance(WallTime time) {
  if (!time_.begun()) first_ = time;
  time_.advance(time, [this] { after_tick(); });
}

const Answer& Replay::observe_alone(const traffic::Request& request,
                                    const EngineWorker::Prepared& prepared) {
  worker_->observe(request, prepared, ReportKind::never_asked, false, now());
  if (request.client.is_host_name()) remember_name(request);
  answer_ = {};
  return answer_;
}

void Replay::after_tick() {
  if (options_.after_tick) options_.after_tick(*engine_, now());
}

void Replay::note_out_of_order(WallTime time) {
  first_ = std::min(first_, time);
  ++out_of_order_;
  out_of_order_worst_ = std::max(out_of_order_worst_, now().wall - time);
}

/// Of a call that only something watched would have denied, the report names that.
void Replay::put_on_record(Answer& watched) const {
  watched.decision = on_record(watched.decision);
  const auto& rules = settings_.policy.rules;
  const std::size_t rule = index(watched.decision.rule);
  watched.rule = rule < rules.size() ? &rules[rule].name : nullptr;
}

void Replay::refused(const traffic::Request& request) {
  const limiter::Decision& decision = answer_.decision;
  const std::size_t rules = settings_.policy.rules.size();
  RuleCounts& counts = rule_counts_[decision.rule == limiter::kConcurrencyRule
                                        ? rules + 1
                                        : std::min(index(decision.rule), rules)];
  ++(decision.allowed ? counts.would_deny : counts.denied);
  harm_.refused(request, answer_, now().wall);
}

void Replay::remember_name(const traffic::Request& request) {
  if (names_.size() >= kNamesMax || request.client_name.empty()) return;
  const auto [name, fresh] = names_.try_emplace(request.client);
  if (fresh) name->second = printable(request.client_name, kNameMax);
}

ReplayReport Replay::finish() {
  if (time_.begun()) {
    (void)engine_->status();  // asks for a fresh one
    time_.tick(now().wall, [this] { after_tick(); });
  }
  ReplayReport report;
  report.endpoints.reserve(settings_.policy.endpoints.size());
  for (const auto& endpoint : settings_.policy.endpoints) report.endpoints.push_back(endpoint.name);
  report.tiers = settings_.policy.tiers;
  report.mode = settings_.policy.mode.mode;
  report.requests = requests_;
  if (time_.begun()) report.first = first_;
  report.last = now().wall;
  report.out_of_order = out_of_order_;
  report.out_of_order_worst = out_of_order_worst_;
  take_counters(report);
  take_verdicts(report);
  take_timeline(report);
  report.plan_changes = recorder_->changes();
  report.episodes = episodes_of(report.plan_changes);
  report.forecasts = recorder_->forecasts_and_outcomes();
  take_rules(report);
  take_notes(report);
  return report;
}

void Replay::take_counters(ReplayReport& report) const {
  const CountersView view = engine_->counters();
  report.late = view.late;
  report.cells.resize(report.endpoints.size() * report.tiers.size());
  report.base_per_minute.resize(report.cells.size());
  report.base_period.resize(report.cells.size());
  for (std::size_t cell = 0; cell < report.cells.size(); ++cell) {
    Outcomes& outcomes = report.cells[cell];
    for (std::size_t o = 0; o < limiter::kOutcomes; ++o) {
      for (std::size_t r = 0; r < limiter::kReasons; ++r) {
        const auto outcome = static_cast<limiter::Outcome>(o);
        const auto reason = static_cast<limiter::Reason>(r);
        const std::uint64_t n = view.decisions[CountersView::index(cell, outcome, reason)];
        if (outcome == limiter::Outcome::deny) {
          outcomes.denied_by[r] += n;
        } else {
          outcomes.allowed += n;
          if (outcome == limiter::Outcome::shadow_deny) outcomes.would_deny_by[r] += n;
        }
      }
    }
    const auto& limits = settings_.policy.endpoints[cell / report.tiers.size()].limits;
    const std::size_t tier = cell % report.tiers.size();
    if (tier < limits.size() && limits[tier].rate) {
      report.base_per_minute[cell] = limits[tier].rate->per_minute();
      report.base_period[cell] = limits[tier].rate->period;
    }
  }
}

void Replay::take_verdicts(ReplayReport& report) const {
  report.verdicts = recorder_->verdict_spans();
  std::unordered_map<ClientId, WallTime, ClientIdHash> in_force;
  if (const auto status = engine_->status()) {
    for (const auto& record : status->verdicts) in_force[record.client] = record.until;
  }
  std::unordered_set<ClientId, ClientIdHash> judged;
  for (VerdictSpan& span : report.verdicts) {
    policy::VerdictRecord& record = span.record;
    if (record.kind != limiter::VerdictKind::normal) judged.insert(record.client);
    // Renewals are told once a minute at most: what still stands may end later than was told.
    if (const auto now = in_force.find(record.client);
        now != in_force.end() && record.until >= report.last) {
      record.until = std::max(record.until, now->second);
    }
    if (record.client_name.empty()) record.client_name = format_client(record.client);
    if (const auto name = names_.find(record.client); name != names_.end()) {
      record.client_name = name->second;
    }
  }
  report.harm = harm_.settle(judged, options_.examples);
}

void Replay::take_timeline(ReplayReport& report) const {
  report.timeline_start = bins_.start();
  report.timeline_step = bins_.step();
  for (std::size_t e = 0; e < report.endpoints.size(); ++e) {
    Timeline line{report.endpoints[e], {}};
    for (std::size_t bin = 0; bin < bins_.bins(); ++bin) line.counts.push_back(bins_.at(bin, e));
    report.timeline.push_back(std::move(line));
  }
}

void Replay::take_rules(ReplayReport& report) const {
  std::vector<RuleActivity> all;
  const auto activity = [&all](const std::string& rule) -> RuleActivity& {
    for (RuleActivity& a : all) {
      if (a.rule == rule) return a;
    }
    return all.emplace_back(RuleActivity{rule, 0, 0, 0, 0});
  };
  for (std::size_t i = 0; i < rule_counts_.size(); ++i) {
    const auto& rules = settings_.policy.rules;
    RuleActivity& a = activity(i < rules.size()    ? rules[i].name
                               : i == rules.size() ? "limits"
                                                   : "concurrency");
    a.denied += rule_counts_[i].denied;
    a.would_deny += rule_counts_[i].would_deny;
  }
  for (const auto& change : report.plan_changes) {
    if (!change.rule.empty()) ++activity(change.rule).plan_changes;
  }
  for (const auto& span : report.verdicts) ++activity(span.record.rule).verdicts;
  std::erase_if(all, [](const RuleActivity& a) {
    return a.denied + a.would_deny + a.plan_changes + a.verdicts == 0;
  });
  std::stable_sort(all.begin(), all.end(), [](const RuleActivity& a, const RuleActivity& b) {
    return a.denied + a.would_deny > b.denied + b.would_deny;
  });
  report.rules = std::move(all);
}

void Replay::take_notes(ReplayReport& report) const {
  if (report.mode == limiter::Mode::shadow) {
    report.notes.emplace_back(
        "mode is shadow: nothing was denied; what would have been is counted apart");
  } else if (report.mode == limiter::Mode::off) {
    report.notes.emplace_back("mode is off: everything passed");
  }
  note_rules(report.notes);
  note_what_the_log_lacks(report.notes);
  note_forecasts(report);
  if (report.out_of_order * 100 > report.requests) {
    report.notes.push_back(fmt::format(
        "{} requests were older than one before them, by up to {}: they were decided at the later "
        "time; are the inputs in order?",
        report.out_of_order, format_duration(report.out_of_order_worst)));
  }
}

void Replay::note_rules(std::vector<std::string>& notes) const {
  const bool detects = models_ && models_->anomaly;
  for (const policy::Rule& rule : settings_.policy.rules) {
    if (rule.when.on_signal()) {
      notes.push_back(fmt::format(
          "rule {} waits for CPU figures, which no log carries: it never acted", rule.name));
    }
    if (rule.when.on_queueing()) {
      notes.push_back(fmt::format(
          "rule {} sheds while answers are slow: those in the log are as slow as they were without "
          "it, so it sheds longer here than it would have",
          rule.name));
    }
    if (rule.when.on_verdict() && !detects && !rule.when.on_figures()) {
      notes.push_back(
          fmt::format("rule {} waits for model verdicts, and no anomaly model was given: only "
                      "verdicts of rules could move it",
                      rule.name));
    }
  }
}

void Replay::note_what_the_log_lacks(std::vector<std::string>& notes) const {
  if (open_.without_latency() > 0) {
    notes.push_back(fmt::format(
        "{} requests at endpoints that limit how many may be in flight carry no latency: they were "
        "taken to end at once, so such limits would have denied more than is said here",
        open_.without_latency()));
  }
  if (open_.untracked() > 0) {
    notes.push_back(fmt::format(
        "more than {} requests were in flight at once: {} of them were taken to end at the timeout",
        OpenRequests::kMost, open_.untracked()));
  }
  const auto note_learned = [&](const auto& all) {
    for (const auto& one : all) {
      if (!one.learned) continue;
      notes.push_back(fmt::format(
          "the capacity of {} is learned: answers in the log stay as slow as they were, however "
          "much is denied, so the estimate falls further here than it would have; mode: shadow "
          "shows it undisturbed, but too high if the log's times are those of arrival and a queue "
          "filled fast",
          one.name));
    }
  };
  note_learned(settings_.policy.endpoints);
  note_learned(settings_.policy.upstreams);
}

void Replay::note_forecasts(ReplayReport& report) const {
  const bool forecasts = models_ && models_->forecast;
  if (!forecasts) {
    report.notes.emplace_back(
        "no forecast model: forecasts were drawn from the last value or the same time of day, and "
        "no rule acts on such");
  }
  std::size_t points = 0;
  std::size_t fallen_back = 0;
  std::size_t guarded = 0;
  for (const EndpointForecasts& e : report.forecasts) {
    for (const ForecastPoint& p : e.points) {
      ++points;
      if (p.guarded) {
        ++guarded;
      } else if (p.source != forecast::Source::lstm) {
        ++fallen_back;
      }
    }
  }
  if (forecasts && fallen_back > 0) {
    report.notes.push_back(
        fmt::format("{} of {} forecasts fell back to the last value or the same time of day: the "
                    "log had too little history before them",
                    fallen_back, points));
  }
  if (guarded > 0) {
    report.notes.push_back(fmt::format(
        "{} of {} forecasts came from a simple rule instead of the model: it was closer on the two "
        "days before",
        guarded, points));
  }
}

}  // namespace tidelimit::engine
