"""The real binary as its callers see it: every call of docs/api.md, configuration, durability, bad input, shell."""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
import unittest

from harness import BINARY, EndToEnd, HttpClient, free_port, run, wait_until

CONFIG = """
mode: enforce
listen: { http: HTTP, syslog: SYSLOG }
identity: { user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }
tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", priority: high, limits: { PRM: 300/min, STD: { rate: 6/min, burst: 3 } } }
  - { name: browse, match: "/browse/**", priority: low, limits: { PRM: 300/min, STD: 120/min } }
  - { name: login, match: /login, methods: [POST], limits: { client: { rate: 6/min, burst: 2 } } }
rules:
  - { name: odd-tool, when: { user_agent: "Postman*", error_rate: 0.5, requests: 20 },
      then: { verdict: suspicious, limit: 10/min, for: 10m } }
admin: { token_file: var/admin.token }
state: var/tidelimit.db
"""


class Serving(EndToEnd):
    def setUp(self):
        super().setUp()
        self.gate = self.start_gate(CONFIG)

    def assert_problem(self, answer, status, *words):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(answer.json["status"], status)
        for word in words:
            self.assertIn(word, answer.json["detail"])

    def stored(self, endpoint):
        """Requests of the open window, as the state has them."""
        with contextlib.closing(sqlite3.connect(self.gate.folder / "var/tidelimit.db")) as db:
            return db.execute("SELECT total(requests) FROM open_window WHERE endpoint = ?", (endpoint,)).fetchone()[0]

    def override(self, target, **body):
        return self.gate.call("PUT", f"/v1/overrides/{target}", {"reason": "test", **body})


class CheckTest(Serving):
    def test_check_answers_every_field(self):
        answer = self.gate.check("203.0.113.1", "/payment/7", user_id="u1", tier="STD", method="POST")
        self.assertIsInstance(answer.pop("remaining"), int)
        answer.pop("decision")
        self.assertEqual(answer, {"allowed": True, "reason": "ok", "endpoint": "payment", "tier": "STD",
                                  "limit_per_minute": 6, "retry_after_ms": 0, "rule": None, "verdict": "normal"})

    def test_burst_then_refusal_then_the_time_it_named(self):
        left = [self.gate.check(path="/payment/1")["remaining"] for _ in range(3)]
        self.assertEqual(left, [2, 1, 0])
        refused = self.gate.check(path="/payment/1")
        self.assertEqual((refused["allowed"], refused["reason"], refused["remaining"]), (False, "over_limit", 0))
        self.assertTrue(0 < refused["retry_after_ms"] <= 10_000)
        self.assertTrue(refused["decision"])

    def test_peek_charges_nothing(self):
        for _ in range(5):
            self.assertTrue(self.gate.check(path="/payment/1", hits=0)["allowed"])
        self.assertEqual(self.gate.check(path="/payment/1", hits=3)["remaining"], 0)
        self.assertFalse(self.gate.check(path="/payment/1", hits=0)["allowed"])
        self.assertEqual(self.gate.count("tidelimit_decisions_total"), 1)

    def test_more_hits_than_the_burst_never_pass(self):
        self.assertFalse(self.gate.check(path="/payment/1", hits=4)["allowed"])
        self.assertEqual(self.gate.check(path="/payment/1", hits=3)["remaining"], 0)

    def test_user_and_address_have_buckets_of_their_own(self):
        for _ in range(4):
            last = self.gate.check("203.0.113.1", "/payment/1", user_id="u1")
        self.assertFalse(last["allowed"])
        self.assertFalse(self.gate.check("203.0.113.2", "/payment/1", user_id="u1")["allowed"])
        self.assertTrue(self.gate.check("203.0.113.1", "/payment/1", user_id="u2")["allowed"])
        self.assertTrue(self.gate.check("203.0.113.1", "/payment/1")["allowed"])

    def test_tier_is_no_part_of_the_bucket(self):
        for _ in range(3):
            self.gate.check("203.0.113.1", "/payment/1", user_id="u1", tier="STD")
        self.assertFalse(self.gate.check("203.0.113.1", "/payment/1", user_id="u1", tier="STD")["allowed"])
        premium = self.gate.check("203.0.113.1", "/payment/1", user_id="u1", tier="PRM")
        self.assertEqual((premium["allowed"], premium["limit_per_minute"]), (True, 300))

    def test_paths_are_normalised_before_they_match(self):
        for path in ("/payment/1", "/x/../payment/1", "/%70ayment/1", "//payment//1?x=/browse/1"):
            self.assertEqual(self.gate.check(path=path)["endpoint"], "payment", path)
        self.assertEqual(self.gate.check(path="/elsewhere")["endpoint"], "other")
        self.assertIsNone(self.gate.check(path="/elsewhere")["limit_per_minute"])

    def test_limit_of_an_address_holds_whatever_user_is_named(self):
        answers = [self.gate.check("203.0.113.9", "/login", method="POST", user_id=f"u{i}") for i in range(3)]
        self.assertEqual([answer["allowed"] for answer in answers], [True, True, False])
        self.assertEqual(self.gate.check("203.0.113.9", "/login", method="GET")["endpoint"], "other")

    def test_ipv6_neighbours_of_a_64_are_one_client(self):
        for i in range(3):
            self.gate.check(f"2001:db8::{i}", "/payment/1")
        self.assertFalse(self.gate.check("2001:db8::ffff", "/payment/1")["allowed"])
        self.assertTrue(self.gate.check("2001:db8:0:1::1", "/payment/1")["allowed"])

    def test_bad_input_gets_a_problem_that_names_it(self):
        def check(body):
            return self.gate.client.call("POST", "/v1/check", body)

        self.assert_problem(check("{"), 400, "JSON")
        self.assert_problem(check(""), 400, "empty")
        self.assert_problem(check("[1]"), 400, "object")
        self.assert_problem(check({"path": "/"}), 400, '"client_ip" is missing')
        self.assert_problem(check({"client_ip": "300.1.1.1", "path": "/"}), 400, "300.1.1.1")
        self.assert_problem(check({"client_ip": "203.0.113.1"}), 400, '"path" is missing')
        self.assert_problem(check({"client_ip": "203.0.113.1", "path": 7}), 400, '"path"')
        self.assert_problem(check({"client_ip": "203.0.113.1", "path": "/", "hits": -1}), 400, '"hits"')
        self.assert_problem(check('{"client_ip":"203.0.113.1","path":"/"} x'), 400)
        self.assert_problem(check('{"client_ip":"203.0.113.1","path":"/","pad":"' + "x" * 70_000 + '"}'), 413)
        self.assert_problem(self.gate.get("/v1/check"), 405, "POST")
        self.assertTrue(self.gate.check()["allowed"], "and it goes on answering")


class AuthTest(Serving):
    def test_pass_has_no_body_and_says_what_is_left(self):
        answer = self.gate.auth("203.0.113.1", "/payment/1")
        self.assertEqual((answer.status, answer.body), (200, ""))
        self.assertEqual(answer.headers["RateLimit-Policy"], '"payment-STD";q=6;w=60')
        self.assertRegex(answer.headers["RateLimit"], r'^"payment-STD";r=2;t=\d+$')

    def test_denial_is_a_429_with_a_problem_document(self):
        for _ in range(4):
            answer = self.gate.auth("203.0.113.1", "/payment/1")
        self.assertEqual(answer.status, 429)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(answer.json["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded")
        self.assertEqual(answer.json["violated-policies"], ["payment-STD"])
        self.assertEqual(answer.headers["X-Tidelimit-Reason"], "over_limit")
        self.assertGreaterEqual(int(answer.headers["Retry-After"]), 1)
        as_nginx = self.gate.client.get("/v1/auth?deny=403", {"X-Forwarded-For": "203.0.113.1",
                                                              "X-Original-URI": "/payment/1"})
        self.assertEqual((as_nginx.status, as_nginx.headers["X-Tidelimit-Status"]), (403, "429"))

    def test_reads_the_headers_of_other_gateways(self):
        traefik = self.gate.client.get("/v1/auth", {"X-Forwarded-For": "203.0.113.2", "X-Forwarded-Method": "POST",
                                                    "X-Forwarded-Uri": "/login"})
        self.assertEqual(traefik.headers["RateLimit-Policy"], '"login-STD-address";q=6;w=60')
        envoy = self.gate.client.call("PUT", "/v1/auth/payment/1", headers={"X-Forwarded-For": "203.0.113.3"})
        self.assertEqual(envoy.headers["RateLimit-Policy"], '"payment-STD";q=6;w=60')

    def test_no_header_stands_in_place_of_the_path_behind_the_call(self):
        def auth(target, **headers):
            return self.gate.client.get("/v1/auth" + target, {"X-Forwarded-For": "203.0.113.4"} | headers).status

        self.assertEqual([auth("/payment/1") for _ in range(4)], [200, 200, 200, 429])
        for header in ("X-Original-URI", "X-Forwarded-Uri"):
            self.assertEqual(auth("/payment/1", **{header: "/free"}), 429, header)

    def test_the_query_behind_a_path_is_the_requests_own(self):
        def auth(target):
            return self.gate.client.get("/v1/auth" + target, {"X-Forwarded-For": "203.0.113.4"}).status

        self.assertEqual(auth("/browse/acl?deny=10.0.0.1"), 200)
        self.assertEqual([auth("/payment/1?deny=403") for _ in range(4)], [200, 200, 200, 429])
        self.assertEqual(auth("?deny=10.0.0.1"), 400)

    def test_left_hops_of_x_forwarded_for_are_the_clients_own_words(self):
        for i in range(3):
            self.gate.auth(f"198.51.100.{i}, 203.0.113.1", "/payment/1")
        self.assertEqual(self.gate.auth("198.51.100.99, 203.0.113.1", "/payment/1").status, 429)

    def test_strangers_may_not_ask(self):
        self.gate.write(CONFIG.replace("identity: {", "identity: { trusted_proxies: [127.0.0.1/32], "))
        self.gate.process.send(signal.SIGHUP)
        stranger = HttpClient(self.gate.http_port, "127.0.0.2")
        self.addCleanup(stranger.close)
        wait_until(lambda: stranger.get("/v1/auth").status == 403, "trusted_proxies is in force")
        for method, path in (("POST", "/v1/check"), ("POST", "/v1/report"), ("GET", "/v1/auth")):
            self.assert_problem(stranger.call(method, path, "{}"), 403, "trusted_proxies")
        self.assertEqual(stranger.get("/healthz").status, 200)
        self.assertEqual(self.gate.client.get("/v1/auth").status, 200)


class ReportTest(Serving):
    def report(self, body, query=""):
        return self.gate.client.call("POST", "/v1/report" + query, body)

    def test_report_adds_status_and_latency_to_counted_requests(self):
        self.gate.check("203.0.113.1", "/browse/1")
        seen = {"client_ip": "203.0.113.1", "path": "/browse/1", "status": 500, "latency_ms": 12.5}
        self.assertEqual(self.report(seen).json, {"accepted": 1})
        self.assertEqual(self.report([seen, seen | {"status": 200}]).json, {"accepted": 2})
        observed = "tidelimit_requests_observed_total"
        self.assertEqual(self.gate.count(observed, endpoint="browse", status_class="5xx"), 2)
        self.assertEqual(self.gate.count(observed, endpoint="browse", status_class="2xx"), 1)
        self.assertEqual(self.gate.count("tidelimit_decisions_total"), 1)

    def test_one_bad_element_refuses_the_whole_report(self):
        good = {"client_ip": "203.0.113.1", "path": "/browse/1", "status": 200}
        self.assert_problem(self.report([good, {"client_ip": "203.0.113.1", "status": "no"}]), 400, "element 1")
        self.assertEqual(self.gate.count("tidelimit_requests_observed_total"), 0)
        self.assert_problem(self.report('"text"'), 400)

    def test_a_large_report_is_taken_and_a_larger_one_refused(self):
        seen = {"client_ip": "203.0.113.1", "path": "/browse/1", "status": 200}
        self.assertEqual(self.report([seen] * 10_000).json, {"accepted": 10_000})
        self.assert_problem(self.report("[" + " " * (4 << 20) + "]"), 413)

    def test_odd_tool_becomes_suspicious_with_its_reasons(self):
        failed = {"client_ip": "203.0.113.50", "path": "/browse/1", "status": 404, "user_agent": "PostmanRuntime/7.32"}
        for _ in range(25):
            self.gate.check("203.0.113.50", "/browse/1", user_agent="PostmanRuntime/7.32")
        self.report([failed] * 25)
        verdict = wait_until(lambda: [found for found in self.gate.get("/v1/verdicts").json["verdicts"]
                                      if found["client"] == "203.0.113.50"], "there is a verdict")[0]
        self.assertEqual((verdict["verdict"], verdict["rule"], verdict["limit"]), ("suspicious", "odd-tool", "10/min"))
        self.assertTrue(verdict["reasons"])
        for _ in range(12):
            answer = self.gate.check("203.0.113.50", "/browse/1", user_agent="another")
        self.assertEqual((answer["allowed"], answer["reason"]), (False, "client_limited"))
        self.assertEqual(self.gate.count("tidelimit_verdicts", verdict="suspicious"), 1)
        client = self.gate.get("/v1/clients/203.0.113.50").json
        self.assertEqual(client["verdict"]["rule"], "odd-tool")
        self.assertGreaterEqual(client["last_five_minutes"]["errors"], 25)
        # An operator who knows better ends it.
        self.assertEqual(self.override("203.0.113.50", action="allow", **{"for": "1h"}).status, 200)
        self.assertTrue(self.gate.check("203.0.113.50", "/browse/1")["allowed"])


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


class TokenTest(Serving):
    def test_token_file_is_made_for_its_owner_alone(self):
        self.assertEqual((self.gate.folder / "var/admin.token").stat().st_mode & 0o777, 0o600)

    def test_changes_and_named_reads_need_the_token(self):
        guarded = [("GET", "/v1/verdicts"), ("GET", "/v1/clients/203.0.113.1"), ("GET", "/v1/decisions"),
                   ("GET", "/v1/overrides"), ("PUT", "/v1/overrides/203.0.113.1"), ("PUT", "/v1/mode"),
                   ("DELETE", "/v1/overrides/203.0.113.1")]
        for method, path in guarded:
            answer = self.gate.call(method, path, "{}" if method == "PUT" else None, token=False)
            self.assert_problem(answer, 401, "Bearer")
            self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
            wrong = self.gate.client.call(method, path, None, {"Authorization": "Bearer wrong-wrong-wrong-wrong"})
            self.assertEqual(wrong.status, 401)
        for path in ("/v1/plan", "/v1/forecasts", "/v1/history", "/v1/mode"):
            self.assertEqual(self.gate.get(path, token=False).status, 200, path)

    def test_a_new_token_is_taken_up(self):
        token = self.gate.folder / "var/admin.token"
        token.write_text("# two people\nann:a-token-of-ann-12345\nbob:a-token-of-bob-12345\n")
        bearer = {"Authorization": "Bearer a-token-of-ann-12345"}
        wait_until(lambda: self.gate.client.get("/v1/verdicts", bearer).status == 200, "the new token opens")
        put = self.gate.client.call("PUT", "/v1/overrides/203.0.113.1",
                                    {"action": "block", "for": "1h", "reason": "x"}, bearer)
        self.assertEqual(put.json["by"], "ann")

    def test_a_token_file_that_is_removed_is_not_made_anew(self):
        token = self.gate.folder / "var/admin.token"
        kept = token.read_text()
        token.unlink()
        wait_until(lambda: "is gone" in self.gate.client.get("/readyz?verbose").body, "it is named")
        self.assertFalse(token.exists())
        bearer = {"Authorization": "Bearer " + kept.strip()}
        self.assertEqual(self.gate.client.get("/v1/verdicts", bearer).status, 200, "the old one stays")
        token.write_text(kept)
        token.chmod(0o600)
        wait_until(lambda: "is gone" not in self.gate.client.get("/readyz?verbose").body, "and well again")
        self.assertEqual(self.gate.client.get("/v1/verdicts", bearer).status, 200)


class OverrideTest(Serving):
    def test_block_limit_and_allow(self):
        put = self.override("203.0.113.1", action="block", **{"for": "1h"}).json
        self.assertEqual((put["target"], put["action"], put["by"], put["permanent"]),
                         ("203.0.113.1", "block", "admin", False))
        answer = self.gate.check("203.0.113.1")
        self.assertEqual((answer["allowed"], answer["reason"]), (False, "override"))
        self.override("10.1.0.0/16", action="limit", limit="2/min", **{"for": "1h"})
        self.assertEqual([self.gate.check("10.1.2.3")["allowed"] for _ in range(3)], [True, True, False])
        self.override("user/u1", action="allow", permanent=True)
        for _ in range(6):
            answer = self.gate.check("203.0.113.1", "/payment/1", user_id="u1")
        self.assertEqual((answer["allowed"], answer["reason"]), (True, "override"))
        self.assertEqual(len(self.gate.get("/v1/overrides").json["overrides"]), 3)
        self.assertEqual(self.gate.get("/v1/overrides/10.1.0.0/16").json["limit"], "2/min")
        self.assertEqual(self.gate.call("DELETE", "/v1/overrides/203.0.113.1").status, 204)
        self.assertTrue(self.gate.check("203.0.113.1")["allowed"])
        self.assert_problem(self.gate.call("DELETE", "/v1/overrides/203.0.113.1"), 404)

    def test_an_ipv6_address_stands_for_its_64(self):
        made = self.override("2001:db8::b", action="block", reason="ticket 12", **{"for": "1h"}).json
        self.assertEqual(made["target"], "2001:db8::/64")
        refused = self.gate.check("2001:db8::a")
        self.assertEqual((refused["allowed"], refused["reason"]), (False, "override"))
        self.override("2001:db8::/32", action="limit", limit="2/min", **{"for": "1h"})
        found, = self.gate.get(f"/v1/decisions?id={refused['decision']}").json["decisions"]
        self.assertEqual(found["explanation"], "override of 2001:db8::/64 by admin: ticket 12")
        self.assertEqual(self.gate.get("/v1/overrides/2001:db8::c").json["action"], "block")
        self.override("2001:db8::c", action="allow", **{"for": "1h"})
        self.assertEqual(len(self.gate.get("/v1/overrides").json["overrides"]), 2, "in place of the block")
        self.assertEqual(self.gate.call("DELETE", "/v1/overrides/2001:db8::a").status, 204)
        self.assert_problem(self.gate.call("PUT", "/v1/overrides/2001:db8:3::/96", {"action": "block", "for": "1h"}),
                            400, "2001:db8:3::/64")

    def test_bad_overrides_are_refused_by_name(self):
        def put(**body):
            return self.gate.call("PUT", "/v1/overrides/203.0.113.1", body)

        self.assert_problem(put(action="ban", **{"for": "1h"}), 400, "ban", "block")
        self.assert_problem(put(action="block"), 400, '"for" is missing')
        self.assert_problem(put(action="block", **{"for": "8d"}), 400, "7d")
        self.assert_problem(put(action="limit", limit="10", **{"for": "1h"}), 400, '"limit"')
        self.assert_problem(put(action="block", reasn="x", **{"for": "1h"}), 400, "reasn", "reason")
        self.assert_problem(self.gate.call("PUT", "/v1/overrides/203.0.113.300", {"action": "block", "for": "1h"}), 400)
        self.assertTrue(self.gate.check("203.0.113.1")["allowed"])

    def test_labels_act_at_once_and_outlive_kill_9(self):
        def put(client, **body):
            return self.gate.call("PUT", f"/v1/labels/{client}", body)

        self.assert_problem(put("203.0.113.1", label="bad"), 400, "bad", "not_malicious")
        self.assert_problem(put("203.0.113.1", reason="x"), 400, '"label" is missing')
        self.assert_problem(put("203.0.113.1", label="malicious", **{"for": "soon"}), 400, '"for"')
        self.assert_problem(put("10.0.0.0/8", label="malicious"), 400, "no IP address")
        self.assertEqual(self.gate.client.call("PUT", "/v1/labels/203.0.113.1", {"label": "malicious"}).status, 401)

        made = put("203.0.113.1", label="malicious", reason="ticket 12").json
        self.assertEqual((made["client"], made["label"], made["by"], made["until"]),
                         ("203.0.113.1", "malicious", "admin", None))
        self.assertIn(self.gate.check("203.0.113.1")["verdict"], ("malicious",))
        put("2001:db8::5", label="not_malicious", **{"for": "1h"})
        self.gate.stop(signal.SIGKILL)
        self.gate.start()
        self.assertEqual([row["client"] for row in self.gate.get("/v1/labels").json["labels"]],
                         ["203.0.113.1", "2001:db8::/64"])
        self.assertEqual(self.gate.get("/v1/labels?format=csv").body,
                         "client_ip,label\n203.0.113.1,1\n2001:db8::,0\n")
        self.assertEqual(self.gate.check("203.0.113.1")["verdict"], "malicious")
        verdict = self.gate.get("/v1/verdicts").json["verdicts"][0]
        self.assertEqual(verdict["reasons"], ["labelled malicious by admin: ticket 12"])
        self.assertEqual(self.gate.call("DELETE", "/v1/labels/203.0.113.1").status, 204)
        self.assertEqual(self.gate.check("203.0.113.1")["verdict"], "normal")
        self.assert_problem(self.gate.call("DELETE", "/v1/labels/203.0.113.1"), 404)
        self.assert_problem(self.gate.get("/v1/labels/203.0.113.1"), 404)

    def test_overrides_outlive_kill_9(self):
        self.assertEqual(self.override("203.0.113.1", action="block", **{"for": "1h"}).status, 200)
        self.assertEqual(self.override("user/u1", action="allow", permanent=True).status, 200)
        self.gate.stop(signal.SIGKILL)  # the very next moment: what was answered is on the disk
        self.gate.start()
        self.assertEqual(self.gate.check("203.0.113.1")["reason"], "override")
        self.assertEqual(self.gate.check("203.0.113.1", user_id="u1")["reason"], "override")
        self.assertEqual(self.gate.call("DELETE", "/v1/overrides/user/u1").status, 204)
        self.gate.stop(signal.SIGKILL)
        self.gate.start()
        self.assertEqual([row["target"] for row in self.gate.get("/v1/overrides").json["overrides"]], ["203.0.113.1"])


class ModeTest(Serving):
    def test_shadow_changes_no_answer_and_counts(self):
        self.assertEqual(self.gate.call("PUT", "/v1/mode", {"all": "shadow", "for": "1h", "reason": "test"}).json["all"],
                         "shadow")
        for _ in range(5):
            answer = self.gate.auth("203.0.113.1", "/payment/1")
            self.assertEqual(answer.status, 200)
            self.assertNotIn("RateLimit", answer.headers)
        self.assertEqual(self.gate.count("tidelimit_decisions_total", outcome="shadow_deny", reason="over_limit"), 2)
        self.gate.call("PUT", "/v1/mode", {"all": "enforce"})
        self.assertEqual(self.gate.auth("203.0.113.1", "/payment/1").status, 429)

    def test_off_passes_everything(self):
        self.override("203.0.113.1", action="block", **{"for": "1h"})
        self.gate.call("PUT", "/v1/mode", {"all": "off"})
        self.assertTrue(self.gate.check("203.0.113.1")["allowed"])

    def test_bad_modes(self):
        self.assert_problem(self.gate.call("PUT", "/v1/mode", {"all": "loud"}), 400, "loud", "shadow")
        self.assert_problem(self.gate.call("PUT", "/v1/mode", {"al": "off"}), 400, '"al"', '"all"')
        self.assert_problem(self.gate.call("PUT", "/v1/mode", {"for": "1h"}), 400, "forecast")


class ReloadTest(Serving):
    changed = CONFIG.replace("STD: { rate: 6/min, burst: 3 }", "STD: { rate: 6/min, burst: 1 }")

    def limit_holds(self):
        burst = [row["burst"] for row in self.gate.get("/v1/plan").json["limits"]
                 if (row["endpoint"], row["tier"]) == ("payment", "STD")]
        return burst == [1]

    def test_on_sighup_at_once(self):
        self.gate.write(self.changed)
        self.gate.process.send(signal.SIGHUP)
        wait_until(self.limit_holds, "the new limit is in force")
        self.assertEqual([self.gate.check(path="/payment/1")["allowed"] for _ in range(2)], [True, False])

    def test_an_endpoint_taken_away_by_mistake_keeps_the_counts_of_its_window(self):
        for _ in range(3):
            self.gate.check(path="/payment/1")
        names = lambda: {row["endpoint"] for row in self.gate.get("/v1/plan").json["limits"]}
        self.gate.write(re.sub(r"  - { name: payment.*\n", "", CONFIG))
        self.gate.process.send(signal.SIGHUP)
        wait_until(lambda: "payment" not in names(), "payment is gone")
        self.gate.write(CONFIG)
        self.gate.process.send(signal.SIGHUP)
        wait_until(lambda: "payment" in names(), "payment is back")
        self.gate.check(path="/payment/1")
        wait_until(lambda: self.stored("payment") == 4, "all four are counted")

    def test_and_back_to_the_one_before_until_the_file_changes(self):
        first = self.gate.get("/v1/configs").json["in_force"]
        self.gate.write(self.changed)
        wait_until(lambda: self.gate.get("/v1/configs").json["in_force"] != first, "the new one is in force")
        back = self.gate.shell("configs", "--return-to", first, "--reason", "ticket 7")
        self.assertEqual(back.returncode, 0, back)
        self.assertRegex(back.stdout, first + r" .*in force, held")
        self.assertIn("ticket 7", back.stdout)
        self.assertEqual(self.gate.get("/v1/configs").json["in_force"], first)
        self.assertIn("rate: 6/min", self.gate.shell("configs", first).stdout)
        self.assertEqual(self.gate.shell("configs", "--release").returncode, 0)
        self.assertNotEqual(self.gate.get("/v1/configs").json["in_force"], first)
        unknown = self.gate.shell("configs", "--return-to", "0123456789ab")
        self.assertNotEqual(unknown.returncode, 0)
        self.assertIn(first, unknown.stderr)

    def test_on_change(self):
        self.gate.write(self.changed)
        wait_until(self.limit_holds, "the new limit is in force")

    def test_a_bad_file_is_refused_and_the_old_one_stays(self):
        self.gate.write(self.changed.replace("rate: 6/min", "rate: 6/fortnight"))
        wait_until(lambda: self.gate.count("tidelimit_config_last_reload_successful") == 0, "the refusal is counted")
        self.assertEqual([self.gate.check(path="/payment/1")["allowed"] for _ in range(4)], [True, True, True, False])
        words = self.gate.client.get("/readyz?verbose").body
        self.assertIn("tidelimit.yaml:", words)
        self.assertIn("fortnight", words)
        self.assertEqual(self.gate.client.get("/readyz").status, 200)
        self.assertIn("fortnight", self.gate.process.output())
        self.gate.write(self.changed)
        wait_until(self.limit_holds, "the mended file is in force")
        self.assertEqual(self.gate.count("tidelimit_config_last_reload_successful"), 1)
        self.assertNotIn("fortnight", self.gate.client.get("/readyz?verbose").body)


class ShellTest(Serving):
    def shell(self, *arguments, status=0):
        done = self.gate.shell(*arguments)
        self.assertEqual(done.returncode, status, done)
        return done.stdout if status == 0 else done.stderr

    def test_why_names_the_limit_and_the_reason(self):
        for _ in range(4):
            refused = self.gate.check("203.0.113.1", "/payment/1", user_id="u1")
        words = self.shell("why", "--user", "u1")
        for word in ("denied", "/payment/1", "over_limit", "limit 6 a minute", refused["decision"]):
            self.assertIn(word, words)
        wait_until(lambda: "203.0.113.1: " in self.shell("why", "--client", "203.0.113.1"), "its figures are folded")
        self.assertIn(refused["decision"], self.shell("why", "--id", refused["decision"], "--json"))
        self.assertIn("--user", self.shell("why", status=2))

    def test_why_tells_the_newest_and_counts_the_rest(self):
        for _ in range(20):
            self.gate.check("203.0.113.1", "/payment/1", user_id="u1")
        wait_until(lambda: len(self.gate.get("/v1/decisions?user=u1").json["decisions"]) >= 17, "they are kept")
        words = self.shell("why", "--user", "u1")
        self.assertEqual(words.count("    decision "), 10)
        self.assertRegex(words, r"\.\.\. and \d+ more \(--all prints them\):\n")
        self.assertRegex(words, r"\n +7  denied +over_limit +-\n")
        words = self.shell("why", "--user", "u1", "--all")
        self.assertGreaterEqual(words.count("    decision "), 17)
        self.assertNotIn("more", words)

    def test_what_clients_wrote_does_not_speak_to_the_terminal(self):
        user, shown = "a\x1b[31mRED\nfake line: passed", r"a\x1b[31mRED\x0afake line: passed"
        for _ in range(4):
            self.gate.check("203.0.113.1", "/payment/\x1b[1A", user_id=user)
        words = self.shell("why", "--user", user)
        self.assertIn(f"user {shown}, verdict", words)
        self.assertIn(r"/payment/\x1b[1A  (", words)
        self.assertIn(f"user/{shown} passes", self.shell("unblock", "--user", user))
        self.assertIn(r"by hand\x1b[m", self.shell("mode", "all", "shadow", "--reason", "by hand\x1b[m"))
        self.assertIn(r"by hand\x1b[m", self.shell("mode", "--changes"))

    def test_unblock_and_undo(self):
        self.override("203.0.113.1", action="block", **{"for": "1h"})
        self.assertIn("203.0.113.1 passes until", self.shell("unblock", "--client", "203.0.113.1", "--for", "1h"))
        self.assertTrue(self.gate.check("203.0.113.1")["allowed"])
        self.shell("unblock", "--client", "203.0.113.1", "--undo")
        self.assertEqual(self.gate.get("/v1/overrides").json["overrides"], [])
        self.shell("unblock", "--user", "u/1 x", "--permanent")
        self.assertEqual(self.gate.get("/v1/overrides").json["overrides"][0]["target"], "user/u/1 x")
        self.assertIn("--for is longer than 7d; shorten it, or say --permanent",
                      self.shell("unblock", "--user", "u1", "--for", "30d", status=2))

    def test_a_shadow_report_over_no_request_is_no_proof(self):
        self.assertIn("no request in that time", self.shell("shadow-report", "--since", "1h", status=1))

    def test_shadow_report_names_who_would_have_been_denied(self):
        self.shell("mode", "all", "shadow", "--for", "1h")
        for _ in range(5):  # three at once are allowed
            self.assertTrue(self.gate.check("203.0.113.1", "/payment/1", user_id="u1")["allowed"])
        words = self.shell("shadow-report", status=1)  # at once: what waits to be written is counted
        self.assertEqual(words, "", "above the bound is no error")
        words = self.shell("shadow-report", "--since", "1h", "--max-harm", "60%")
        for word in ("user/u1", "payment", "over_limit", "(base limit)", "2 would have been denied", "within the bound"):
            self.assertIn(word, words)
        self.assertEqual(self.gate.shell("shadow-report", "--max-harm", "0.01%").returncode, 1)
        self.assertIn("is no share", self.shell("shadow-report", "--max-harm", "many", status=2))
        self.assertIn('--max-harm: "1" is no share: write 1% or 0.01', self.shell("shadow-report", "--max-harm", "1", status=2))
        self.assertEqual(self.gate.get("/v1/shadow", token=False).status, 401)

    def test_a_shadow_report_in_which_denials_were_dropped_is_no_proof(self):
        self.shell("mode", "all", "shadow", "--for", "1h")
        self.gate.flood(20_000, path="/payment/1", user_id="u1")
        self.assertGreater(self.gate.count("tidelimit_decision_records_dropped_total"), 0, "or it was too slow a flood")
        wait_until(lambda: self.gate.get("/v1/shadow").json["would_deny"] > 0, "some are kept")
        self.assertIn("too fast to be kept", self.shell("shadow-report", "--max-harm", "100%", status=1))
        done = self.gate.shell("shadow-report", "--max-harm", "100%")
        self.assertIn("not known, some were not kept", done.stdout)
        found = json.loads(self.gate.shell("shadow-report", "--max-harm", "100%", "--json").stdout)
        self.assertGreater(found["dropped"], 0)
        self.assertIsNotNone(found["last_dropped"])
        self.assertFalse(found["complete"])

    def test_mode(self):
        self.assertIn("all       enforce", self.shell("mode"))
        self.assertIn("all       shadow", self.shell("mode", "all", "shadow", "--for", "1h"))
        self.assertEqual(self.gate.get("/v1/mode").json["all"], "shadow")
        self.shell("mode", "all", status=2)
        for word in ("anomaly", "anomalies"):
            self.assertIn("anomaly   off", self.shell("mode", word, "off"))
            self.assertEqual(self.gate.get("/v1/mode").json["anomaly"], "off")
            self.shell("mode", word, "configured")
            self.assertIn("no request in that time", self.shell("shadow-report", "--part", word, status=1))

    def test_mode_of_one_part(self):
        self.assertIn("enforce 30 %", self.shell("mode", "endpoint/payment", "0.3"))
        words = self.shell("mode", "endpoint/payment", "25%", "--for", "1h", "--reason", "a try")
        self.assertRegex(words, r"endpoint/payment +enforce 25 %, until 20[-\dT:]*(\.\d{1,3})?Z, by .*: a try "
                                r"\(configured: enforce\)")
        parts = {part["part"]: part for part in self.gate.get("/v1/modes").json["parts"]}
        self.assertEqual((parts["endpoint/payment"]["mode"], parts["endpoint/payment"]["enforced_ratio"]), ("enforce", 0.25))
        wait_until(lambda: [limit for limit in self.gate.get("/v1/plan").json["limits"]
                            if limit["endpoint"] == "payment" and limit["enforced_ratio"] == 0.25 and limit["mode_until"]],
                   "the plan knows of it")
        let_in = sum(all(self.gate.check("203.0.113.1", "/payment/1", user_id=f"u{user}")["allowed"] for _ in range(5))
                     for user in range(80))
        self.assertTrue(40 <= let_in <= 75, f"{let_in} of 80 users are only watched")
        wait_until(lambda: self.gate.get("/v1/shadow?part=endpoint/payment").json["would_deny"] == 2 * let_in,
                   "what they would have been denied is kept")
        self.assertEqual(self.gate.get("/v1/shadow?part=endpoint/browse").json["would_deny"], 0)
        self.assertIn("a try", self.shell("mode", "--changes"))
        self.shell("mode", "endpoint/payment", "configured")
        self.assertNotIn("until", self.shell("mode"))
        for part, mode, word in (("endpoint/pay", "shadow", "endpoint/payment"), ("rule/99", "shadow", "rule/99"),
                                 ("endpoint/x", "shadow", 'unknown part "endpoint/x"; there are: forecast, '),
                                 ("all", "0%", "share"), ("all", "5", "like 5%"), ("all", "1", "like 1%"), ("all", "loud", "configured")):
            refused = self.gate.shell("mode", part, mode)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(word, refused.stderr)
            self.assertNotIn("reason", refused.stderr)

    def test_no_gate_no_token(self):
        lost = run("mode", "--url", f"http://127.0.0.1:{free_port()}", "--token-file",
                   self.gate.folder / "var/admin.token")
        self.assertEqual(lost.returncode, 1)
        self.assertIn("is the gate running", lost.stderr)
        lost = run("mode", "--url", f"http://127.0.0.1:{self.gate.http_port}", "--token-file", "/nowhere/token")
        self.assertIn("/nowhere/token", lost.stderr)
        self.assertNotEqual(lost.returncode, 0)


class SyslogTest(Serving):
    def send(self, text):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto(text if isinstance(text, bytes) else text.encode(), ("127.0.0.1", self.gate.syslog_port))

    def test_lines_of_both_kinds_and_garbage(self):
        self.send('<190>Nov 24 10:00:00 host nginx: 203.0.113.1 - - [24/Nov/2026:10:00:00 +0000] '
                  '"GET /browse/1 HTTP/1.1" 200 5 "-" "curl/8"')
        self.send('<190>Nov 24 10:00:00 nginx: {"time_iso8601":"2026-11-24T10:00:00+00:00","remote_addr":"203.0.113.1",'
                  '"request_method":"GET","request_uri":"/browse/2","status":"502","request_time":"0.010"}')
        self.send("<190>\x00\xff garbage")
        messages = "tidelimit_syslog_messages_total"
        wait_until(lambda: self.gate.count(messages) == 3, "three messages came")
        self.assertEqual(self.gate.count(messages, result="taken"), 2)
        self.assertEqual(self.gate.count(messages, result="unreadable"), 1)
        self.assertEqual(self.gate.count("tidelimit_requests_observed_total", endpoint="browse", status_class="5xx"), 1)

    def test_bytes_that_are_no_text_hide_no_request(self):
        self.send(b'<190>Nov 24 10:00:00 nginx: {"msec":"1764000000.5","client_ip":"203.0.113.1",'
                  b'"request_uri":"/browse/caf\xe9","status":"502","user_agent":"\xff\x01"}')
        wait_until(lambda: self.gate.count("tidelimit_syslog_messages_total") == 1, "it came")
        self.assertEqual(self.gate.count("tidelimit_requests_observed_total", endpoint="browse", status_class="5xx"), 1)
        self.assertNotIn("syslog", self.gate.client.get("/readyz?verbose").body)

    def test_what_cannot_be_read_is_said_once(self):
        for i in range(3):
            self.send(b"<190>Nov 24 10:00:00 nginx: {\"client_ip\":\"203.0.113.%d\"} \x1b[31m" % i)
        wait_until(lambda: "syslog: messages are no access-log lines" in self.gate.client.get("/readyz?verbose").body,
                   "it is named")
        self.assertNotIn("203.0.113", self.gate.client.get("/readyz?verbose").body, "anyone may ask")
        self.send("nothing")
        wait_until(lambda: self.gate.count("tidelimit_syslog_messages_total", result="unreadable") == 4, "all came")
        said = [line for line in self.gate.process.output().splitlines() if "can't be read" in line]
        self.assertEqual(len(said), 1, said)
        self.assertIn(r'{"client_ip":"203.0.113.0"} \x1b[31m', said[0])


class WireTest(Serving):
    """What strangers send."""

    def raw(self, data):
        with socket.create_connection(("127.0.0.1", self.gate.http_port), timeout=30) as peer:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := peer.recv(65536):
                answer += piece
            return answer

    def test_header_floods_are_refused(self):
        many = b"".join(b"X-%d: y\r\n" % i for i in range(200))
        self.assertIn(b" 431 ", self.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n").split(b"\r\n")[0])
        long = b"X-Long: " + b"y" * 20_000 + b"\r\n"
        self.assertIn(b" 431 ", self.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + long + b"\r\n").split(b"\r\n")[0])
        target = b"/" + b"a" * 9000
        self.assertIn(b" 414 ", self.raw(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n").split(b"\r\n")[0])
        self.assertTrue(self.gate.check()["allowed"])

    def test_smuggling_is_refused(self):
        both = b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        self.assertIn(b" 400 ", self.raw(both).split(b"\r\n")[0])
        two = b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
        self.assertIn(b" 400 ", self.raw(two).split(b"\r\n")[0])

    def test_connections_are_counted(self):
        self.assertEqual(self.gate.count("tidelimit_connections", front="http"), 1)
        with socket.create_connection(("127.0.0.1", self.gate.http_port)):
            wait_until(lambda: self.gate.count("tidelimit_connections", front="http") == 2, "one more is open")
        wait_until(lambda: self.gate.count("tidelimit_connections", front="http") == 1, "and gone")

    def test_garbage_and_silence(self):
        self.assertIn(b" 400 ", self.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").split(b"\r\n")[0])
        self.assertEqual(self.raw(b""), b"")
        self.assertTrue(self.gate.check()["allowed"])

    def test_pipelined_requests_are_answered_in_order(self):
        body = b'{"client_ip":"203.0.113.1","path":"/payment/1"}'
        one = b"POST /v1/check HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = self.raw(one * 4 + last)
        self.assertEqual(answer.count(b'"allowed":true'), 3)
        self.assertEqual(answer.count(b'"allowed":false'), 1)
        self.assertTrue(answer.endswith(b"ok\n"))


class StrangerTest(EndToEnd):
    """127.0.0.1 is a trusted proxy here, its neighbours are not."""

    def setUp(self):
        super().setUp()
        self.gate = self.start_gate(CONFIG.replace("identity: {", "identity: { trusted_proxies: [127.0.0.1/32],"))

    def head_of(self, source, line, size):
        """What a head alone is answered with, whose body does not come; None: it is waited for."""
        with socket.create_connection(("127.0.0.1", self.gate.http_port), source_address=(source, 0)) as peer:
            peer.settimeout(0.5)
            peer.sendall(f"{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
            try:
                return int(peer.recv(65536).split()[1])
            except TimeoutError:
                return None

    def test_who_may_not_call_is_told_before_the_body(self):
        large = 16 * 1024 * 1024 - 10
        for line, size, stranger, trusted in [
            ("POST /v1/check", 50, 403, None),
            ("POST /v1/check", 70_000, 403, 413),
            ("POST /v1/report", 4_000_000, 403, None),
            ("GET /v1/auth", 50, 403, None),
            ("PUT /v1/mode", 50, 401, 401),
            ("POST /v1/models/traffic:predict", large, None, None),  # loopback both
            ("GET /readyz?x=:predict", large, 413, 413),
            ("POST /nowhere:predict", large, 404, 404),
            ("PUT /v1/plan", 50, 405, 405),
        ]:
            with self.subTest(line):
                self.assertEqual(self.head_of("127.0.1.1", line, size), stranger)
                self.assertEqual(self.head_of("127.0.0.1", line, size), trusted)
        self.assertEqual(self.gate.count("tidelimit_http_refused_total", front="http", status="413"), 3)


class StopTest(Serving):
    def test_sigterm_ends_it_well(self):
        self.gate.check()
        self.assertEqual(self.gate.stop(signal.SIGTERM), 0)
        self.assertIn("stopped", self.gate.log.read_text())

    def test_what_the_open_window_counts_is_stored_to_the_last_request(self):
        self.gate.check()
        wait_until(lambda: self.stored("browse") == 1, "the first is stored, and the next save is seconds away")
        for _ in range(4):
            self.gate.check()
        self.assertEqual(self.gate.stop(signal.SIGTERM), 0)
        self.assertEqual(self.stored("browse"), 5)

    def test_what_is_under_way_is_finished(self):
        """A request whose body is still on its way when the gate is told to stop is answered all the same."""
        body = b'{"client_ip":"203.0.113.1","path":"/browse/1","status":200}'
        with socket.create_connection(("127.0.0.1", self.gate.http_port), timeout=30) as peer:
            peer.sendall(b"POST /v1/report HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:10])
            # Behind another answer on the same loop, so that the first half has been read.
            self.assertEqual(self.gate.client.get("/healthz").status, 200)
            self.gate.process.send(signal.SIGTERM)
            wait_until(lambda: "stopping" in self.gate.process.output(), "it has been told")
            peer.sendall(body[10:])
            # Whether the answer announces the end depends on which of the two the loop saw first; it ends.
            answer = b""
            while piece := peer.recv(65536):
                answer += piece
        self.assertIn(b" 200 ", answer.split(b"\r\n")[0])
        self.assertTrue(answer.endswith(b'{"accepted":1}\n') or b'"accepted":' in answer, answer)
        self.assertEqual(self.gate.stop(), 0)


class RestartTest(EndToEnd):
    # The shortest window there is: one closes within 90 s.
    config = CONFIG.replace("endpoints:", "forecast: { window: 1m, history: 10m, horizon: 1m }\nendpoints:", 1)

    def windows(self, gate):
        """Requests of browse by the start of their closed window, of one that was only partly listened to as well."""
        with contextlib.closing(sqlite3.connect(gate.folder / "var/tidelimit.db")) as db:
            return dict(db.execute("SELECT start, requests FROM windows WHERE endpoint = 'browse' AND requests > 0"))

    def test_windows_survive_restart_and_kill_9(self):
        gate = self.start_gate(self.config)
        for i in range(7):
            gate.check(f"203.0.113.{i}", "/browse/1")
        self.assertEqual(gate.stop(signal.SIGTERM), 0)  # with the window still open
        gate.start()
        gate.check("203.0.113.8", "/browse/1")
        before = wait_until(lambda: sum(self.windows(gate).values()) >= 8 and self.windows(gate),
                            "the windows are closed", 150)
        self.assertEqual(sum(before.values()), 8)
        endpoints = {"payment", "browse", "login", "other"}  # forecast a moment after their windows have closed
        wait_until(lambda: {f["endpoint"] for f in gate.get("/v1/forecasts").json["forecasts"]} == endpoints, "all of them")
        gate.stop(signal.SIGKILL)
        gate.start()
        self.assertEqual(self.windows(gate), before)
        # It forecasts at once, from what is stored.
        self.assertEqual({row["endpoint"] for row in gate.get("/v1/forecasts").json["forecasts"]},
                         endpoints)


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


class ModelTest(EndToEnd):
    """Model serving as TensorFlow Serving's REST speaks it, and bundles that change under a running gate."""

    config = CONFIG.replace("rules:", "forecast: { model: var/model }\nanomaly: { model: var/model }\nrules:", 1)

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="tidelimit-e2e-")
        cls.addClassCleanup(holder.cleanup)
        cls.bundle = pathlib.Path(holder.name) / "model"
        log = cls.bundle.with_name("traffic.csv")
        for arguments in (("generate", "-o", log, "--days", "4", "--scale", "0.3"),
                          ("train", log, "-o", cls.bundle, "--epochs", "1")):
            done = run(*arguments)
            if done.returncode != 0:
                raise AssertionError(f"{arguments}: {done.stderr}")

    def setUp(self):
        super().setUp()
        shutil.copytree(self.bundle, self.folder / "gate/var/model")
        self.gate = self.start_gate(self.config)

    def predict(self, model, body):
        return self.gate.call("POST", f"/v1/models/{model}:predict", body, token=False)

    def input_shape(self, model):
        metadata = self.gate.get(f"/v1/models/{model}/metadata").json["metadata"]["signature_def"]["signature_def"]
        (tensor,) = metadata["serving_default"]["inputs"].values()
        self.assertEqual(tensor["dtype"], "DT_FLOAT")
        return [int(dim["size"]) for dim in tensor["tensor_shape"]["dim"]]

    def test_both_models_answer(self):
        for model in ("traffic", "anomaly"):
            (status,) = self.gate.get(f"/v1/models/{model}").json["model_version_status"]
            self.assertEqual((status["state"], status["status"]["error_code"]), ("AVAILABLE", "OK"))
            own = json.loads((self.bundle / "manifest.json").read_text())["version"]
            self.assertEqual(status["version"][:-4], re.sub(r"\D", "", own.split("-")[0]))
            self.assertEqual(int(status["version"][-4:]), int(own.split("-")[1], 16) % 10_000)
            for version in (status["version"], own):
                self.assertEqual(self.gate.get(f"/v1/models/{model}/versions/{version}").status, 200)
            self.assertEqual(self.gate.get(f"/v1/models/{model}/versions/1").status, 404)
            labelled = self.gate.get(f"/v1/models/{model}/labels/stable")
            self.assertEqual((labelled.status, list(labelled.json)), (404, ["error"]))
            self.assertIn("stable", labelled.json["error"])
            self.assertEqual(self.gate.count("tidelimit_model_info", model=model, version=own), 1)
        _, steps, features = self.input_shape("traffic")
        row = [[0.1] * features] * steps
        answer = self.predict("traffic", {"instances": [row, row]}).json["predictions"]
        self.assertEqual(len(answer), 2)
        self.assertEqual(answer[0], answer[1])
        self.assertEqual(self.predict("traffic", {"inputs": [row]}).json["outputs"], answer[:1])
        _, features = self.input_shape("anomaly")
        usual, odd = self.predict("anomaly", {"instances": [[0.0] * features, [1e6] * features]}).json["predictions"]
        self.assertTrue(0 < usual < 1 and 0 < odd < 1)

    def test_errors_are_those_of_tensorflow_serving(self):
        for status, model, body in ((404, "weather", {"instances": []}), (400, "traffic", "{"),
                                    (400, "traffic", {"instances": [[1]]}), (400, "anomaly", {})):
            answer = self.predict(model, body)
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(list(answer.json), ["error"])
        for method, path, status in (("PUT", "/v1/models/anomaly:predict", 405), ("DELETE", "/v1/models/anomaly", 405),
                                     ("GET", "/v1/models/anomaly/versions/1/x", 404)):
            answer = self.gate.call(method, path)
            self.assertEqual((answer.status, list(answer.json)), (status, ["error"]))
        self.assertIn("detail", self.gate.call("DELETE", "/v1/plan").json, "elsewhere a problem document")

    def test_a_damaged_bundle_is_refused_and_the_running_one_stays(self):
        version = self.gate.get("/v1/plan").json["model"]
        manifest = self.gate.folder / "var/model/manifest.json"
        whole = manifest.read_text()
        manifest.write_text(whole[: len(whole) // 2])
        wait_until(lambda: "model" in self.gate.client.get("/readyz?verbose").body
                   and "refused" in self.gate.process.output(), "the damaged bundle is refused")
        self.assertEqual(self.gate.client.get("/readyz").status, 200)
        self.assertEqual(self.gate.get("/v1/plan").json["model"], version)
        self.assertEqual(self.gate.get("/v1/models/traffic").status, 200)
        manifest.write_text(whole)
        wait_until(lambda: "refused" not in self.gate.client.get("/readyz?verbose").body, "the whole one is in force")

    def test_a_start_without_its_bundle_is_named_until_there_is_one(self):
        manifest = self.gate.folder / "var/model/manifest.json"
        whole = manifest.read_text()
        self.gate.stop()
        manifest.write_text(whole[: len(whole) // 2])
        self.gate.start()
        wait_until(self.gate.answers, "it serves all the same")
        self.assertIn("started without", self.gate.client.get("/readyz?verbose").body)
        self.assertEqual(self.gate.get("/v1/models/traffic").status, 404)
        wait_until(lambda: self.gate.count("tidelimit_degraded") == 1, "the metric says so")
        manifest.write_text(whole)
        wait_until(lambda: self.gate.get("/v1/models/traffic").status == 200, "the whole one is in force")
        self.assertNotIn("started without", self.gate.client.get("/readyz?verbose").body)


    def test_a_detector_serves_where_the_forecast_is_yet_to_be_trained(self):
        self.gate.stop()
        self.gate.write(self.config.replace("forecast: { model: var/model }", "forecast: { model: var/later }"))
        self.gate.start()
        wait_until(self.gate.answers, "it serves")
        own = json.loads((self.bundle / "manifest.json").read_text())["version"]
        wait_until(lambda: self.gate.count("tidelimit_model_info", model="anomaly", version=own) == 1, "the detector is in force")
        self.assertEqual(self.gate.get("/v1/models/traffic").status, 404)
        self.assertIn("var/later: there is no model", self.gate.client.get("/readyz?verbose").body)
        shutil.copytree(self.bundle, self.folder / "gate/var/later")
        wait_until(lambda: self.gate.get("/v1/models/traffic").status == 200, "the forecast, too")
        self.assertNotIn("var/later", self.gate.client.get("/readyz?verbose").body)


class StartTest(unittest.TestCase):
    """What keeps it from starting: status 2, and a sentence that names the place and the mend."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="tidelimit-e2e-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)

    def refused(self, config, *words):
        file = self.folder / "tidelimit.yaml"
        file.write_text(config)
        done = run("serve", "--config", file, cwd=self.folder)
        self.assertEqual(done.returncode, 2, done)
        for word in words:
            self.assertIn(word, done.stderr)

    def small(self, more="", http=None):
        return (f"listen: {{ http: 127.0.0.1:{http or free_port()} }}\n"
                f"endpoints: [ {{ name: other, limits: {{ STD: 10/min }} }} ]\n{more}")

    def test_port_in_use(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            self.refused(self.small(http=port), f"127.0.0.1:{port}", "in use", "choose another port")

    def test_too_few_descriptors(self):
        file = self.folder / "tidelimit.yaml"
        file.write_text(self.small())
        few = f"ulimit -n 40; exec {BINARY} serve --config {file} --loops 1"
        done = subprocess.run(["bash", "-c", few], cwd=self.folder, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("may open 40 descriptors (ulimit -n)", done.stderr)
        self.assertIn("allow it", done.stderr)

    def test_connections_are_as_many_as_there_are_descriptors(self):
        file = self.folder / "tidelimit.yaml"
        port = free_port()
        file.write_text(self.small("identity: { trusted_proxies: [127.0.0.1/32] }", port))
        log = self.folder / "log"
        with open(log, "wb") as out:
            gate = subprocess.Popen(["bash", "-c", f"ulimit -n 100; exec {BINARY} serve --config {file} --loops 1"],
                                    cwd=self.folder, stdout=out, stderr=out)
        try:
            wait_until(lambda: "answers on" in log.read_text(), "the gate runs")
            words = re.search(r"may open 100 descriptors \(ulimit -n\): (\d+) connections", log.read_text())
            self.assertIsNotNone(words, log.read_text())
            places = int(words[1])
            with contextlib.ExitStack() as all_of_them:
                for i in range(places):  # half of them from each of two strangers: they get three quarters
                    source = (f"127.0.1.{1 + i % 2}", 0)
                    all_of_them.enter_context(socket.create_connection(("127.0.0.1", port), source_address=source))
                with HttpClient(port) as client:
                    asked = {"client_ip": "203.0.113.1", "path": "/"}
                    self.assertEqual(client.call("POST", "/v1/check", asked).status, 200, "one that is trusted")
                    metrics = client.get("/metrics").body
            refused = re.search(r'tidelimit_connections_refused_total{reason="untrusted"} (\d+)', metrics)
            self.assertEqual(int(refused[1]), places // 4, metrics)
            self.assertIn('tidelimit_connections_refused_total{reason="descriptors"} 0', metrics)
        finally:
            gate.terminate()
            gate.wait(30)

    def test_state_that_cannot_be_written(self):
        self.refused(self.small("state: /proc/nowhere/tidelimit.db"), "/proc/nowhere", "name another `state`")
        (self.folder / "folder.db").mkdir()
        self.refused(self.small("state: folder.db"), "folder.db")

    def test_state_of_another_program(self):
        foreign = self.folder / "foreign.db"
        foreign.write_text("These are my notes, not a database.\n" * 100)
        self.refused(self.small("state: foreign.db"), "foreign.db", "left alone")
        self.assertIn("my notes", foreign.read_text())

    def test_two_gates_on_one_state(self):
        file = self.folder / "first.yaml"
        file.write_text(self.small("state: one.db"))
        with open(self.folder / "first.log", "wb") as log:
            first = subprocess.Popen([BINARY, "serve", "--config", file], cwd=self.folder, stdout=log, stderr=log)
        try:
            wait_until(lambda: "answers on" in (self.folder / "first.log").read_text(), "the first gate runs")
            self.refused(self.small("state: one.db"), "one.db", "another running tidelimit")
        finally:
            first.terminate()
            first.wait(30)

    def test_only_endpoints_are_required(self):
        file = self.folder / "tidelimit.yaml"
        port = free_port()
        file.write_text(self.small(http=port))
        with open(self.folder / "log", "wb") as log:
            gate = subprocess.Popen([BINARY, "serve", "--config", file], cwd=self.folder, stdout=log, stderr=log)
        try:
            wait_until(lambda: "answers on" in (self.folder / "log").read_text(), "the gate runs")
            client = HttpClient(port)
            self.assertEqual(client.call("POST", "/v1/check", {"client_ip": "203.0.113.1", "path": "/"}).status, 200)
            self.assertEqual(client.get("/v1/verdicts").status, 401)
            client.close()
        finally:
            gate.terminate()
            gate.wait(30)
        self.assertIn("no admin.token_file", (self.folder / "log").read_text())

    def test_bad_configuration(self):
        self.refused("mode: enforce\n", "tidelimit.yaml:1:", "endpoints")
        self.refused(self.small("modus: enforce"), "tidelimit.yaml:3:", "modus", "mode")
        self.refused(self.small().replace("10/min", "0/min"), "tidelimit.yaml:2:")
        missing = run("serve", "--config", self.folder / "nowhere.yaml")
        self.assertEqual(missing.returncode, 2)
        self.assertIn("nowhere.yaml", missing.stderr)

    def test_wrong_usage(self):
        for arguments in ((), ("serve",), ("dance",), ("serve", "--config", "x", "--loops", "0")):
            self.assertEqual(run(*arguments).returncode, 2, arguments)
        self.assertEqual(run("--help").returncode, 0)
        self.assertEqual(run("serve", "--help").returncode, 0)


if __name__ == "__main__":
    unittest.main()
