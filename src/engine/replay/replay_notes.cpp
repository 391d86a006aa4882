// What the reader of a report must know, in words.
#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "engine/replay/replay.hpp"

namespace tidelimit::engine {
namespace {

constexpr std::size_t kUnknownTiers = 8;  // that are told by name
constexpr std::size_t kNameMax = 64;

}  // namespace

void Replay::note_tier(std::string_view unknown) {
  auto known = unknown_tiers_.find(unknown);
  if (known == unknown_tiers_.end()) {
    if (unknown_tiers_.size() == kUnknownTiers) {
      ++of_other_tiers_;
      return;
    }
    known = unknown_tiers_.emplace(unknown, 0).first;
  }
  ++known->second;
}

void Replay::take_notes(ReplayReport& report) const {
  if (report.mode == limiter::Mode::shadow) {
    report.notes.emplace_back(
        "mode is shadow: nothing was denied; what would have been is counted apart");
  } else if (report.mode == limiter::Mode::off) {
    report.notes.emplace_back("mode is off: everything passed");
  }
  note_principals(report.notes);
  note_rules(report.notes);
  if (report.changes_end) {
    report.notes.push_back(fmt::format(
        "totals and what is shed moved more than {} times: plan_changes and the plots leave out "
        "those from {} on; what moved, by time, and the counts of rules are of all",
        Recorder::kMovingMax, format_time(*report.changes_end)));
  }
  note_what_the_log_lacks(report.notes);
  note_forecasts(report);
  if (report.out_of_order * 100 > report.requests) {
    report.notes.push_back(fmt::format(
        "{} requests were older than one before them, by up to {}: they were decided at the later "
        "time; are the inputs in order?",
        report.out_of_order, format_duration(report.out_of_order_worst)));
  }
}

void Replay::note_principals(std::vector<std::string>& notes) const {
  const policy::PolicySettings& policy = settings_.policy;
  std::uint64_t requests = of_other_tiers_;
  std::vector<std::string> names;
  for (const auto& [name, count] : unknown_tiers_) {
    requests += count;
    names.push_back(fmt::format("{}: {}", printable(name, kNameMax), count));
  }
  if (of_other_tiers_ > 0) names.push_back(fmt::format("others: {}", of_other_tiers_));
  if (requests > 0) {
    notes.push_back(fmt::format(
        "{} requests name a tier that the configuration lacks ({}): they stand as {}, as they "
        "would at the gate; its tiers are {}, and names count as they are spelled",
        requests, fmt::join(names, ", "), policy.default_tier, fmt::join(policy.tiers, ", ")));
  }
  std::vector<std::string> lacking;
  std::vector<std::string> so;
  if (!names_users_) {
    lacking.emplace_back("a user");
    so.emplace_back("each client is a principal");
  }
  if (!names_tiers_ && policy.tiers.size() > 1) {
    lacking.emplace_back("a tier");
    so.push_back("all are of tier " + policy.default_tier);
  }
  if (requests_ == 0 || lacking.empty()) return;
  notes.push_back(
      fmt::format("no request names {}: {}; where the log has them under other names, --field says "
                  "which",
                  fmt::join(lacking, " or "), fmt::join(so, ", ")));
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
