"""What the real binary tells: plan, decisions, metrics, health, and a history however long."""

import contextlib
import sqlite3
import time
import unittest

from harness import EndToEnd, wait_until
from serving import CONFIG, Serving


class ReadingTest(Serving):
    def test_plan_tells_each_limit(self):
        plan = self.gate.get("/v1/plan").json
        limits = {(row["endpoint"], row["tier"]): row for row in plan["limits"]}
        self.assertEqual(limits["payment", "STD"]["base_per_minute"], 6)
        self.assertEqual(limits["payment", "STD"]["effective_per_minute"], 6)
        self.assertIsNone(limits["other", "STD"]["base_per_minute"])
        self.assertEqual([rule["rule"] for rule in plan["rules"]], ["odd-tool"])
        self.assertEqual(plan["modes"]["all"], "enforce")

    def test_each_read_has_its_shape(self):
        self.gate.check("203.0.113.1", "/browse/1")
        for path, key in (("/v1/forecasts", "forecasts"), ("/v1/verdicts", "verdicts"), ("/v1/history", "windows"),
                          ("/v1/decisions?since=1h", "decisions"), ("/v1/overrides", "overrides")):
            answer = self.gate.get(path)
            self.assertEqual(answer.status, 200, f"{path}: {answer}")
            self.assertIsInstance(answer.json[key], list, path)
        self.assertEqual(set(self.gate.get("/v1/mode").json), {"forecast", "anomaly", "rules", "all"})
        client = wait_until(lambda: (found := self.gate.get("/v1/clients/203.0.113.1")).status == 200 and found.json,
                            "the client is known")
        self.assertEqual(client["client"], "203.0.113.1")
        self.assert_problem(self.gate.get("/v1/clients/203.0.113.200"), 404, "203.0.113.200")
        self.assert_problem(self.gate.get("/v1/history?endpoint=none"), 404, "none", "browse")
        self.assert_problem(self.gate.get("/v1/decisions?since=yesterday"), 400, "yesterday")

    def test_a_denial_can_be_looked_up(self):
        for _ in range(4):
            refused = self.gate.check("203.0.113.1", "/payment/1", user_id="u1")
        found, = self.gate.get(f"/v1/decisions?id={refused['decision']}").json["decisions"]
        self.assertEqual((found["client"], found["user"], found["path"], found["reason"], found["outcome"]),
                         ("203.0.113.1", "u1", "/payment/1", "over_limit", "deny"))
        self.assertEqual(found["limit_per_minute"], 6)
        by_user = self.gate.get("/v1/decisions?user=u1&since=1h").json["decisions"]
        self.assertIn(refused["decision"], [row["decision"] for row in by_user])

    def test_a_client_is_told_with_its_newest_requests(self):
        self.gate.check("203.0.113.1", "/payment/1")
        wait_until(lambda: self.gate.get("/v1/clients/203.0.113.1").status == 200, "the client is known")
        for _ in range(4):
            self.gate.check("203.0.113.1", "/payment/1")
        seen = self.gate.get("/v1/clients/203.0.113.1").json["last_five_minutes"]
        self.assertEqual((seen["requests"], seen["denied"]), (5, 2), "as many as /v1/decisions knows of")

    def test_metrics_count_what_was_decided(self):
        for _ in range(5):
            self.gate.check("203.0.113.1", "/payment/1")
        text = self.gate.client.get("/metrics")
        self.assertTrue(text.headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        total = "tidelimit_decisions_total"
        self.assertEqual(self.gate.count(total, endpoint="payment", tier="STD", outcome="allow", reason="ok"), 3)
        self.assertEqual(self.gate.count(total, endpoint="payment", outcome="deny", reason="over_limit"), 2)
        self.assertEqual(self.gate.count("tidelimit_decision_seconds_count"), 5)
        self.assertEqual(self.gate.count("tidelimit_mode", part="all", mode="enforce"), 1)
        self.assertEqual(self.gate.count("tidelimit_config_last_reload_successful"), 1)

    def test_metrics_count_what_windows_do(self):
        """Of decisions and of logs alone; malicious clients' apart."""
        self.gate.call("PUT", "/v1/labels/198.51.100.66", {"label": "malicious", "reason": "known"})
        wait_until(lambda: self.gate.check("198.51.100.66", "/browse/1")["verdict"] == "malicious", "the label is in force")
        before = self.gate.count("tidelimit_requests_total", endpoint="browse", kind="malicious")
        for _ in range(4):
            self.gate.check("198.51.100.66", "/browse/1")
        for _ in range(3):
            self.gate.check("203.0.113.1", "/browse/1")
        reports = [{"client_ip": client, "path": "/browse/1", "status": 200}
                   for client in ("203.0.113.2", "203.0.113.3", "198.51.100.66")]
        self.gate.call("POST", "/v1/report?observe_only=true", reports)
        self.gate.call("POST", "/v1/report", reports)  # of requests that were decided
        count = "tidelimit_requests_total"
        self.assertEqual(self.gate.count(count, endpoint="browse", kind="demand"), 3 + 2)
        self.assertEqual(self.gate.count(count, endpoint="browse", kind="malicious") - before, 4 + 1)

    def test_health_and_page(self):
        self.assertEqual(self.gate.client.get("/healthz").body, "ok\n")
        self.assertTrue(self.gate.client.get("/readyz?verbose").body.startswith("ready"))
        page = self.gate.client.get("/")
        self.assertEqual(page.status, 200)
        self.assertIn("text/html", page.headers["Content-Type"])
        self.assertIn("/v1/plan", page.body)  # it asks for what it shows

    def test_unknown_calls_and_methods(self):
        self.assert_problem(self.gate.get("/v1/nothing"), 404, "/v1/check")
        answer = self.gate.call("DELETE", "/v1/plan")
        self.assert_problem(answer, 405, "GET")
        self.assertEqual(answer.headers["Allow"], "GET")


class LongHistoryTest(EndToEnd):
    DAYS = 300
    STEP = 15 * 60 * 10**9

    def fill(self, file):
        """Windows and forecasts of DAYS days, of four endpoints, up to an hour ago."""
        end = time.time_ns() // self.STEP * self.STEP - 4 * self.STEP
        starts = [end - i * self.STEP for i in range(self.DAYS * 96)]
        with contextlib.closing(sqlite3.connect(file)) as db:
            for endpoint in ("payment", "browse", "login", "other"):
                db.executemany("INSERT INTO windows VALUES (?, ?, ?, 9, 0, 0, 0, 0, 0, 0, 1)",
                               ((start, self.STEP, endpoint) for start in starts))
                db.executemany("INSERT INTO forecasts VALUES (?, ?, 3600000000000, 1, 2, 3, 4, 5, 3, 3, 'seasonal', '')",
                               ((start, endpoint) for start in starts))
            db.commit()

    def test_is_read_in_parts_that_are_bounded(self):
        gate = self.start_gate(CONFIG)
        gate.stop()
        self.fill(gate.folder / "var/tidelimit.db")
        gate.start()
        newest = gate.get("/v1/history?since=400d").json
        self.assertFalse(newest["complete"])
        for rows in (newest["windows"], newest["forecasts"]):
            self.assertLessEqual(len(rows), 100_000)
            self.assertGreater(len(rows), 99_000)
        self.assertEqual(min(row["start"] for row in newest["windows"]), newest["since"])
        older = gate.get(f"/v1/history?since=400d&until={newest['since']}").json
        self.assertEqual(older["until"], newest["since"])
        counted = [row for part in (newest, older) for row in part["windows"] if row.get("requests")]
        self.assertEqual(len(counted), self.DAYS * 96 * 4)
        self.assertEqual(len({(row["start"], row["endpoint"]) for row in counted}), len(counted))
        filled = [row for part in (newest, older) for row in part["forecasts"] if row["forecast"] == 3]
        self.assertEqual(len(filled), self.DAYS * 96 * 4, "and the gate's own, as it started")
        one = gate.get("/v1/history?since=400d&endpoint=browse").json
        self.assertTrue(one["complete"])
        self.assertEqual(len([row for row in one["windows"] if row.get("requests")]), self.DAYS * 96)
        self.assertEqual({row["endpoint"] for row in one["windows"] + one["forecasts"]}, {"browse"})
        month = gate.get("/v1/history?since=30d").json
        self.assertTrue(month["complete"])
        self.assertEqual(gate.get("/v1/history?until=soon").status, 400)


if __name__ == "__main__":
    unittest.main()
