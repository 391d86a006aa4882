"""The status page of a running gate: what it shows of what the API says. Its own script is run by Node, with the least of a
document around it."""

import json
import subprocess
import unittest

from harness import SOURCE, EndToEnd, wait_until

CONFIG = """
mode: MODE
listen: { http: HTTP }
identity: { user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }
tiers: [PRM, STD]
endpoints:
  - { name: pay, match: "/pay/**", capacity: 2/s, priority: high, limits: { PRM: 600/min, STD: 600/min } }
  - { name: browse, match: "/browse/**", concurrency: { STD: 7 }, limits: { STD: 600/min, client: 900/min } }
rules:
  - { name: odd-tool, mode: shadow, when: { user_agent: "Postman*", requests: 20 }, then: { action: block, for: 10m } }
  - { name: scraper, when: { user_agent: "scraper*", requests: 20 }, then: { action: block, for: 10m } }
admin: { token_file: var/admin.token }
"""


class PageTest(EndToEnd):
    def show(self, answers):
        done = subprocess.run(["node", SOURCE / "tests/e2e/page/show.js"], capture_output=True, text=True, timeout=60, check=False,
                              input=json.dumps({"page": self.gate.get("/").body, "answers": answers}))
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def answers(self):
        return {path: self.gate.get(path).json for path in ("/v1/plan", "/v1/forecasts", "/v1/verdicts")}

    def start(self, mode):
        self.gate = self.start_gate(CONFIG.replace("MODE", mode))

    def judge(self):
        for client, agent in (("198.51.100.1", "PostmanRuntime/7"), ("198.51.100.2", "scraper/1")):
            self.gate.flood(30, client_ip=client, user_agent=agent)
        wait_until(lambda: len(self.gate.get("/v1/verdicts").json["verdicts"]) == 2, "both are judged")

    def column(self, rows, head):
        at = rows[0].index(head)
        return [row[at] for row in rows[1:]]

    def test_shows_the_total_that_a_division_sets(self):
        self.start("enforce")

        def divided():
            self.gate.flood(40, client_ip="203.0.113.9", path="/pay/1", tier="STD")
            return any(limit["total_rule"] == "capacity" for limit in self.gate.get("/v1/plan").json["limits"])
        wait_until(divided, "the capacity is divided")
        answers = self.answers()
        pay = [limit for limit in answers["/v1/plan"]["limits"] if limit["total_rule"] == "capacity"][-1]
        row = dict(zip(*(lambda rows: (rows[0], next(r for r in rows if r[:2] == ["pay", pay["tier"]])))(
            self.show(answers)["limits"])))
        self.assertAlmostEqual(float(row["total / min"].replace(",", "")), pay["total_per_minute"], delta=0.06)
        self.assertIn("capacity: " + pay["total_cause"], row["why"])

    def test_shows_what_else_holds_only_where_it_does(self):
        self.start("enforce")
        answers = self.answers()
        limits = self.show(answers)["limits"]
        self.assertEqual(limits[0], ["endpoint", "tier", "base / min", "now / min", "client / min", "in flight", "why"])
        self.assertIn(["browse", "STD", "600", "600"], [row[:4] for row in limits])
        self.assertIn("900", self.column(limits, "client / min"))
        self.assertIn("7", self.column(limits, "in flight"))
        for limit in answers["/v1/plan"]["limits"]:
            limit |= {"client_per_minute": None, "in_flight_limit": None, "total_per_minute": None}
        limit |= {"shedding": True, "shed_ratio": 0.25}
        limits = self.show(answers)["limits"]
        self.assertEqual(limits[0], ["endpoint", "tier", "base / min", "now / min", "why"])
        self.assertIn("sheds 25 % of the requests", limits[-1][-1])

    def test_says_what_is_enforced(self):
        self.start("enforce")
        self.judge()
        answers = self.answers()
        shown = self.show(answers)
        self.assertEqual(shown["mode"], "")
        self.assertEqual(dict(zip(self.column(shown["verdicts"], "client"), self.column(shown["verdicts"], "action"))),
                         {"198.51.100.1": "block (shadow)", "198.51.100.2": "block"})
        for verdict in answers["/v1/verdicts"]["verdicts"]:
            verdict |= {"mode": "enforce", "enforced_ratio": 0.05}
        self.assertEqual(self.column(self.show(answers)["verdicts"], "action"), ["block (for 5 %)"] * 2)

    def test_says_that_a_gate_in_shadow_mode_denies_nothing(self):
        self.start("shadow")
        self.judge()
        answers = self.answers()
        shown = self.show(answers)
        self.assertIn("denies nothing", shown["mode"])
        self.assertEqual(self.column(shown["verdicts"], "action"), ["block (shadow)"] * 2)
        answers["/v1/plan"]["modes"]["all"] = "off"
        self.assertIn("every request passes", self.show(answers)["mode"])

    def test_tells_the_day_of_what_is_not_of_today(self):
        self.start("enforce")
        answers = self.answers()
        change = {"endpoint": "pay", "tier": "STD", "before_per_minute": 600, "after_per_minute": 300, "rule": "hot",
                  "cause": "a forecast"}
        answers["/v1/plan"] |= {"at": "2026-11-24T10:00:00Z", "changes": [
            change | {"time": "2026-11-23T23:59:00.5Z", "shadow": True}, change | {"time": "2026-11-24T09:00:00Z", "shadow": False}]}
        changes = self.show(answers)["changes"]
        self.assertEqual(self.column(changes, "time"), ["09:00:00", "2026-11-23 23:59:00"])
        self.assertEqual(self.column(changes, "cause"), ["hot: a forecast", "(shadow) hot: a forecast"])


if __name__ == "__main__":
    unittest.main()
