"""What gateways ask of the real binary: check, auth and report."""

import signal
import unittest

from harness import HttpClient, wait_until
from serving import CONFIG, Serving


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
        self.assertEqual(auth("?deny=10.0.0.1"), 200, "no word to us, so it is the request's own")

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


if __name__ == "__main__":
    unittest.main()
