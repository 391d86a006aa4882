#include "serve/admin/calls.hpp"

namespace tidelimit::serve {
namespace {

/// The status page: one file, no outside resources; everything it shows comes through textContent,
/// so nothing that a client wrote is ever markup.
constexpr const char* kPage = R"html(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>tidelimit</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root{color-scheme:light dark;--line:#8884;--warn:#b45309;--bad:#b91c1c}
@media(prefers-color-scheme:dark){:root{--warn:#f5b041;--bad:#ff8f85}}
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:1.8rem 0 .4rem}
header{display:flex;gap:1rem;align-items:baseline;flex-wrap:wrap}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;font-size:.85rem;white-space:nowrap}td:last-child{min-width:14rem}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.warn{color:var(--warn)}.bad{color:var(--bad)}.dim{opacity:.65}.wide{overflow-x:auto}
input{font:inherit;padding:.2rem .4rem;width:28rem;max-width:100%;box-sizing:border-box}
</style></head><body>
<header><h1>tidelimit</h1><span id="state" class="dim">loading</span></header>
<ul id="degraded" class="warn"></ul>
<p id="mode" class="warn"></p>
<h2>Limits</h2><div class="wide"><table id="limits"></table></div>
<h2>Forecasts</h2><div class="wide"><table id="forecasts"></table></div>
<h2>Rules</h2><div class="wide"><table id="rules"></table></div>
<h2>Verdicts</h2>
<p><label>Token <input id="token" type="password" autocomplete="off" placeholder="verdicts name clients: they need the admin token"></label></p>
<div class="wide"><table id="verdicts"></table></div>
<h2>Latest changes</h2><div class="wide"><table id="changes"></table></div>
<script>
"use strict";
const $ = id => document.getElementById(id);
const number = (x, digits = 1) => x === null || x === undefined ? "–" : Number(x).toLocaleString("en", {maximumFractionDigits: digits});
let today = "", modes = {};  // as the last plan said
const clock = text => !text ? "" : text.slice(0, 10) === today ? text.slice(11, 19) : text.slice(0, 10) + " " + text.slice(11, 19);
function table(id, heads, rows, empty) {
  const root = $(id);
  root.replaceChildren();
  if (!rows.length) { root.textContent = empty; return; }
  const add = (cells, tag) => {
    const line = root.insertRow();
    cells.forEach(cell => {
      const [text, kind] = Array.isArray(cell) ? cell : [cell, ""];
      const box = document.createElement(tag);
      box.textContent = text;
      box.className = kind;
      line.append(box);
    });
  };
  add(heads, "th");
  rows.forEach(row => add(row, "td"));
}
async function get(path) {
  const token = $("token").value.trim();
  const answer = await fetch(path, token ? {headers: {Authorization: "Bearer " + token}} : {});
  if (!answer.ok) throw new Error(answer.status === 401 ? "a token is needed" : "status " + answer.status);
  return answer.json();
}
const inForce = m => m.mode + (m.mode === "enforce" && m.enforced_ratio < 1 ? " " + number(m.enforced_ratio * 100, 2) + " %" : "");
const because = (rule, cause) => rule + (cause ? ": " + cause : "");
// What is not enforced for all: " (shadow)", " (for 5 %)". `by`: the switches above it.
const ofMode = (m, ...by) => {
  const all = by.map(part => modes[part]).concat(m.mode);
  return all.includes("off") ? " (off)" : all.includes("shadow") ? " (shadow)" : m.enforced_ratio < 1 ? " (for " + number(m.enforced_ratio * 100, 2) + " %)" : "";
};
function whyLimited(l) {
  const own = l.rule ? because(l.rule, l.cause) : "", total = l.total_rule ? because(l.total_rule, l.total_cause) : "";
  return [l.shedding ? "sheds " + number(l.shed_ratio * 100) + " % of the requests" : "", own,
    total && total !== own ? "total by " + total : ""].filter(text => text).join("; ");
}
function showLimits(limits) {
  const some = key => limits.some(l => l[key] !== null);
  const columns = [
    ["endpoint", l => l.endpoint + ofMode(l)],
    ["tier", l => l.tier],
    [["base / min", "n"], l => [number(l.base_per_minute), "n"]],
    [["now / min", "n"], l => [number(l.effective_per_minute), l.scale < 1 ? "n warn" : "n"]],
    some("total_per_minute") && [["total / min", "n"], l => [number(l.total_per_minute), l.total_rule ? "n warn" : "n"]],
    some("client_per_minute") && [["client / min", "n"], l => [number(l.client_per_minute), "n"]],
    some("in_flight_limit") && [["in flight", "n"], l => [number(l.in_flight_limit), "n"]],
    ["why", l => [whyLimited(l), l.shedding ? "warn" : ""]]].filter(column => column);
  table("limits", columns.map(([head]) => head), limits.map(l => columns.map(([, cell]) => cell(l))), "no limits are configured");
}
function showPlan(plan) {
  today = plan.at.slice(0, 10);
  modes = plan.modes;
  $("state").textContent = "plan " + plan.generation + " at " + clock(plan.at) + " UTC · " +
    Object.entries(modes).map(([part, mode]) => part + " " + mode).join(", ") +
    (plan.signals.cpu === undefined ? "" : " · CPU " + number(plan.signals.cpu * 100, 0) + " %");
  $("mode").textContent = modes.all === "off" ? "The gate is off: every request passes, whatever stands below." :
    modes.all === "shadow" ? "The gate is in shadow mode: it denies nothing; what stands below is what it would do." : "";
  const by_hand = plan.modes_by_hand.map(m => m.part + " " + inForce(m) + " by hand" +
    (m.until ? " until " + clock(m.until) : "") + " (" + m.by + ": " + m.reason + ")");
  $("degraded").replaceChildren(...plan.degraded.concat(by_hand).map(text => { const li = document.createElement("li"); li.textContent = text; return li; }));
  showLimits(plan.limits);
  table("rules", ["rule", "mode", "state", "cause"], plan.rules.map(r => [
    r.rule, inForce(r) + (r.mode_until ? " until " + clock(r.mode_until) : ""), r.active ? ["active since " + clock(r.since), "warn"] : ["quiet", "dim"], r.cause]), "no rules are configured");
  table("changes", ["time", "endpoint", "tier", ["before", "n"], ["after", "n"], "cause"],
    plan.changes.filter(c => (c.of ?? "limit") === "limit").slice(-20).reverse().map(c => [clock(c.time), c.endpoint, c.tier,
      [number(c.before_per_minute), "n"], [number(c.after_per_minute), "n"], (c.shadow ? "(shadow) " : "") + because(c.rule ?? "back at base", c.cause)]), "none yet");
}
function showForecasts(data) {
  table("forecasts", ["endpoint", ["next " + (data.forecasts[0]?.horizon ?? "hour"), "n"], ["5 % to 95 %", "n"], ["usual", "n"], ["spike", "n"], ["this window", "n"], "source"],
    data.forecasts.map(f => [f.endpoint, [number(f.forecast, 0), "n"],
      [number(f.quantiles["0.05"], 0) + " to " + number(f.quantiles["0.95"], 0), "n"], [number(f.usual, 0), "n"],
      [number(f.spike, 2), f.spike >= 1.5 ? "n warn" : "n"], [number(f.open_window_requests, 0), "n"], (f.recent_errors.lstm !== undefined && f.source !== "lstm" ? [f.source + " (" + f.note + ")", "warn"] : f.source + (f.note ? " (" + f.note + ")" : ""))]),
    "none yet: the first comes with the first closed window");
}
function showVerdicts(data) {
  table("verdicts", ["client", "verdict", "action", "until", "reasons"], data.verdicts.map(v => [
    v.client, [v.verdict, v.verdict === "malicious" ? "bad" : "warn"], (v.limit ? v.action + " " + v.limit : v.action) + ofMode(v, "all", v.features.length ? "anomaly" : "rules"), clock(v.until), v.reasons.join("; ")]), "none");
}
async function turn() {
  try { showPlan(await get("/v1/plan")); showForecasts(await get("/v1/forecasts")); }
  catch (fault) { $("state").textContent = "no answer: " + fault.message; }
  if ($("token").value.trim()) {
    try { showVerdicts(await get("/v1/verdicts")); } catch (fault) { $("verdicts").textContent = fault.message; }
  }
  setTimeout(turn, 2000);
}
turn();
</script></body></html>
)html";

}  // namespace

Response get_page(const DeskContext&, const DeskCall&) {
  return {.body = kPage,
          .content_type = "text/html; charset=utf-8",
          .fields =
              "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
              "script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; "
              "base-uri 'none'; form-action 'none'\r\n"
              "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"};
}

}  // namespace tidelimit::serve
