"""Debian's nginx with the files of deploy/nginx in front of the real gate and a small application."""

import datetime
import signal
import socket
import unittest

from harness import EndToEnd, HttpClient, wait_until
from nginx import Nginx

# The clients are addresses of 127.0.0.0/8, so only nginx's own is trusted.
CONFIG = """
mode: enforce
listen: { http: HTTP, syslog: SYSLOG }
identity: { trusted_proxies: [127.0.0.1/32], user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }
tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", limits: { PRM: 600/min, STD: { rate: 6/min, burst: 3 } } }
  - { name: browse, match: "/browse/**", limits: { PRM: 600/min, STD: 600/min } }
  - { name: report, match: "/report/**", methods: [GET], limits: { STD: { rate: 1/min, burst: 2 } } }
  - { name: pages, match: [/shop/**, /tried/**, /gone/**], limits: { STD: 600/min } }
admin: { token_file: var/admin.token }
state: var/tidelimit.db
"""
USERS = "key-of-alice alice;\nkey-of-bob bob;\n"
TIERS = "alice PRM;\n"


class NginxCase(EndToEnd):
    CONFIG = CONFIG

    def setUp(self):
        super().setUp()
        self.upstream = self.start_upstream()
        self.gate = self.start_gate(self.CONFIG)
        self.nginx = self.start_nginx("open")

    def start_nginx(self, name, **options):
        nginx = Nginx(self.folder / name, self.gate.http_port, self.gate.syslog_port, self.upstream.port,
                      users=USERS, tiers=TIERS, **options)
        self.addCleanup(nginx.stop)
        return nginx

    def client(self, address, nginx=None):
        client = HttpClient((nginx or self.nginx).port, address)
        self.addCleanup(client.close)
        return client

    def await_log(self, lines):
        wait_until(lambda: self.gate.count("tidelimit_syslog_messages_total", result="taken") == lines,
                   f"{lines} lines of the log came")


class NginxTest(NginxCase):
    def use_up(self, client, headers=None):
        """Spends the burst of three and returns the answer after it."""
        for _ in range(3):
            answer = client.get("/payment/1", headers)
            self.assertEqual(answer.status, 200, answer)
        return client.get("/payment/1", headers)

    def override(self, address, action):
        put = self.gate.call("PUT", f"/v1/overrides/{address}", {"action": action, "for": "1h", "reason": "test"})
        self.assertEqual(put.status, 200, put)

    def test_allowed_request_passes_with_what_is_left(self):
        answer = self.client("127.0.0.11").get("/payment/1")
        self.assertEqual((answer.status, answer.body), (200, "GET /payment/1\n"))
        self.assertEqual(answer.headers["RateLimit-Policy"], '"payment-STD";q=6;w=60')
        self.assertRegex(answer.headers["RateLimit"], r'^"payment-STD";r=2;t=\d+$')

    def test_limited_client_gets_429_that_says_why_and_when(self):
        refused = self.use_up(self.client("127.0.0.12"))
        self.assertEqual(refused.status, 429, refused)
        self.assertIn(int(refused.headers["Retry-After"]), range(1, 11))
        self.assertRegex(refused.headers["RateLimit"], r'^"payment-STD";r=0;t=\d+$')
        self.assertEqual(refused.headers["RateLimit-Policy"], '"payment-STD";q=6;w=60')
        self.assertEqual(refused.headers["Content-Type"], "application/problem+json")
        problem = refused.json
        self.assertEqual(problem["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded")
        self.assertEqual(problem["status"], 429)
        self.assertEqual(problem["decision"], refused.headers["X-Tidelimit-Decision"])
        self.assertEqual(len(self.upstream.requests), 3, "a refused request must not reach the application")
        self.assertEqual(self.client("127.0.0.13").get("/payment/1").status, 200, "others are not limited with it")

    def test_a_post_with_a_body_is_limited_too(self):
        client = self.client("127.0.0.14")
        body = "x" * 5000
        statuses = [client.call("POST", "/payment/1", body).status for _ in range(4)]
        self.assertEqual(statuses, [200, 200, 200, 429])

    def test_blocked_by_override(self):
        client = self.client("127.0.0.15")
        self.override("127.0.0.15", "block")
        refused = client.get("/browse/1")
        self.assertEqual(refused.status, 429, refused)
        self.assertTrue(refused.headers["Retry-After"])
        self.assertEqual(self.client("127.0.0.16").get("/browse/1").status, 200)
        self.assertEqual(self.gate.call("DELETE", "/v1/overrides/127.0.0.15").status, 204)
        self.assertEqual(client.get("/browse/1").status, 200)

    def test_spoofed_headers_have_no_effect(self):
        spoofed = {"X-User-Tier": "PRM", "X-User-Id": "alice", "X-Forwarded-For": "198.51.100.1",
                   "X-Real-IP": "198.51.100.2", "X-Forwarded-Uri": "/browse/1", "X-Original-URI": "/browse/1",
                   "X-Original-Method": "GET"}
        client = self.client("127.0.0.17")
        for i in range(3):
            spoofed["X-Forwarded-For"] = f"198.51.100.{i}"
            self.assertEqual(client.get("/payment/1", spoofed).status, 200)
        refused = client.get("/payment/1", spoofed)
        self.assertEqual(refused.status, 429, refused)
        self.assertEqual(refused.headers["RateLimit-Policy"], '"payment-STD";q=6;w=60')
        for _, _, headers in self.upstream.requests:
            self.assertNotIn("X-User-Id", headers, "nobody was verified")
            self.assertNotIn("X-User-Tier", headers)

    def test_the_application_learns_who_was_verified(self):
        spoofed = {"X-Api-Key": "key-of-alice", "X-User-Id": "zed", "x-user-tier": "GOD"}
        self.assertEqual(self.client("127.0.0.27").get("/browse/1", spoofed).status, 200)
        headers = self.upstream.requests[-1][2]
        self.assertEqual((headers["X-User-Id"], headers["X-User-Tier"]), ("alice", "PRM"))

    def test_an_agent_with_control_bytes_is_limited_as_any(self):
        self.assertEqual(self.use_up(self.client("127.0.0.28"), {"User-Agent": "a\x01b\x7f"}).status, 429)
        self.assertNotIn("auth request unexpected status", self.nginx.errors())

    def test_spoofed_address_shifts_no_blame(self):
        self.override("198.51.100.7", "block")
        self.assertEqual(self.client("127.0.0.18").get("/browse/1", {"X-Forwarded-For": "198.51.100.7"}).status, 200)

    def test_tier_comes_from_the_verified_key(self):
        client = self.client("127.0.0.19")
        premium = client.get("/payment/1", {"X-Api-Key": "key-of-alice"})
        self.assertEqual(premium.headers["RateLimit-Policy"], '"payment-PRM";q=600;w=60')
        # bob has his own bucket whatever address he comes from.
        self.assertEqual(self.use_up(client, {"X-Api-Key": "key-of-bob"}).status, 429)
        self.assertEqual(self.client("127.0.0.20").get("/payment/1", {"X-Api-Key": "key-of-bob"}).status, 429)
        self.assertEqual(client.get("/payment/1").status, 200)

    def test_forbidden_by_the_application_stays_forbidden(self):
        answer = self.client("127.0.0.21").get("/status/403")
        self.assertEqual((answer.status, answer.body), (403, "GET /status/403\n"))

    def test_shadow_mode_changes_nothing(self):
        self.gate.write(CONFIG.replace("mode: enforce", "mode: shadow"))
        self.gate.process.send(signal.SIGHUP)
        wait_until(lambda: self.gate.get("/v1/mode").json["all"] == "shadow", "shadow mode is in force")
        answer = self.use_up(self.client("127.0.0.22"))
        self.assertEqual(answer.status, 200)
        for name in ("RateLimit", "RateLimit-Policy", "Retry-After", "X-Tidelimit-Decision"):
            self.assertNotIn(name, answer.headers)
        self.assertEqual(self.gate.count("tidelimit_decisions_total", outcome="shadow_deny"), 1)

    def test_access_log_comes_back(self):
        client = self.client("127.0.0.23")
        client.get("/browse/1", {"User-Agent": 'a "quoted" agent'})
        client.get("/status/503", {"User-Agent": "caf\xe9"})  # a byte that is no UTF-8
        self.use_up(client)
        self.await_log(6)
        self.assertEqual(self.gate.count("tidelimit_syslog_messages_total", result="unreadable"), 0)
        observed = "tidelimit_requests_observed_total"
        self.assertEqual(self.gate.count(observed, endpoint="browse", status_class="2xx"), 1)
        self.assertEqual(self.gate.count(observed, endpoint="other", status_class="5xx"), 1)
        self.assertEqual(self.gate.count(observed, endpoint="payment", status_class="4xx"), 1)
        # A request is counted once: by its decision, not again by its log line.
        self.assertEqual(self.gate.count("tidelimit_decisions_total"), 6)

    def test_no_client_makes_its_line_too_long_for_the_log(self):
        client = self.client("127.0.0.33")
        # escape=json makes six bytes of a control byte, and two of a quote.
        for uri, agent in (("/status/401?" + '"' * 8140, "\x01" * 8170), ("/" + '"' * 8100, '"' * 8100)):
            self.assertIn("Content-Length", client.get(uri, {"User-Agent": agent}).headers)
        self.await_log(2)
        self.assertEqual(self.gate.count("tidelimit_requests_observed_total", status_class="4xx"), 1)
        self.assertNotIn("send() failed", self.nginx.errors())

    def test_the_log_says_which_requests_were_asked_about(self):
        client = self.client("127.0.0.34")
        client.get("/browse/1")
        self.await_log(1)
        self.assertIn('"asked":"1","gate":""', self.nginx.last_line())
        with socket.create_connection(("127.0.0.1", self.nginx.port), source_address=("127.0.0.34", 0)) as connection:
            connection.sendall(b"GET /browse/1 HTTP/1.1\r\n\r\n")
            self.assertIn(b" 400 ", connection.recv(100))
        self.await_log(2)
        self.assertIn('"asked":"0","gate":""', self.nginx.last_line())
        observed = "tidelimit_requests_observed_total"
        self.assertEqual(self.gate.count(observed, endpoint="browse", status_class="2xx"), 1)
        self.assertEqual(self.gate.count(observed, status_class="4xx"), 0, "it was no request to the service")
        figures = lambda: self.gate.get("/v1/clients/127.0.0.34").json.get("last_five_minutes") or {"errors": 0}
        known = wait_until(lambda: figures()["errors"] and figures(), "it is known, and an error of its client")
        self.assertEqual((known["requests"], known["errors"]), (1, 1))

    def test_fail_open_passes_while_down_and_limits_again_after(self):
        client = self.client("127.0.0.24")
        self.assertEqual(self.use_up(client).status, 429)
        self.gate.stop(signal.SIGKILL)
        for _ in range(5):
            answer = client.get("/payment/1")
            self.assertEqual(answer.status, 200)
            self.assertNotIn("RateLimit", answer.headers)
        self.gate.start()
        self.assertEqual(self.use_up(client).status, 429)
        self.assertNotIn("auth request unexpected status", self.nginx.errors())

    def test_fail_closed_refuses_while_down_and_recovers(self):
        client = self.client("127.0.0.25", self.start_nginx("closed", fail_closed=True))
        self.assertEqual(client.get("/browse/1").status, 200)
        before = len(self.upstream.requests)
        self.gate.stop(signal.SIGKILL)
        refused = client.get("/browse/1")
        self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "1"), refused)
        self.assertEqual(refused.headers["Content-Type"], "application/problem+json")
        self.assertEqual(len(self.upstream.requests), before)
        self.gate.start()
        self.assertEqual(client.get("/browse/1").status, 200)

    def test_a_gate_that_hangs_is_down(self):
        client = self.client("127.0.0.26")
        self.assertEqual(client.get("/browse/1").status, 200)
        self.gate.process.send(signal.SIGSTOP)
        self.assertEqual(client.get("/browse/1").status, 200)
        self.gate.process.send(signal.SIGCONT)
        wait_until(lambda: "RateLimit" in client.get("/browse/1").headers, "the gate is asked again")

    def test_long_address_and_agent_together_are_no_error(self):
        answer = self.client("127.0.0.29").get("/payment/" + "a" * 8140, {"User-Agent": "b" * 8150})
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("RateLimit", answer.headers)

    def test_no_spelling_of_a_path_escapes_its_limit(self):
        client = self.client("127.0.0.31")
        self.assertEqual(self.use_up(client).status, 429)
        for path in ("/PAYMENT/1", "/Payment", "/payment/..%2F42", "/payment/%2e%2e%2f42", "/payment/7%2F..%2F..%2Fx",
                     "/#/../payment/1", "/x\\..\\payment\\1", "/\\x\\payment/1", "//x/payment/1", "/payment;/x"):
            self.assertEqual(client.get(path).status, 429, path)
        self.assertEqual(client.get("/42").status, 200)

    def test_head_is_limited_where_get_is(self):
        client = self.client("127.0.0.32")
        statuses = [client.call("HEAD", "/report/1").status for _ in range(3)]
        self.assertEqual(statuses, [200, 200, 429])
        self.assertEqual(client.get("/report/1").status, 429)
        self.assertEqual(client.call("POST", "/report/1").status, 200)

    def test_a_request_is_asked_about_once_however_often_it_is_redirected(self):
        pages = self.folder / "pages"
        (pages / "shop").mkdir(parents=True)
        (pages / "shop/index.html").write_text("shop\n")
        (pages / "gone.html").write_text("gone\n")
        limited = f"include tidelimit_protect.conf; root {pages};"
        nginx = self.start_nginx("redirects", locations=f"""
    location /shop/ {{ {limited} }}
    location /tried/ {{ {limited} try_files $uri /browse/1; }}
    location /gone/ {{ {limited} error_page 404 /gone.html; }}
    location = /gone.html {{ {limited} }}
""")
        for path, status, body in (("/shop/", 200, "shop\n"), ("/tried/1", 200, "GET /browse/1\n"), ("/gone/1", 404, "gone\n")):
            with self.subTest(path):
                before = self.gate.count("tidelimit_decisions_total")
                answer = self.client("127.0.0.30", nginx).get(path)
                self.assertEqual((answer.status, answer.body), (status, body))
                self.assertEqual(self.gate.count("tidelimit_decisions_total"), before + 1)
                self.assertRegex(answer.headers["RateLimit"], r'^"pages-STD";r=\d+;t=\d+$')
        self.gate.stop(signal.SIGKILL)
        self.assertEqual(self.client("127.0.0.30", nginx).get("/shop/").status, 200)
        wait_until(lambda: '"gate":"down"' in nginx.last_line(), "the line says so, which follows the answer")


class WhoRefused(NginxCase):
    """What nginx's log says of refusals and of clients that hung up is nobody's error."""

    CONFIG = CONFIG.replace("admin:", """  - { name: held, match: "/held/**", limits: { STD: 600/min }, concurrency: { STD: 1, timeout: 30m } }
  - { name: status, match: "/status/**", limits: { STD: 600/min }, concurrency: { STD: 1, timeout: 30m } }
  - { name: sale, match: "/sale/**", limits: { STD: { rate: 6000/min, burst: 300 } } }
rules:
  - { name: sale, when: { calendar: { from: "BEGUN", for: 1h } }, then: { scale: 0.01, endpoints: [sale] } }
adapt: { floor: 0.01, tighten: 0.01 }
deny: { reduced_capacity: 503 }
admin:""").replace("BEGUN", f"{datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5):%FT%TZ}")

    def errors_of(self, address, requests):
        """Of a client, once so many requests of it are known."""
        def known():
            seen = self.gate.get(f"/v1/clients/{address}").json.get("last_five_minutes")
            return seen if seen and seen["requests"] == requests else None
        return wait_until(known, f"{requests} requests are known")["errors"]

    def test_a_503_of_its_own_is_no_error_of_the_client(self):
        scale = lambda: [row["scale"] for row in self.gate.get("/v1/plan").json["limits"] if row["endpoint"] == "sale"]
        wait_until(lambda: min(scale()) < 0.02, "the sale has begun")
        client = self.client("127.0.0.41")
        statuses = [client.get("/sale/1").status for _ in range(20)]
        self.assertGreater(statuses.count(503), 5, statuses)
        self.await_log(20)
        self.assertEqual(self.errors_of("127.0.0.41", requests=20), 0)
        self.assertEqual(client.get("/status/503").status, 503)
        self.await_log(21)
        self.assertEqual(self.errors_of("127.0.0.41", requests=21), 1, "the application's own is one")

    def test_a_503_of_nginx_while_the_gate_hangs_is_no_error_of_the_client(self):
        client = self.client("127.0.0.42", self.start_nginx("closed", fail_closed=True))
        self.assertEqual(client.get("/browse/1").status, 200)
        self.gate.process.send(signal.SIGSTOP)
        statuses = [client.get("/browse/1").status for _ in range(8)]
        self.gate.process.send(signal.SIGCONT)
        self.assertGreater(statuses.count(503), 5, statuses)
        self.await_log(9)
        known = wait_until(lambda: self.gate.get("/v1/clients/127.0.0.42").json.get("last_five_minutes"), "it is known")
        self.assertEqual(known["errors"], 0)

    def test_who_hung_up_while_the_application_was_slow_made_no_error(self):
        self.addCleanup(self.upstream.release.set)
        with socket.create_connection(("127.0.0.1", self.nginx.port), source_address=("127.0.0.43", 0)) as connection:
            connection.sendall(b"GET /held/1 HTTP/1.1\r\nHost: site\r\n\r\n")
            wait_until(lambda: self.upstream.requests, "the application has it")
        self.await_log(1)
        self.assertIn('"status":"499"', self.nginx.last_line())
        self.assertEqual(self.errors_of("127.0.0.43", requests=1), 0)
        self.assertEqual(self.client("127.0.0.43").get("/held/2").status, 429, "the application still has it")

    def test_a_429_of_the_application_ends_a_request_in_flight(self):
        client = self.client("127.0.0.44")
        for i in range(3):
            answer = client.get("/status/429")
            self.assertEqual((answer.status, answer.body), (429, "GET /status/429\n"))
            self.await_log(i + 1)


if __name__ == "__main__":
    unittest.main()
