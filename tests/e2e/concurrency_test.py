"""Limits on requests in flight: the real gate alone, and behind Debian's nginx in front of an application that takes its time."""

import http.server
import signal
import socket
import threading
import time
import unittest

from harness import EndToEnd, HttpClient, run, wait_until
from nginx import Nginx

CONFIG = """
mode: enforce
listen: { http: HTTP, syslog: SYSLOG }
identity: { trusted_proxies: [127.0.0.1/32], user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }
tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", limits: { STD: 600/min }, concurrency: { PRM: 4, STD: 2, timeout: 30m } }
  - { name: brief,   match: "/brief/**",   concurrency: { STD: 2, timeout: 1s } }
  - { name: tried,   match: "/tried/**",   mode: shadow, concurrency: { STD: 1, timeout: 30m } }
deny: { reduced_capacity: 503 }
admin: { token_file: var/admin.token }
state: var/tidelimit.db
"""


class Concurrency(EndToEnd):
    def setUp(self):
        super().setUp()
        self.gate = self.start_gate(CONFIG)

    def passed(self, count, **call):
        return sum(self.gate.check(path="/payment/1", **call)["allowed"] for _ in range(count))

    def report(self, status=200, client_ip="203.0.113.1", path="/payment/1", **more):
        answer = self.gate.client.call("POST", "/v1/report",
                                       {"client_ip": client_ip, "path": path, "status": status, **more})
        self.assertEqual(answer.status, 200, answer)

    def test_a_report_makes_room_for_the_next(self):
        self.assertEqual(self.passed(4), 2)
        self.assertEqual(self.passed(5, client_ip="203.0.113.2", user_id="alice", tier="PRM"), 4)
        self.report(latency_ms=12.5)
        self.assertEqual(self.passed(4), 1)
        self.report()
        self.report(status=502)
        self.assertEqual(self.passed(4), 2)

    def test_the_answer_says_how_many_are_in_flight(self):
        first = self.gate.check(path="/payment/1")
        self.assertEqual((first["in_flight"], first["in_flight_limit"], first["limit_per_minute"]), (1, 2, 600))
        self.gate.check(path="/payment/1")
        denied = self.gate.check(path="/payment/1")
        self.assertEqual((denied["allowed"], denied["reason"], denied["rule"]), (False, "over_limit", "concurrency"))
        self.assertEqual((denied["in_flight"], denied["in_flight_limit"]), (2, 2))
        self.assertEqual((denied["retry_after_ms"], denied["limit_per_minute"]), (1000, None))
        self.assertNotIn("in_flight", self.gate.check(path="/elsewhere"))
        self.assertFalse(self.gate.check(path="/payment/1", hits=0)["allowed"])
        kept = wait_until(lambda: self.gate.get("/v1/decisions?id=" + denied["decision"]).json["decisions"],
                          "the denial is kept")
        self.assertEqual(kept[0]["explanation"], "2 of 2 requests in flight at payment")
        why = self.gate.shell("why", "--client", "203.0.113.1")
        self.assertIn("because 2 of 2 requests in flight at payment", why.stdout)

    def test_auth_denies_with_the_fields_of_the_draft(self):
        for _ in range(2):
            passed = self.gate.auth("203.0.113.3", "/payment/1")
            self.assertEqual(passed.status, 200)
            self.assertEqual(passed.headers["RateLimit-Policy"], '"payment-STD";q=600;w=60')
        denied = self.gate.auth("203.0.113.3", "/payment/1")
        self.assertEqual(denied.status, 429)
        self.assertEqual(denied.headers["Retry-After"], "1")
        self.assertEqual(denied.headers["RateLimit-Policy"], '"payment-STD-concurrency";q=2;qu="concurrent-requests"')
        self.assertEqual(denied.headers["RateLimit"], '"payment-STD-concurrency";r=0;t=1')
        problem = denied.json
        self.assertEqual((problem["rule"], problem["violated-policies"]), ("concurrency", ["payment-STD-concurrency"]))

    def test_what_tidelimit_denied_ends_nothing(self):
        self.assertEqual(self.passed(3), 2)
        self.report(status=429)
        self.report(status=503)  # as deny.reduced_capacity says
        self.report(status=200, own_denial=True)
        self.assertEqual(self.passed(1), 0)
        self.report(status=429, own_denial=False)
        self.assertEqual(self.passed(2), 1)
        self.report(status=503, own_denial=False)
        self.assertEqual(self.passed(2), 1)

    def test_what_the_gate_was_not_asked_about_ends_nothing(self):
        self.assertEqual(self.passed(3), 2)
        for status in (200, 400, 413, 502):
            self.report(status=status, asked=False, latency_ms=0)
        self.assertEqual(self.passed(1), 0)
        self.report(asked=True)
        self.assertEqual(self.passed(2), 1)

    def test_a_client_that_hangs_up_keeps_its_place_until_the_timeout(self):
        self.assertEqual(self.passed(3), 2)
        self.report(status=499, latency_ms=1)
        self.report(status=499)
        self.assertEqual(self.passed(1), 0)
        for _ in range(2):
            self.assertTrue(self.gate.check(path="/brief/1")["allowed"])
            self.report(status=499, latency_ms=1, path="/brief/1")
        self.assertFalse(self.gate.check(path="/brief/1", hits=0)["allowed"])
        wait_until(lambda: self.gate.check(path="/brief/1", hits=0)["allowed"], "the timeout passes")

    def test_a_request_whose_end_nobody_tells_of_ends_by_the_timeout(self):
        begin = time.monotonic()
        for _ in range(2):
            self.assertTrue(self.gate.check(path="/brief/1")["allowed"])
        wait_until(lambda: self.gate.check(path="/brief/1", hits=0)["allowed"], "the timeout passes")
        self.assertGreater(time.monotonic() - begin, 0.99)
        self.assertEqual(sum(self.gate.check(path="/brief/1")["allowed"] for _ in range(4)), 2)

    def test_shadow_counts_and_denies_nothing(self):
        reasons = [self.gate.check(path="/tried/1")["reason"] for _ in range(3)]
        self.assertEqual(reasons, ["ok", "over_limit", "over_limit"])
        for _ in range(3):
            self.report(path="/tried/1")
        self.assertEqual(self.gate.check(path="/tried/1")["reason"], "ok")
        self.assertEqual(self.gate.count("tidelimit_decisions_total", endpoint="tried", outcome="shadow_deny"), 2)
        self.assertEqual(self.gate.count("tidelimit_decisions_total", endpoint="tried", outcome="deny"), 0)

    def test_plan_and_metrics_show_it(self):
        self.assertRegex(run("check-config", self.gate.file).stdout, "600/min, 2 in flight")
        limits = {(row["endpoint"], row["tier"]): row for row in self.gate.get("/v1/plan").json["limits"]}
        self.assertEqual(limits["payment", "STD"]["in_flight_limit"], 2)
        self.assertEqual(limits["payment", "STD"]["in_flight_timeout_s"], 1800)
        self.assertIsNone(limits["brief", "PRM"]["in_flight_limit"])
        self.passed(3)
        self.passed(3, client_ip="203.0.113.9")
        self.assertEqual(self.gate.count("tidelimit_table_entries", table="leases"), 2)
        denials = "tidelimit_in_flight_denials_total"
        self.assertEqual(self.gate.count(denials, endpoint="payment", tier="STD"), 2)
        self.assertEqual(self.gate.count(denials, endpoint="brief", tier="STD"), 0)


class Slow:
    """An application whose answers wait until they are let go."""

    def __init__(self):
        self.go = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)
        slow = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                slow.arrived.release()
                slow.go.acquire()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.go.release(100)
        self.server.shutdown()
        self.server.server_close()


class BehindNginx(EndToEnd):
    """auth_request takes the leases, the access log by syslog gives them back."""

    EDITS = ()

    def setUp(self):
        super().setUp()
        self.slow = Slow()
        self.addCleanup(self.slow.stop)
        self.gate = self.start_gate(CONFIG)
        self.nginx = Nginx(self.folder / "nginx", self.gate.http_port, self.gate.syslog_port, self.slow.port,
                           edits=self.EDITS)
        self.addCleanup(self.nginx.stop)
        self.statuses = []

    def get(self):
        with HttpClient(self.nginx.port, "127.0.0.31") as client:
            # A byte that is no UTF-8 must not keep the log line from giving the lease back.
            status = client.get("/payment/1", {"User-Agent": "caf\xe9"}).status
        self.statuses.append(status)
        return status

    def begin(self):
        thread = threading.Thread(target=self.get)
        thread.start()
        self.addCleanup(thread.join)
        self.assertTrue(self.slow.arrived.acquire(timeout=30))

    def logged(self):
        return self.gate.count("tidelimit_syslog_messages_total", result="taken")

    def raw(self, request):
        """The status of a request as it stands."""
        with socket.create_connection(("127.0.0.1", self.nginx.port), source_address=("127.0.0.31", 0)) as client:
            client.settimeout(30)
            client.sendall(request)
            return int(client.recv(100).split()[1])

    def test_what_nginx_answers_by_itself_ends_nothing(self):
        self.begin()
        self.begin()
        lines = 0
        for status, request in (
                (400, b"GET /payment/1 HTTP/1.1\r\n\r\n"),
                (400, b"GET /payment/1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
                (405, b"TRACE /payment/1 HTTP/1.1\r\nHost: a\r\n\r\n"),
                (413, b"POST /payment/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n")):
            self.assertEqual(self.raw(request), status)
            lines += 1
            wait_until(lambda: self.logged() == lines, "it was logged")
            self.assertEqual(self.gate.check(client_ip="127.0.0.31", path="/payment/1", hits=0)["in_flight"], 2, status)
        self.slow.go.release(2)

    def test_a_question_that_came_too_late_holds_no_place(self):
        self.begin()
        self.gate.process.send(signal.SIGSTOP)
        self.begin()  # nginx waits no longer, and lets it pass
        self.gate.process.send(signal.SIGCONT)
        decisions = "tidelimit_decisions_total"
        wait_until(lambda: self.gate.count(decisions, endpoint="payment") == 2, "the gate has read the question")
        in_flight = lambda: self.gate.check(client_ip="127.0.0.31", path="/payment/1", hits=0)["in_flight"]
        self.assertEqual(in_flight(), 1, "the first, which it was asked about in time")
        self.slow.go.release(2)
        wait_until(lambda: self.logged() == 2, "both were logged")
        self.assertEqual(in_flight(), 0)
        observed = "tidelimit_requests_observed_total"
        self.assertEqual(self.gate.count(observed, endpoint="payment", status_class="2xx"), 2, "both were answered")

    def test_who_hangs_up_gives_no_place_back(self):
        with socket.create_connection(("127.0.0.1", self.nginx.port), source_address=("127.0.0.31", 0)) as client:
            client.sendall(b"GET /payment/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(self.slow.arrived.acquire(timeout=30))
        wait_until(lambda: self.logged() == 1, "it was logged")
        self.assertIn('"status":"499"', self.nginx.last_line())
        self.begin()
        self.assertEqual(self.get(), 429, "the application works on both")
        self.slow.go.release(2)

    def test_the_third_at_once_is_refused_until_one_has_been_answered(self):
        self.begin()
        self.begin()
        self.assertEqual(self.get(), 429)
        wait_until(lambda: self.logged() == 1, "the refusal was logged")
        self.assertEqual(self.get(), 429, "its log line ended nothing")
        self.slow.go.release()
        wait_until(lambda: self.logged() == 3, "one was answered and logged")
        self.begin()
        self.assertEqual(self.get(), 429)
        self.slow.go.release(2)
        wait_until(lambda: len(self.statuses) == 6, "all were answered")
        self.assertEqual(sorted(self.statuses), [200, 200, 200, 429, 429, 429])


class BehindNginxThatWaits(BehindNginx):
    """With the line for `concurrency` in site.conf, nginx waits for the application though the client has gone."""

    EDITS = (("site.conf", "# proxy_ignore_client_abort on;", "proxy_ignore_client_abort on;"),)

    def test_who_hangs_up_gives_no_place_back(self):
        with socket.create_connection(("127.0.0.1", self.nginx.port), source_address=("127.0.0.31", 0)) as client:
            client.sendall(b"GET /payment/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(self.slow.arrived.acquire(timeout=30))
        self.begin()
        self.assertEqual(self.get(), 429, "the application works on both")
        self.slow.go.release(2)
        wait_until(lambda: self.logged() == 3, "both were answered and logged")
        self.assertIn('"status":"200"', self.nginx.last_line())
        self.begin()
        self.begin()
        self.slow.go.release(2)


if __name__ == "__main__":
    unittest.main()
