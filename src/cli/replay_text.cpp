#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <string_view>

#include "base/figures.hpp"
#include "cli/replay.hpp"
#include "cli/text_table.hpp"

namespace tidelimit::cli {
namespace {

using engine::Outcomes;
using engine::ReplayReport;

constexpr auto kLeft = TextTable::Align::left;
constexpr auto kRight = TextTable::Align::right;
constexpr std::size_t kRows = 10;  // of long lists; --json has them all

std::string section(const std::string& title, const std::string& body) {
  return body.empty() ? "" : "\n" + title + "\n" + body;
}

std::string more(std::size_t all) {
  return all > kRows ? fmt::format("  ... and {} more\n", all - kRows) : "";
}

/// Denied, or what shadow mode would have: the reader asks for one of them.
const engine::ReasonCounts& refusals(const Outcomes& outcomes, bool shadow) {
  return shadow ? outcomes.would_deny_by : outcomes.denied_by;
}

std::string headline(const Replayed& replayed, const ReplayedConfig& config) {
  const ReplayReport& r = config.report;
  std::string text = fmt::format("{}: {} requests", replayed.inputs, grouped(r.requests));
  if (r.first) text += fmt::format(", {} to {}", format_time(*r.first), format_time(r.last));
  text += fmt::format("; {} of {} lines unreadable\n", grouped(replayed.reading.unreadable),
                      grouped(replayed.reading.lines));
  text += fmt::format("under {} (mode {}{}): ", config.file, limiter::to_string(r.mode),
                      config.model.empty() ? ", no model" : ", model " + config.model);
  const Outcomes total = r.total();
  text += fmt::format("{} allowed, {} denied ({})", grouped(total.allowed), grouped(total.denied()),
                      percent(total.denied(), r.requests, 2));
  if (total.would_deny() > 0) {
    text += fmt::format("; {} of the allowed would have been denied but for shadow mode ({})",
                        grouped(total.would_deny()), percent(total.would_deny(), r.requests, 2));
  }
  return text + "\n";
}

std::string reasons(const ReplayReport& r) {
  const Outcomes total = r.total();
  std::string text;
  for (const bool shadow : {false, true}) {
    const auto& counts = refusals(total, shadow);
    for (std::size_t i = 0; i < limiter::kReasons; ++i) {
      if (counts[i] == 0) continue;
      text += fmt::format("  {:>12}  {}{}\n", grouped(counts[i]),
                          limiter::to_string(static_cast<limiter::Reason>(i)),
                          shadow ? " (shadow: would have been denied)" : "");
    }
  }
  return section("Denials by reason", text);
}

std::string endpoints(const ReplayReport& r) {
  TextTable table(
      {"endpoint", "tier", "requests", "allowed", "denied", "share", "would deny", "base limit"},
      {kLeft, kLeft, kRight, kRight, kRight, kRight, kRight, kRight});
  for (std::size_t e = 0; e < r.endpoints.size(); ++e) {
    for (std::size_t t = 0; t < r.tiers.size(); ++t) {
      const Outcomes& cell = r.cell(e, t);
      if (cell.requests() == 0) continue;
      table.add({r.endpoints[e], r.tiers[t], grouped(cell.requests()), grouped(cell.allowed),
                 grouped(cell.denied()), percent(cell.denied(), cell.requests(), 2),
                 grouped(cell.would_deny()), base_there(r, e, t)});
    }
  }
  return section("Endpoints", table.empty() ? "" : table.text());
}

std::string verdicts(const ReplayReport& r) {
  TextTable table({"client", "verdict", "does", "from", "until", "score", "why"},
                  {kLeft, kLeft, kLeft, kLeft, kLeft, kRight, kLeft});
  for (std::size_t i = 0; i < r.verdicts.size() && i < kRows; ++i) {
    const auto& v = r.verdicts[i].record;
    table.add({v.client_name, limiter::to_string(v.kind), what_it_does(v, r.mode),
               format_time(v.from), format_time(v.until),
               v.score > 0 ? fmt::format("{:.2f}", v.score) : "rule",
               v.reasons.empty() ? v.rule : v.reasons.front()});
  }
  return section(fmt::format("Verdicts ({}, on {} clients)", grouped(r.verdicts.size()),
                             grouped(clients_judged(r))),
                 table.empty() ? "" : table.text() + more(r.verdicts.size()));
}

std::string episodes(const ReplayReport& r) {
  std::string text;
  for (std::size_t i = 0; i < r.episodes.size() && i < kRows; ++i) {
    const engine::Episode& e = r.episodes[i];
    const auto [base, farthest] = figures_of(r, e);
    text += fmt::format("  {} {} {}: {} -> {}, {} to {}, by {}{}\n      {}\n", e.endpoint, e.tier,
                        policy::to_string(e.of), base, farthest, format_time(e.from),
                        e.until ? format_time(*e.until) : "the end", e.rule,
                        e.shadow ? " (shadow)" : "", e.cause);
  }
  return section("What moved (" + what_moved(r) + ")",
                 text.empty() ? "" : text + more(r.episodes.size()));
}

std::string rules(const ReplayReport& r) {
  TextTable table({"rule", "denied", "would deny", "plan changes", "verdicts"},
                  {kLeft, kRight, kRight, kRight, kRight});
  for (const auto& a : r.rules) {
    table.add({a.rule == "limits" ? "(base limits)" : a.rule, grouped(a.denied),
               grouped(a.would_deny), grouped(a.plan_changes), grouped(a.verdicts)});
  }
  return section("Rules that acted", table.empty() ? "" : table.text());
}

std::string harm(const ReplayedConfig& config) {
  const ReplayReport& r = config.report;
  const engine::Harm& h = r.harm;
  std::string text = fmt::format(
      "  {} principals came; {} without a verdict met a base limit, {} an adapted one: {} of their "
      "requests, {} of them only because limits had moved\n",
      grouped(h.principals), grouped(h.over_limit), grouped(h.adapted), grouped(h.requests),
      grouped(h.requests_adapted));
  if (config.model.empty()) text += "  no model judged them: attackers may be among them\n";
  TextTable table({"principal", "endpoint", "tier", "denied", "first", "at limit", "rule"},
                  {kLeft, kLeft, kLeft, kRight, kLeft, kRight, kLeft});
  for (std::size_t i = 0; i < h.examples.size() && i < kRows; ++i) {
    const auto& p = h.examples[i];
    table.add({p.name, p.endpoint, p.tier, grouped(p.denied()), format_time(p.first),
               limit_met(r, p), p.rule.empty() ? "(base limit)" : p.rule});
  }
  if (!table.empty()) text += table.text();
  return section("Denied without a verdict, or would be but for shadow mode", text);
}

std::string notes(const ReplayReport& r) {
  std::string text;
  for (const std::string& note : r.notes) text += "  " + note + "\n";
  return section("Notes", text);
}

std::string difference(const Replayed& replayed) {
  if (!replayed.against) return {};
  const engine::Comparison& c = replayed.comparison;
  const engine::Parting total = c.total();
  const std::string from = replayed.against->file;
  const std::string to = replayed.main.file;
  const Outcomes before = replayed.against->report.total();
  std::string text =
      fmt::format("  {}: {} allowed, {} denied, {} would have been\n", from,
                  grouped(before.allowed), grouped(before.denied()), grouped(before.would_deny()));
  if (total.allow_to_deny + total.deny_to_allow == 0) {
    return section("Against " + from, text + "  no request is decided otherwise\n");
  }
  text += fmt::format("  {} requests of {} principals pass there and are refused under {}\n",
                      grouped(total.allow_to_deny), grouped(c.principals().allow_to_deny), to);
  text += fmt::format("  {} requests of {} principals are refused there and pass under {}\n",
                      grouped(total.deny_to_allow), grouped(c.principals().deny_to_allow), to);
  TextTable table({"endpoint", "tier", "allow -> deny", "deny -> allow"},
                  {kLeft, kLeft, kRight, kRight});
  TextTable examples({"change", "time", "who", "request", "reason"},
                     {kLeft, kLeft, kLeft, kLeft, kLeft});
  for (const auto& row : c.rows()) {
    table.add({row.endpoint, row.tier, grouped(row.parting.allow_to_deny),
               grouped(row.parting.deny_to_allow)});
  }
  for (const auto& x : c.examples(2)) {
    examples.add({x.now_refused ? "allow -> deny" : "deny -> allow", format_time(x.time),
                  x.user.empty() ? x.client : x.user, x.method + " " + x.path,
                  x.rule.empty() ? x.reason : x.reason + " (" + x.rule + ")"});
  }
  return section("Against " + from, text + table.text() + "  for example\n" + examples.text());
}

}  // namespace

std::string what_it_does(const policy::VerdictRecord& verdict, limiter::Mode gate) {
  const std::string action = limiter::to_string(verdict.action);
  if (verdict.mode == limiter::Mode::enforce && gate == limiter::Mode::shadow)
    return "would " + action + (verdict.limit ? " to " + format_rate(*verdict.limit) : "");
  const std::string does = verdict.limit ? format_rate(*verdict.limit) : action;
  return verdict.mode == limiter::Mode::enforce ? does : does + " (only reported)";
}

std::size_t clients_judged(const ReplayReport& report) {
  std::set<std::string_view> clients;
  for (const auto& verdict : report.verdicts) clients.insert(verdict.record.client_name);
  return clients.size();
}

std::string replay_text(const Replayed& replayed) {
  const ReplayReport& r = replayed.main.report;
  return headline(replayed, replayed.main) + reasons(r) + endpoints(r) + verdicts(r) + episodes(r) +
         rules(r) + harm(replayed.main) + difference(replayed) + notes(r) +
         fmt::format("\n{} requests a second\n", grouped(replayed.requests_per_second()));
}

}  // namespace tidelimit::cli
