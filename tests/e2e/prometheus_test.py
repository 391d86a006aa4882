"""Debian's Prometheus on a gate under traffic: every query of the dashboard returns data, and the data agree with what the
gate itself counted. promtool checks the alerts."""

import collections
import json
import re
import shutil
import subprocess
import threading
import time
import unittest
import urllib.parse

from harness import SOURCE, EndToEnd, HttpClient, parse_metrics, wait_until

DASHBOARD = SOURCE / "deploy/grafana/dashboards/tidelimit.json"
WINDOW = 60  # seconds, of forecasts and of their horizon: the shortest there is
RATE = 20  # seconds, in the place of $__rate_interval

CONFIG = f"""
mode: enforce
listen: {{ http: HTTP }}
identity: {{ user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }}
tiers: [PRM, STD]
endpoints:
  - {{ name: payment, match: "/payment/**", priority: high, limits: {{ PRM: 300/min, STD: 60/min }} }}
  - {{ name: browse, match: "/browse/**", priority: low, limits: {{ PRM: 6000/min, STD: 6000/min }} }}
  - {{ name: static, match: "/static/**" }}
forecast: {{ window: {WINDOW}s, history: 10m, horizon: {WINDOW}s }}
rules:
  - {{ name: shield-payment, when: {{ forecast: payment, spike: 1.5 }}, then: {{ endpoints: [browse], scale: 0.5 }} }}
  - {{ name: cpu-pressure, when: {{ cpu: 0.99 }}, then: {{ priority: low, scale: 0.25 }} }}
  - {{ name: odd-tool, when: {{ user_agent: "Postman*", error_rate: 0.5, requests: 20 }},
      then: {{ verdict: suspicious, limit: 10/min, for: 10m }} }}
admin: {{ token_file: var/admin.token }}
state: var/tidelimit.db
"""


def queries():
    """(panel, expression) of every target of the dashboard, its variables filled in as Grafana fills them."""
    board = json.loads(DASHBOARD.read_text())
    panels = [inner for panel in board["panels"] for inner in (panel, *panel.get("panels", []))]
    for panel in panels:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in (("$__rate_interval", f"{RATE}s"), ("$horizon", f"{WINDOW}s"), ("$endpoint", ".*")):
                expression = expression.replace(name, value)
            yield panel["title"], expression


class Own:
    """The gate's own metrics between two moments, and the arithmetic of the dashboard on them."""

    def __init__(self, samples, at):
        self.at = at
        self.samples = samples
        self.last = self.near(at)

    def near(self, moment):
        return min(self.samples, key=lambda sample: abs(sample[0] - moment))

    def series(self, name, sample=None, **labels):
        wanted = set(labels.items())
        return {have - wanted: value for (series, have), value in (sample or self.last)[1].items()
                if series == name and wanted <= have}

    def rate(self, name, by=(), keep=lambda labels: True, over=RATE, **labels):
        """sum by (…) (rate(name{labels}[over]))"""
        first = self.near(self.at - over)
        before = self.series(name, first, **labels)
        sums = collections.defaultdict(float)
        for have, value in self.series(name, **labels).items():
            if keep(dict(have)):
                group = frozenset(pair for pair in have if pair[0] in by)
                sums[group] += (value - before.get(have, 0)) / (self.last[0] - first[0])
        return dict(sums)

    def quantile(self, share):
        """histogram_quantile(share, …) of the decision times."""
        buckets = sorted((float(dict(have)["le"]), rate)
                         for have, rate in self.rate("tidelimit_decision_seconds_bucket", by=("le",)).items())
        rank = share * buckets[-1][1]
        lower, below = 0.0, 0.0
        for upper, upto in buckets:
            if upto >= rank:
                return lower if upper == float("inf") else lower + (upper - lower) * (rank - below) / (upto - below)
            lower, below = upper, upto
        return lower


def scale(series, factor):
    return {labels: value * factor for labels, value in series.items()}


def single(value):
    return {frozenset(): value}


def total(series):
    return single(sum(series.values()))


DECISIONS = "tidelimit_decisions_total"
REQUESTS = "tidelimit_requests_total"
JUDGED = ("client_blocked", "client_limited")


def forecast(quantile):
    return lambda own: own.series("tidelimit_forecast_requests", own.near(own.at - WINDOW), quantile=quantile)


def ratio_of_limits(own):
    name = "tidelimit_limit_requests_per_second"
    base = own.series(name, kind="base")
    return {labels: value / base[labels] for labels, value in own.series(name, kind="effective").items()}


# What the gate's own counts say about each query. A query that is not here has no one to vouch for it, and fails.
R = f"[{RATE}s]"
EXPECTED = {
    f"sum(rate(tidelimit_requests_total{R}))": lambda own: own.rate(REQUESTS),
    f'sum(rate(tidelimit_decisions_total{{outcome="deny"}}{R})) / sum(rate(tidelimit_decisions_total{R}))':
        lambda own: single(own.rate(DECISIONS, outcome="deny")[frozenset()] / own.rate(DECISIONS)[frozenset()]),
    "sum(tidelimit_verdicts)": lambda own: total(own.series("tidelimit_verdicts")),
    "sum(tidelimit_rule_active)": lambda own: total(own.series("tidelimit_rule_active")),
    "max(tidelimit_plan_age_seconds)": lambda own: own.series("tidelimit_plan_age_seconds"),
    f'sum by (endpoint) (increase(tidelimit_requests_total{{endpoint=~".*", kind="demand"}}[{WINDOW}s]))':
        lambda own: scale(own.rate(REQUESTS, by=("endpoint",), over=WINDOW, kind="demand"), WINDOW),
    f'sum by (endpoint) (rate(tidelimit_requests_total{{endpoint=~".*", kind="demand"}}{R}))':
        lambda own: own.rate(REQUESTS, by=("endpoint",), kind="demand"),
    'tidelimit_forecast_requests{endpoint=~".*", quantile="0.5"} / ignoring (quantile) '
    'tidelimit_forecast_horizon_seconds{endpoint=~".*"}':
        lambda own: scale(own.series("tidelimit_forecast_requests", quantile="0.5"), 1 / WINDOW),
    'tidelimit_window_requests{endpoint=~".*"}': lambda own: own.series("tidelimit_window_requests"),
    'tidelimit_forecast_absolute_error{endpoint=~".*"}': lambda own: own.series("tidelimit_forecast_absolute_error"),
    'tidelimit_forecast_error_ratio{endpoint=~".*"}': lambda own: own.series("tidelimit_forecast_error_ratio"),
    'tidelimit_forecast_source{endpoint=~".*", source!="lstm"} == 1':
        lambda own: {labels: value for labels, value in own.series("tidelimit_forecast_source").items()
                     if value == 1 and ("source", "lstm") not in labels},
    "sum by (verdict) (tidelimit_verdicts)": lambda own: own.series("tidelimit_verdicts"),
    f"sum by (verdict, rule) (increase(tidelimit_verdicts_total{R}))":
        lambda own: scale(own.rate("tidelimit_verdicts_total", by=("verdict", "rule")), RATE),
    f'sum by (outcome, reason) (rate(tidelimit_decisions_total{{outcome!="allow", '
    f'reason=~"client_blocked|client_limited"}}{R}))':
        lambda own: own.rate(DECISIONS, by=("outcome", "reason"),
                             keep=lambda labels: labels["outcome"] != "allow" and labels["reason"] in JUDGED),
    '60 * tidelimit_limit_requests_per_second{endpoint=~".*", kind="effective"}':
        lambda own: scale(own.series("tidelimit_limit_requests_per_second", kind="effective"), 60),
    'tidelimit_limit_requests_per_second{endpoint=~".*", kind="effective"} / ignoring (kind) '
    'tidelimit_limit_requests_per_second{endpoint=~".*", kind="base"}': ratio_of_limits,
    "tidelimit_rule_active": lambda own: own.series("tidelimit_rule_active"),
    f"sum by (rule) (increase(tidelimit_plan_changes_total{R}))":
        lambda own: scale(own.rate("tidelimit_plan_changes_total", by=("rule",)), RATE),
    f'sum by (outcome, reason) (rate(tidelimit_decisions_total{{endpoint=~".*", outcome!="allow"}}{R})) > 0':
        lambda own: {labels: value for labels, value in
                     own.rate(DECISIONS, by=("outcome", "reason"),
                              keep=lambda labels: labels["outcome"] != "allow").items() if value > 0},
    f'sum by (endpoint, tier) (rate(tidelimit_near_limit_total{{endpoint=~".*"}}{R}))':
        lambda own: own.rate("tidelimit_near_limit_total", by=("endpoint", "tier")),
    f"sum(rate(tidelimit_decision_seconds_sum{R})) / sum(rate(tidelimit_decision_seconds_count{R}))":
        lambda own: single(own.rate("tidelimit_decision_seconds_sum")[frozenset()]
                           / own.rate("tidelimit_decision_seconds_count")[frozenset()]),
    f'sum by (status_class) (rate(tidelimit_requests_observed_total{{endpoint=~".*"}}{R}))':
        lambda own: own.rate("tidelimit_requests_observed_total", by=("status_class",)),
    "tidelimit_signal": lambda own: own.series("tidelimit_signal"),
    "time() - (tidelimit_control_plane_last_success_timestamp_seconds > 0)":
        lambda own: {labels: own.at - value for labels, value in
                     own.series("tidelimit_control_plane_last_success_timestamp_seconds").items() if value > 0},
    "tidelimit_table_entries": lambda own: own.series("tidelimit_table_entries"),
    f"rate(tidelimit_table_evictions_total{R})": lambda own: own.rate("tidelimit_table_evictions_total", by=("table",)),
    f"rate(tidelimit_unmatched_total{R})": lambda own: own.rate("tidelimit_unmatched_total", by=("kind",)),
    f"rate(tidelimit_late_total{R})": lambda own: own.rate("tidelimit_late_total"),
    f"rate(tidelimit_overflow_decisions_total{R})": lambda own: own.rate("tidelimit_overflow_decisions_total"),
    'sum(tidelimit_mode{mode="enforce"})': lambda own: total(own.series("tidelimit_mode", mode="enforce")),
    "sum(tidelimit_degraded)": lambda own: own.series("tidelimit_degraded"),
    "min(tidelimit_config_last_reload_successful)": lambda own: own.series("tidelimit_config_last_reload_successful"),
}
for share in (0.5, 0.99, 0.999):
    EXPECTED[f"histogram_quantile({share}, sum by (le) (rate(tidelimit_decision_seconds_bucket{R})))"] = (
        lambda own, share=share: single(own.quantile(share)))
for quantile in ("0.05", "0.5", "0.95"):
    EXPECTED[f'tidelimit_forecast_requests{{endpoint=~".*", quantile="{quantile}"}} offset {WINDOW}s'] = (
        forecast(quantile))

# Gauges that move all the time are compared with this much leave; a scrape is up to a second older than a sample.
SLACK = {"tidelimit_plan_age_seconds": 3, "time()": 3, "tidelimit_signal": 1}


MALICIOUS = "192.0.2.99"


class Traffic:
    """Callers of all kinds at a steady pace, and the gate's own metrics once a second."""

    def __init__(self, gate):
        self.gate = gate
        self.samples = []
        self.failure = None
        self.ending = threading.Event()
        self.threads = [threading.Thread(target=self.guard, args=(work,)) for work in (self.ask, self.sample)]
        for thread in self.threads:
            thread.start()

    def guard(self, work):
        try:
            with HttpClient(self.gate.http_port) as client:
                work(client)
        except Exception as failure:  # noqa: BLE001 - handed to the test
            self.failure = failure

    def ask(self, client):
        turn = 0
        while not self.ending.wait(0.02):
            turn += 1
            calls = [{"client_ip": f"203.0.113.{turn % 50}", "path": "/browse/1", "tier": "STD"},
                     {"client_ip": "198.51.100.1", "path": "/payment/1", "user_id": "greedy", "tier": "STD"},
                     {"client_ip": "198.51.100.2", "path": "/payment/2", "user_id": "premium", "tier": "PRM"}]
            if turn % 3 == 0:
                calls.append({"client_ip": "203.0.113.7", "path": "/odd", "tier": "GOLD"})
            if turn % 5 == 0:
                calls.append({"client_ip": "192.0.2.66", "path": "/browse/9", "user_agent": "PostmanRuntime/7.32"})
            # Some windows are fuller than others, or no forecast would ever be wrong.
            for call in calls * (1 + int(time.time() / WINDOW) % 2):
                client.call("POST", "/v1/check", call)
            reports = [calls[0] | {"status": 200, "latency_ms": 3}, calls[1] | {"status": 502, "latency_ms": 40}]
            if turn % 5 == 0:
                reports.append(calls[-1] | {"status": 404})
            client.call("POST", "/v1/report", reports)
            # Logs alone tell of what no check stands in front of; of a malicious client windows count nothing.
            logged = [{"client_ip": caller, "path": "/static/1", "status": 200} for caller in ("203.0.113.8", MALICIOUS)]
            client.call("POST", "/v1/report?observe_only=true", logged)
            client.call("POST", "/v1/check", {"client_ip": MALICIOUS, "path": "/static/2"})

    def sample(self, client):
        while not self.ending.wait(0.5):
            text = client.get("/metrics").body
            self.samples.append((time.time(), parse_metrics(text)))

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join()


class PrometheusTest(EndToEnd):
    def start_prometheus(self, gate):
        folder = self.folder / "prometheus"
        shutil.copytree(SOURCE / "deploy/prometheus", folder)
        file = folder / "prometheus.yml"
        text = file.read_text()
        for old, new in (("127.0.0.1:8080", f"127.0.0.1:{gate.http_port}"), ("scrape_interval: 5s", "scrape_interval: 1s")):
            self.assertIn(old, text)
            text = text.replace(old, new)
        file.write_text(text)
        return self.run_prometheus(file)

    def ask(self, expression, at):
        query = urllib.parse.urlencode({"query": expression, "time": f"{at:.3f}"})
        answer = self.prometheus.get(f"/api/v1/query?{query}")
        self.assertEqual(answer.status, 200, f"{expression}: {answer}")
        rows = answer.json["data"]["result"]
        return {frozenset((name, value) for name, value in row["metric"].items()
                          if name not in ("__name__", "instance", "job")): float(row["value"][1]) for row in rows}

    def disagreement(self, expression, own, got):
        """Why Prometheus and the gate tell different things; None: they agree."""
        # An empty label is no label to Prometheus.
        expected = {frozenset(pair for pair in labels if pair[1]): value
                    for labels, value in EXPECTED[expression](own).items()}
        # What a selector fixes stands in Prometheus's labels too.
        fixed = set(re.findall(r'(\w+)="([^"]*)"', expression))
        got = {labels - fixed: value for labels, value in got.items()}
        if not got:
            return "no data"
        if set(got) != set(expected):
            return f"series {sorted(map(sorted, got))}, the gate's own {sorted(map(sorted, expected))}"
        slack = max((leave for name, leave in SLACK.items() if name in expression), default=0)
        moving = "rate(" in expression or "increase(" in expression
        for labels, value in got.items():
            want = expected[labels]
            leave = max(slack, abs(want) * (0.25 if moving else 1e-6), 0.3 if "increase(" in expression else 1e-9)
            if abs(value - want) > leave:
                return f"{sorted(labels)}: {value}, the gate's own {want}"
        return None

    def test_every_query_of_the_dashboard_agrees_with_the_gate(self):
        expressions = list(queries())
        self.assertGreater(len(expressions), 30)
        self.assertEqual({expression for _, expression in expressions} - set(EXPECTED), set(),
                         "queries that nothing here vouches for")

        gate = self.start_gate(CONFIG)
        self.prometheus = self.start_prometheus(gate)
        gate.call("PUT", f"/v1/labels/{MALICIOUS}", {"label": "malicious", "reason": "known"})
        wait_until(lambda: gate.check(MALICIOUS, "/other")["verdict"] == "malicious", "the label is in force")
        traffic = Traffic(gate)
        self.addCleanup(traffic.end)
        needed = ("tidelimit_forecast_absolute_error", "tidelimit_forecast_error_ratio")
        for name in needed:
            wait_until(lambda name=name: traffic.failure or any(series == name for series, _ in gate.metrics()),
                       f"{name} is measured", 300)
        scraped = time.time()
        wait_until(lambda: time.time() > scraped + RATE, "there is a rate of it", 120)

        # A gauge may change between a scrape and a sample, so what disagrees is asked again a moment later.
        open_questions = dict.fromkeys(expressions, "")
        for _ in range(8):
            asked = time.time()
            wait_until(lambda asked=asked: traffic.samples[-1][0] > asked, "a sample after the scrape")
            own = Own(list(traffic.samples), asked)
            open_questions = {question: why for question in open_questions
                              if (why := self.disagreement(question[1], own, self.ask(question[1], asked)))}
            if not open_questions:
                break
            wait_until(lambda asked=asked: time.time() > asked + 1.5, "the next scrape")
        self.assertIsNone(traffic.failure)
        self.assertFalse(open_questions, "\n" + "\n".join(
            f"{panel}: {expression}: {why}" for (panel, expression), why in open_questions.items()))

        # Predictions are set against what windows count: logs too, and no malicious client.
        traffic.end()
        came, = self.ask(f'{REQUESTS}{{endpoint="static", kind="demand"}}', time.time()).values()
        apart, = self.ask(f'{REQUESTS}{{endpoint="static", kind="malicious"}}', time.time()).values()
        decided, = self.ask(f'sum({DECISIONS}{{endpoint="static"}})', time.time()).values()
        self.assertAlmostEqual(apart, 2 * decided, delta=4)
        self.assertAlmostEqual(came, decided, delta=4)
        closed = sum(window.get("requests", 0) for window in gate.get("/v1/history?since=1h&endpoint=static").json["windows"])
        self.assertTrue(0 < closed <= gate.count(REQUESTS, endpoint="static", kind="demand"), closed)

        self.assertEqual({dict(labels)["endpoint"] for labels in self.ask("count by (endpoint) (" + DECISIONS + ")",
                                                                           time.time())},
                         {"payment", "browse", "static", "other"})
        self.assertEqual(self.ask('up{job="tidelimit"}', time.time()), single(1))


class AlertsTest(unittest.TestCase):
    def promtool(self, *arguments, cwd):
        done = subprocess.run(["promtool", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_alerts_are_well_formed(self):
        self.promtool("check", "rules", "alerts.yml", cwd=SOURCE / "deploy/prometheus")
        self.promtool("check", "config", "prometheus.yml", cwd=SOURCE / "deploy/prometheus")

    def test_each_alert_fires_on_its_own_trouble(self):
        self.promtool("test", "rules", "alerts_test.yml", cwd=SOURCE / "tests/deploy")


if __name__ == "__main__":
    unittest.main()
