#include <algorithm>
#include <fmt/format.h>
#include <numeric>

#include "base/figures.hpp"
#include "cli/replay.hpp"
#include "cli/replay_plots.hpp"
#include "cli/report/axis.hpp"
#include "cli/report/page.hpp"

namespace tidelimit::cli {
namespace {

using engine::Outcomes;
using engine::ReplayReport;
using report::Page;
using Of = policy::PlanChange::Of;
using Rows = std::vector<std::vector<std::string>>;

constexpr std::size_t kEndpointsPlotted = 8;  // whatever they did
constexpr std::size_t kEndpointsDrawn = 40;   // with quieter ones where something moved
constexpr std::size_t kRowsMax = 500;         // of one table

std::string moment(WallTime time) {
  return report::short_time(std::floor(unix_seconds(time)));
}

void add_summary(Page& page, const Replayed& replayed) {
  const ReplayReport& r = replayed.main.report;
  const Outcomes total = r.total();
  const bool judged = !replayed.main.model.empty();
  std::vector<report::Card> cards = {
      {grouped(r.requests), "requests",
       fmt::format("{} lines unreadable", grouped(replayed.reading.unreadable))},
      {grouped(total.allowed), "allowed", percent(total.allowed, r.requests, 2)},
      {grouped(total.denied()), "denied", percent(total.denied(), r.requests, 2)},
      {grouped(r.verdicts.size()), "verdicts",
       fmt::format("on {} clients, suspicious or malicious", grouped(clients_judged(r)))},
      {grouped(r.episodes.size()), "times something moved", what_moved(r)},
      {grouped(r.harm.adapted),
       judged ? "good principals met adapted limits" : "principals met adapted limits",
       fmt::format("of {}; {} met base limits{}", grouped(r.harm.principals),
                   grouped(r.harm.over_limit), judged ? "" : "; no model judged who is good"),
       r.harm.adapted > 0},
  };
  if (total.would_deny() > 0)
    cards.insert(cards.begin() + 3,
                 {grouped(total.would_deny()), "would be denied",
                  percent(total.would_deny(), r.requests, 2) + ", in shadow mode"});
  page.add_cards(cards);
  for (const std::string& note : r.notes) page.add_note(note);
}

/// Endpoints by traffic, most first.
std::vector<std::size_t> busiest(const ReplayReport& r) {
  std::vector<std::uint64_t> requests(r.endpoints.size());
  for (std::size_t e = 0; e < r.endpoints.size(); ++e) {
    for (std::size_t t = 0; t < r.tiers.size(); ++t) requests[e] += r.cell(e, t).requests();
  }
  std::vector<std::size_t> order(r.endpoints.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return requests[a] > requests[b]; });
  std::erase_if(order, [&](std::size_t e) { return requests[e] == 0; });
  return order;
}

void add_plots(Page& page, const ReplayReport& r) {
  page.add_section("Over time");
  page.add_html(render(traffic_plot(r)));
  if (const auto refusals = refusals_plot(r)) page.add_html(render(*refusals));
  const auto order = busiest(r);
  const auto changes = changes_by_endpoint(r);
  std::size_t drawn = 0;
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::string& endpoint = r.endpoints[order[i]];
    const auto moved = changes.find(endpoint);
    if (drawn == kEndpointsDrawn || (i >= kEndpointsPlotted && moved == changes.end())) {
      ++left_out;
      continue;
    }
    ++drawn;
    if (const auto forecast = forecast_plot(r, endpoint)) page.add_html(render(*forecast));
    if (moved == changes.end()) continue;
    for (const auto of : {Of::limit, Of::total, Of::shed})
      if (const auto plot = moved_plot(r, moved->second, of)) page.add_html(render(*plot));
  }
  if (left_out > 0) {
    page.add_text(fmt::format("{} quieter endpoints are not drawn.", left_out));
  }
}

void add_endpoints(Page& page, const ReplayReport& r) {
  page.add_section("Endpoints");
  Rows rows;
  for (const std::size_t e : busiest(r)) {
    for (std::size_t t = 0; t < r.tiers.size(); ++t) {
      const Outcomes& cell = r.cell(e, t);
      if (cell.requests() == 0) continue;
      const auto refused = [&cell](limiter::Reason reason) {
        const auto i = static_cast<std::size_t>(reason);
        return cell.denied_by[i] + cell.would_deny_by[i];
      };
      using limiter::Reason;
      rows.push_back({r.endpoints[e], r.tiers[t], grouped(cell.requests()), grouped(cell.allowed),
                      grouped(cell.denied()), percent(cell.denied(), cell.requests(), 2),
                      grouped(cell.would_deny()), grouped(refused(Reason::over_limit)),
                      grouped(refused(Reason::reduced_capacity) + refused(Reason::load_shed)),
                      grouped(refused(Reason::client_blocked) + refused(Reason::client_limited)),
                      base_there(r, e, t)});
    }
  }
  page.add_table({{"endpoint"},
                  {"tier"},
                  {"requests", true},
                  {"allowed", true},
                  {"denied", true},
                  {"share", true},
                  {"would deny", true},
                  {"over limit", true},
                  {"adapted", true},
                  {"by verdict", true},
                  {"base limit", true}},
                 rows, "no requests");
}

/// Of a table of so many, those that it leaves out.
void add_rest(Page& page, std::size_t all) {
  if (all <= kRowsMax) return;
  page.add_text(fmt::format("{} more; --json lists all.", grouped(all - kRowsMax)));
}

void add_episodes(Page& page, const ReplayReport& r) {
  page.add_section("What moved");
  page.add_text(
      "Limits of each principal that left their base, totals that rules set for all principals of "
      "a tier together, and shares of requests that were shed.");
  Rows rows;
  for (const engine::Episode& e : r.episodes) {
    if (rows.size() == kRowsMax) break;
    const auto [base, farthest] = figures_of(r, e);
    rows.push_back({moment(e.from), e.until ? moment(*e.until) : "the end", e.endpoint, e.tier,
                    policy::to_string(e.of), base, farthest, e.rule + (e.shadow ? " (shadow)" : ""),
                    e.cause});
  }
  page.add_table({{"from"},
                  {"until"},
                  {"endpoint"},
                  {"tier"},
                  {"what"},
                  {"base", true},
                  {"farthest", true},
                  {"rule"},
                  {"because"}},
                 rows, "never");
  add_rest(page, r.episodes.size());
}

void add_verdicts(Page& page, const ReplayReport& r) {
  page.add_section("Verdicts");
  Rows rows;
  for (const auto& [v, renewals] : r.verdicts) {
    if (rows.size() == kRowsMax) break;
    rows.push_back({v.client_name, limiter::to_string(v.kind), what_it_does(v, r.mode),
                    moment(v.from), moment(v.until),
                    v.score > 0 ? fmt::format("{:.2f}", v.score) : "", v.rule,
                    fmt::format("{}", fmt::join(v.reasons, "; "))});
  }
  page.add_table(
      {{"client"}, {"verdict"}, {"does"}, {"from"}, {"until"}, {"score", true}, {"rule"}, {"why"}},
      rows, "no client was judged");
  add_rest(page, r.verdicts.size());
}

void add_rules(Page& page, const ReplayReport& r) {
  page.add_section("Rules that acted");
  Rows rows;
  for (const auto& a : r.rules) {
    rows.push_back({a.rule == "limits" ? "(base limits)" : a.rule, grouped(a.denied),
                    grouped(a.would_deny), grouped(a.plan_changes), grouped(a.verdicts)});
  }
  page.add_table({{"rule"},
                  {"denied", true},
                  {"would deny", true},
                  {"plan changes", true},
                  {"verdicts", true}},
                 rows);
}

void add_harm(Page& page, const ReplayedConfig& config) {
  const ReplayReport& r = config.report;
  const engine::Harm& h = r.harm;
  page.add_section("Denied without a verdict");
  page.add_text(fmt::format(
      "Principals that were refused, or would be but for shadow mode, though no verdict ever stood "
      "against them: what these limits cost the people they are meant to serve. {} requests in "
      "all, {} of them only because limits "
      "had moved.{}",
      grouped(h.requests), grouped(h.requests_adapted),
      config.model.empty() ? " No model judged them: attackers may be among them." : ""));
  Rows rows;
  for (const auto& p : h.examples) {
    rows.push_back({p.name, p.is_user ? "user" : "client", p.endpoint, p.tier, grouped(p.denied()),
                    grouped(p.adapted()), moment(p.first), moment(p.last), limit_met(r, p),
                    p.rule.empty() ? "(base limit)" : p.rule});
  }
  page.add_table({{"principal"},
                  {""},
                  {"endpoint"},
                  {"tier"},
                  {"denied", true},
                  {"adapted", true},
                  {"first"},
                  {"last"},
                  {"at limit", true},
                  {"rule"}},
                 rows, "nobody");
}

void add_difference(Page& page, const Replayed& replayed) {
  const engine::Comparison& c = replayed.comparison;
  const std::string& other = replayed.against->file;
  const Outcomes before = replayed.against->report.total();
  const engine::Parting total = c.total();
  page.add_section("Against " + other);
  page.add_cards({{grouped(before.denied() + before.would_deny()), "refused there",
                   percent(before.denied() + before.would_deny(), c.requests(), 2)},
                  {grouped(total.allow_to_deny), "pass there, refused here",
                   fmt::format("{} principals", grouped(c.principals().allow_to_deny))},
                  {grouped(total.deny_to_allow), "refused there, pass here",
                   fmt::format("{} principals", grouped(c.principals().deny_to_allow))},
                  {grouped(c.other_reason()), "refused by both", "for different reasons"}});
  Rows rows;
  Rows examples;
  for (const auto& row : c.rows()) {
    rows.push_back({row.endpoint, row.tier, grouped(row.parting.allow_to_deny),
                    grouped(row.parting.deny_to_allow)});
  }
  for (const auto& x : c.examples()) {
    examples.push_back({x.now_refused ? "now refused" : "now passes", moment(x.time),
                        x.user.empty() ? x.client : x.user, x.method + " " + x.path, x.endpoint,
                        x.tier, x.reason, x.rule});
  }
  page.add_table({{"endpoint"},
                  {"tier"},
                  {"pass there, refused here", true},
                  {"refused there, pass here", true}},
                 rows, "No request is decided otherwise.");
  if (!examples.empty()) {
    page.add_text("For example:");
    page.add_table({{"change"},
                    {"time"},
                    {"who"},
                    {"request"},
                    {"endpoint"},
                    {"tier"},
                    {"refused for"},
                    {"rule"}},
                   examples);
  }
}

}  // namespace

std::string replay_html(const Replayed& replayed) {
  const ReplayReport& r = replayed.main.report;
  std::string subtitle = replayed.inputs;
  if (r.first) {
    subtitle += fmt::format(", {} to {}", format_time(*r.first), format_time(r.last));
  }
  subtitle += fmt::format("; mode {}", limiter::to_string(r.mode));
  subtitle += replayed.main.model.empty() ? ", no model" : ", model " + replayed.main.model;
  subtitle += ". Times are UTC.";
  Page page(fmt::format("What {} would have done", replayed.main.file), subtitle);
  add_summary(page, replayed);
  if (replayed.against) add_difference(page, replayed);
  if (r.first) add_plots(page, r);
  add_endpoints(page, r);
  add_episodes(page, r);
  add_verdicts(page, r);
  add_rules(page, r);
  add_harm(page, replayed.main);
  return page.html();
}

}  // namespace tidelimit::cli
