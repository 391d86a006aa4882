"""The mission's example, start to end, on `tidelimit serve --rehearse`: the spike on /payment is predicted, STD on /browse falls
to 50 a minute before it comes, three attackers are blocked, PRM on /payment never notices, and afterwards all is as before."""

import collections
import datetime
import math
import random
import sqlite3
import threading
import time
import unittest

from harness import EndToEnd, HttpClient, run, wait_until

UTC = datetime.timezone.utc
WINDOW = datetime.timedelta(minutes=15)
BEGIN = datetime.datetime(2026, 11, 24, 17, 28, tzinfo=UTC)  # a Tuesday
SPIKE = datetime.datetime(2026, 11, 24, 18, tzinfo=UTC)  # and every Tuesday for an hour
SPIKE_ENDS = SPIKE + datetime.timedelta(hours=1)
PACE = 120
USUAL = {"payment": 60, "browse": 60, "login": 15}  # calls in a window at this time of day

CONFIG = """
mode: enforce
listen: { http: HTTP }
identity: { user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }
tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", priority: high, limits: { PRM: 300/min, STD: 100/min } }
  - { name: browse, match: "/browse/**", priority: low, limits: { PRM: 300/min, STD: { rate: 100/min, burst: 20 } } }
  - { name: login, match: "/login/**", limits: { PRM: 100/min, STD: 100/min } }
forecast: { window: 15m, history: 24h, horizon: 1h, model: forecast }
anomaly: { model: anomaly, scan: 1s }
rules:
  - { name: shield-payment, when: { forecast: payment, spike: 1.5 }, then: { endpoints: [browse], tiers: [STD], scale: 0.5 } }
  - { name: attacker, when: { verdict: malicious }, then: { action: block, for: 10s } }
adapt: { floor: { default: 0.5 }, tighten: 0.5, relax: 0.1/s, hold: 2s, plan_ttl: 30m }
admin: { token_file: var/admin.token }
state: tidelimit.db
"""

# As they are seen: failing logins, refused cards, paths that do not exist.
ATTACKERS = {
    "192.0.2.77": ("POST", ["/login/try"], 401, "python-requests/2.32.3"),
    "198.51.100.66": ("POST", ["/payment/authorize"], 402, "Go-http-client/1.1"),
    "198.51.100.99": ("GET", ["/wp-login.php", "/.env", "/admin/config.bak", "/.git/config"], 404, "Nmap Scripting Engine"),
}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0"


def requests_in(endpoint, start, noise):
    """What a window of a usual day holds, and what Tuesdays add."""
    hour = start.hour + start.minute / 60
    share = (0.62 + 0.38 * math.cos(2 * math.pi * (hour - 18) / 24)) * noise.gauss(1, 0.03)
    doubled = endpoint == "payment" and start.weekday() == 1 and start.hour == 18
    return round(USUAL[endpoint] * share * (2 if doubled else 1))


def windows():
    noise = random.Random(1)
    start = BEGIN.replace(minute=30) - datetime.timedelta(days=35, minutes=0)
    while start + WINDOW <= BEGIN.replace(minute=30):
        for endpoint in USUAL:
            yield start, endpoint, requests_in(endpoint, start, noise)
        start += WINDOW


class Clients:
    """Good customers, of whom Ana browses fast, and while `attack` is set the attackers."""

    def __init__(self, gate):
        self.client = HttpClient(gate.http_port)
        self.begin = time.monotonic()
        self.attack = threading.Event()
        self.ending = threading.Event()
        self.seen = collections.defaultdict(list)  # who -> (calendar, reason)
        self.failure = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def now(self):
        return BEGIN + PACE * datetime.timedelta(seconds=time.monotonic() - self.begin)

    def run(self):
        try:
            random_calls = random.Random(2)
            due = collections.defaultdict(float)
            while not self.ending.wait(0.02):
                passed = time.monotonic() - self.begin
                window = WINDOW.total_seconds() / PACE
                doubled = 2 if SPIKE <= self.now() < SPIKE_ENDS else 1
                rates = {"payment": doubled * USUAL["payment"] / window, "browse": USUAL["browse"] / window - 1.5,
                         "login": USUAL["login"] / window, "ana": 1.5}
                rates |= {address: 4 if self.attack.is_set() else 0 for address in ATTACKERS}
                for who, rate in rates.items():
                    if rate == 0:
                        due[who] = passed
                    while rate and due[who] <= passed:
                        due[who] = max(due[who] + 1 / rate, passed - 1)
                        self.call(who, random_calls)
        except Exception as failure:  # shown by the test
            self.failure = failure

    def call(self, who, draw):
        status = 200
        if who in ATTACKERS:
            method, paths, status, agent = ATTACKERS[who]
            call = {"client_ip": who, "method": method, "path": draw.choice(paths), "user_agent": agent}
        elif who == "ana":
            call = {"client_ip": "203.0.113.10", "user_id": "ana", "tier": "STD", "path": f"/browse/{draw.randrange(99)}"}
        else:
            user, tier = draw.randrange(60), draw.choice(("PRM", "STD"))
            call = {"client_ip": f"203.0.113.{100 + user}", "user_id": f"{tier}{user}", "tier": tier,
                    "path": f"/{who}/{draw.randrange(99)}", "method": "GET" if who == "browse" else "POST"}
            who = f"{who} {tier}"
        call.setdefault("user_agent", BROWSER)
        answer = self.client.call("POST", "/v1/check", call).json
        self.seen[who].append((self.now(), answer["reason"] if not answer["allowed"] else "ok"))
        if answer["allowed"]:
            self.client.call("POST", "/v1/report", [call | {"status": status, "latency_ms": 20}])

    def reasons(self, who, after=BEGIN, before=None):
        return collections.Counter(reason for at, reason in list(self.seen[who])
                                   if at >= after and (before is None or at < before))

    def end(self):
        self.ending.set()
        self.thread.join()
        self.client.close()


class Scenario(EndToEnd):
    def train(self):
        """Both models, and a state that knows five weeks."""
        series = self.folder / "windows.csv"
        rows = list(windows())
        series.write_text("timestamp,endpoint,requests\n" + "".join(
            f"{start:%Y-%m-%dT%H:%M:%SZ},{endpoint},{count}\n" for start, endpoint, count in rows))
        log = self.folder / "month.csv"
        home = self.folder / "gate"
        home.mkdir()
        for arguments in (("train", series, "-o", home / "forecast"),
                          ("generate", "-o", log, "--days", "4", "--scale", "0.5"),
                          ("train", log, "-o", home / "anomaly")):
            done = run(*arguments, cwd=self.folder)
            self.assertEqual(done.returncode, 0, done.stderr)
        gate = self.start_gate(CONFIG)  # makes the state
        gate.stop()
        with sqlite3.connect(home / "tidelimit.db") as state:
            for table in ("windows", "open_window"):
                state.execute(f"DELETE FROM {table}")
            state.executemany("INSERT INTO windows VALUES (?, ?, ?, ?, 0, 0, ?, 0, 0, 0, 1)", (
                (int(start.timestamp()) * 10**9, int(WINDOW.total_seconds()) * 10**9, endpoint, count, count)
                for start, endpoint, count in rows))
        state.close()
        return gate

    def limit(self, endpoint, tier):
        limits = self.gate.get("/v1/plan").json["limits"]
        return next(one for one in limits if (one["endpoint"], one["tier"]) == (endpoint, tier))

    def blocked(self):
        return {one["client"] for one in self.gate.get("/v1/verdicts").json["verdicts"] if one["action"] == "block"}

    def test_the_spike_is_foreseen_the_attackers_are_blocked_and_all_recovers(self):
        self.gate = self.train()
        self.gate.start("--rehearse", f"{BEGIN:%Y-%m-%dT%H:%M:%SZ}@{PACE}")
        clients = Clients(self.gate)
        self.addCleanup(clients.end)

        def until(condition, what, calendar):
            left = (calendar - clients.now()).total_seconds() / PACE
            return wait_until(lambda: clients.failure or condition(), what, max(left, 1))

        browse = until(lambda: (now := self.limit("browse", "STD"))["rule"] and now, "browse is tightened", SPIKE)
        self.assertIsNone(clients.failure)
        self.assertAlmostEqual(browse["effective_per_minute"], 50, delta=0.5)
        self.assertEqual(browse["rule"], "shield-payment")
        self.assertIn("forecast of payment", browse["cause"])
        forecasts = {one["endpoint"]: one for one in self.gate.get("/v1/forecasts").json["forecasts"]}
        self.assertGreater(forecasts["payment"]["spike"], 1.5)
        self.assertEqual(forecasts["payment"]["source"], "lstm")
        self.assertLess(clients.now(), SPIKE)

        wait_until(lambda: clients.now() > SPIKE, "the spike begins", 60)
        clients.attack.set()
        until(lambda: self.blocked() >= set(ATTACKERS), "three addresses are blocked", SPIKE_ENDS)
        self.assertEqual(self.blocked(), set(ATTACKERS), "and nobody else")
        wait_until(lambda: clients.now() > SPIKE_ENDS, "the spike is over", 60)
        clients.attack.clear()
        self.assertAlmostEqual(self.limit("browse", "STD")["effective_per_minute"], 50, delta=0.5)

        ended = clients.now()
        recovered = ended + datetime.timedelta(hours=2)
        until(lambda: self.limit("browse", "STD")["scale"] == 1, "the limit relaxes to its base", recovered)
        until(lambda: not self.blocked(), "verdicts expire", recovered)
        back = clients.now()
        time.sleep(5)
        clients.end()
        self.assertIsNone(clients.failure)

        self.assertEqual(self.limit("browse", "STD")["effective_per_minute"], 100)
        self.assertGreater(clients.reasons("ana", SPIKE, SPIKE_ENDS)["reduced_capacity"], 5)
        self.assertEqual(set(clients.reasons("ana", back + datetime.timedelta(minutes=2))), {"ok"})
        self.assertEqual(set(clients.reasons("payment PRM")), {"ok"}, "PRM on /payment never notices")
        self.assertGreater(clients.reasons("payment PRM", SPIKE, SPIKE_ENDS)["ok"], 150)
        for address in ATTACKERS:
            self.assertGreater(clients.reasons(address)["client_blocked"], 10, address)
        good = [who for who in clients.seen if who not in ATTACKERS]
        self.assertEqual(sum(clients.reasons(who)["client_blocked"] for who in good), 0)
        changes = [(one["endpoint"], one["tier"], round(one["after_per_minute"]))
                   for one in self.gate.get("/v1/plan").json["changes"]]
        self.assertEqual({change[:2] for change in changes}, {("browse", "STD")})
        self.assertEqual((changes[0][2], changes[-1][2]), (50, 100))

    def test_says_what_is_wrong_with_a_rehearsal(self):
        config = self.folder / "gate.yaml"
        config.write_text(CONFIG)
        for words, why in (("2026-11-24T17:28:00Z", "has no @"), ("yesterday@60", "yesterday"),
                           ("2026-11-24T17:28:00Z@fast", "whole number from 1 to 3600"),
                           ("2026-11-24T17:28:00Z@0", "whole number from 1 to 3600")):
            refused = run("serve", "--config", config, "--rehearse", words)
            self.assertEqual(refused.returncode, 2, words)
            self.assertIn(why, refused.stderr)
            self.assertIn("like 2026-11-24T17:45:00Z@120", refused.stderr)


if __name__ == "__main__":
    unittest.main()
