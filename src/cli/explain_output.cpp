#include <cmath>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "anomaly/harm_levels.hpp"
#include "anomaly/words.hpp"
#include "base/figures.hpp"
#include "base/text.hpp"
#include "cli/explain.hpp"
#include "cli/report/axis.hpp"
#include "cli/text_table.hpp"

namespace tidelimit::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kLeft = TextTable::Align::left;
constexpr auto kRight = TextTable::Align::right;
constexpr std::size_t kLooksShown = 12;
constexpr std::size_t kTop = 5;

/// The verdict that says most: the severest, the first of those.
const engine::VerdictSpan* severest(const Explanation& x) {
  const engine::VerdictSpan* found = nullptr;
  for (const auto& span : x.verdicts) {
    if (found == nullptr || span.record.kind > found->record.kind) found = &span;
  }
  return found;
}

std::string headline(const Explanation& x) {
  const engine::VerdictSpan* verdict = severest(x);
  std::string text = fmt::format("{}: {}\n", x.name,
                                 verdict == nullptr ? "normal; no verdict was raised"
                                                    : limiter::to_string(verdict->record.kind));
  text += fmt::format("{} of {} requests, {} to {}", grouped(x.requests), grouped(x.all_requests),
                      format_time(x.first), format_time(x.last));
  if (x.users.count() > 0) text += fmt::format(", {} users", grouped(x.users.count()));
  text += fmt::format("; under this configuration {} allowed, {} denied",
                      grouped(x.outcomes.allowed), grouped(x.outcomes.denied()));
  if (x.outcomes.would_deny() > 0) {
    text += fmt::format(", {} would have been", grouped(x.outcomes.would_deny()));
  }
  return text + "\n";
}

std::string verdicts(const Explanation& x) {
  std::string text;
  for (const auto& [v, renewals] : x.verdicts) {
    text += fmt::format("\n{} from {} to {}, by {}: {}{}", limiter::to_string(v.kind),
                        format_time(v.from), format_time(v.until), v.rule,
                        v.limit ? "limit " + format_rate(*v.limit) : limiter::to_string(v.action),
                        v.mode == limiter::Mode::enforce ? "" : " (reported, not enforced)");
    if (renewals > 0) text += fmt::format(", renewed {} times", renewals);
    text += '\n';
    for (const std::string& reason : v.reasons) text += "    " + reason + '\n';
  }
  if (!x.protected_reason.empty()) {
    text += fmt::format("\nno model may block it: {}\n", x.protected_reason);
  }
  return text;
}

std::string features(const Explanation& x) {
  if (!x.oddest) return {};
  const auto& parts = x.oddest->contributions;
  const std::string of = parts.empty() ? std::string() : parts.front().usual_of;
  TextTable table(
      {"feature", "value", of.empty() ? "usual" : "usual for " + of, "part in the score"},
      {kLeft, kRight, kLeft, kRight});
  for (const anomaly::Contribution& c : parts) {
    table.add({traffic::to_string(c.feature), report::short_number(c.value),
               report::short_number(c.usual_low) + " to " + report::short_number(c.usual_high),
               fmt::format("{:+.3f}", c.share)});
  }
  std::string text =
      fmt::format("\nas the model saw it at {}: score {:.3f}, alarms above {:.3f}, 0.5 is usual\n",
                  format_time(x.oddest_at), x.oddest->score, x.oddest->threshold);
  return text + table.text();
}

/// What an alarm lacks to be evidence.
std::string harm_in_words(const anomaly::HarmLevels& harm) {
  return fmt::format(
      "harm begins, for this model, at {:.0f} requests a minute (where limits grant no more) in {} "
      "of the last five minutes, or {:.0f} in a single one, or at {:.0f} % of errors{}; an alarm "
      "alone is less than that\n",
      harm.requests_per_minute, traffic::kSteadyMinutes,
      anomaly::kFloodTimes * harm.requests_per_minute, 100 * harm.error_ratio,
      std::isfinite(harm.failed_paths)
          ? fmt::format(" (half of that at {:.0f} paths or more)", harm.failed_paths)
          : std::string());
}

std::string evidence(const Explanation& x) {
  if (x.looks.empty())
    return "\nevidence: none, for no scan of this input saw the client; one comes every minute\n";
  std::size_t alarms = 0;
  std::size_t harmful = 0;
  for (const Look& look : x.looks) {
    if (look.alarm) ++alarms;
    if (look.evidence) ++harmful;
  }
  std::string text = fmt::format(
      "\nevidence: of {} scans {} had a score above that; {} were evidence, for a high score in a "
      "direction that does harm or for plain harm whatever the score; a verdict of the model needs "
      "two of three scans\n",
      x.looks.size(), alarms, harmful);
  TextTable table({"scan", "score", "", "requests, 5 min", "errors"},
                  {kLeft, kRight, kLeft, kRight, kRight});
  // From a little before the first alarm, for that is where the story is.
  std::size_t from = 0;
  while (from < x.looks.size() && !x.looks[from].alarm && !x.looks[from].evidence) ++from;
  from = alarms + harmful == 0 ? 0 : from - std::min<std::size_t>(from, 2);
  for (std::size_t i = from; i < x.looks.size() && i < from + kLooksShown; ++i) {
    const Look& look = x.looks[i];
    table.add({format_time(look.time), fmt::format("{:.3f}", look.score),
               look.evidence ? "evidence"
               : look.alarm  ? "alarm, no harm yet"
                             : "",
               grouped(look.requests), grouped(look.errors)});
  }
  text += table.text();
  const std::size_t shown = std::min(x.looks.size() - from, kLooksShown);
  if (shown < x.looks.size()) {
    text += fmt::format("{} of {} scans are shown{}; --json has all\n", shown, x.looks.size(),
                        alarms + harmful > 0 ? ", from two before the first of these on" : "");
  }
  if (alarms > harmful) text += harm_in_words(x.harm);
  return text;
}

std::string top(const char* title, const ingest::TopCounter& counter) {
  std::string text = fmt::format("\n{}\n", title);
  for (const auto& entry : counter.top(kTop)) {
    text += fmt::format("  {:>9}  {}\n", grouped(entry.tally.requests),
                        entry.key.empty() ? "(none)" : printable(entry.key, 90));
  }
  return text;
}

Json top_json(const ingest::TopCounter& counter) {
  Json list = Json::array();
  for (const auto& entry : counter.top(kTop)) {
    list.push_back({{"name", printable(entry.key)},
                    {"requests", entry.tally.requests},
                    {"errors", entry.tally.errors}});
  }
  return list;
}

Json features_json(const std::vector<anomaly::Contribution>& contributions) {
  Json list = Json::array();
  for (const anomaly::Contribution& c : contributions) {
    list.push_back({{"feature", traffic::to_string(c.feature)},
                    {"value", c.value},
                    {"usual_low", c.usual_low},
                    {"usual_high", c.usual_high},
                    {"usual_of", c.usual_of.empty() ? Json() : Json(c.usual_of)},
                    {"share", c.share}});
  }
  return list;
}

Json verdicts_json(const Explanation& x) {
  Json list = Json::array();
  for (const auto& [v, renewals] : x.verdicts) {
    list.push_back({{"verdict", limiter::to_string(v.kind)},
                    {"score", v.score},
                    {"rule", v.rule},
                    {"action", limiter::to_string(v.action)},
                    {"limit", v.limit ? Json(format_rate(*v.limit)) : Json()},
                    {"mode", limiter::to_string(v.mode)},
                    {"reasons", v.reasons},
                    {"features", features_json(v.features)},
                    {"from", format_time(v.from)},
                    {"until", format_time(v.until)},
                    {"renewals", renewals}});
  }
  return list;
}

}  // namespace

std::string explain_text(const Explanation& x) {
  return headline(x) + verdicts(x) + features(x) + evidence(x) + top("paths", x.paths) +
         top("user agents", x.agents);
}

std::string explain_json(const Explanation& x) {
  const engine::VerdictSpan* verdict = severest(x);
  Json looks = Json::array();
  for (const Look& look : x.looks) {
    looks.push_back({{"time", format_time(look.time)},
                     {"score", look.score},
                     {"alarm", look.alarm},
                     {"evidence", look.evidence},
                     {"requests", look.requests},
                     {"errors", look.errors}});
  }
  Json statuses = Json::object();
  for (std::size_t c = 0; c < x.status_classes.size(); ++c) {
    if (x.status_classes[c] == 0) continue;
    statuses[c == 0 ? "unknown" : fmt::format("{}xx", c)] = x.status_classes[c];
  }
  const Json json{
      {"client", x.name},
      {"verdict",
       limiter::to_string(verdict ? verdict->record.kind : limiter::VerdictKind::normal)},
      {"score", x.oddest ? Json(x.oddest->score) : Json()},
      {"threshold", x.oddest ? Json(x.oddest->threshold) : Json()},
      {"scored_at", x.oddest ? Json(format_time(x.oddest_at)) : Json()},
      {"reasons",
       verdict ? Json(verdict->record.reasons)
               : Json(x.oddest ? anomaly::in_words(x.oddest->contributions, x.oddest->figures)
                               : std::vector<std::string>{})},
      {"features", x.oddest ? features_json(x.oddest->contributions) : Json::array()},
      {"verdicts", verdicts_json(x)},
      {"protected", x.protected_reason.empty() ? Json() : Json(x.protected_reason)},
      {"evidence", std::move(looks)},
      {"requests", x.requests},
      {"allowed", x.outcomes.allowed},
      {"denied", x.outcomes.denied()},
      {"would_deny", x.outcomes.would_deny()},
      {"first", format_time(x.first)},
      {"last", format_time(x.last)},
      {"users", x.users.count()},
      {"statuses", std::move(statuses)},
      {"paths", top_json(x.paths)},
      {"user_agents", top_json(x.agents)},
      {"model", x.model}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tidelimit::cli
