"""Debian's Caddy with the files of deploy/caddy in front of the real gate and a small application."""

import base64
import os
import shutil
import signal
import socket
import subprocess
import threading
import unittest

from harness import PATIENCE, SOURCE, EndToEnd, HttpClient, Process, free_port, wait_until

CONFIG = """
mode: enforce
listen: { http: HTTP, syslog: SYSLOG }
identity: { trusted_proxies: [127.0.0.1/32], user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }
tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", limits: { PRM: 600/min, STD: { rate: 6/min, burst: 3 } } }
  - { name: browse, match: "/browse/**", limits: { STD: 600/min } }
  - { name: held, match: "/held/**", concurrency: { STD: 1, timeout: 30m } }
  - { name: status, match: "/status/**", limits: { STD: 600/min } }
admin: { token_file: var/admin.token }
state: var/tidelimit.db
"""


class Caddy:
    def __init__(self, folder, gate, upstream_port, fail_closed=False, users=None, site="http://127.0.0.1:PORT",
                 options=""):
        self.port = free_port()
        shutil.copytree(SOURCE / "deploy/caddy", folder, ignore=shutil.ignore_patterns("*.md"))
        self.folder = folder
        self.edit("tidelimit.caddy", "127.0.0.1:8080", f"127.0.0.1:{gate.http_port}")
        self.edit("tidelimit.caddy", "127.0.0.1:5514", f"127.0.0.1:{gate.syslog_port}")
        self.edit("Caddyfile", "127.0.0.1:9000", f"127.0.0.1:{upstream_port}")
        self.edit("Caddyfile", ":80 {", site.replace("PORT", str(self.port)) + " {")
        options = "admin off\n\t" + options.replace("PORT", str(self.port))
        self.edit("Caddyfile", "# A whole", "{\n\t" + options + "\n}\n# A whole")
        if fail_closed:
            self.edit("Caddyfile", "import tidelimit_fail_open", "import tidelimit_fail_closed")
        for user, password in (users or {}).items():
            verified = subprocess.check_output(["/usr/bin/caddy", "hash-password", "--plaintext", password], text=True)
            self.edit("Caddyfile", "\timport tidelimit\n",
                      f"\tbasicauth {{\n\t\t{user} {verified.strip()}\n\t}}\n\timport tidelimit\n")
            self.edit("tidelimit.caddy", "# request_header X-User-Id", "request_header X-User-Id")
        self.process = Process(["/usr/bin/caddy", "run", "--config", folder / "Caddyfile"], folder / "caddy.log",
                               cwd=folder, env={**os.environ, "HOME": str(folder)})
        wait_until(self.listens, "Caddy listens")

    def edit(self, name, old, new):
        file = self.folder / name
        text = file.read_text()
        if old not in text:
            raise AssertionError(f"deploy/caddy no longer says {old!r}")
        file.write_text(text.replace(old, new))

    def listens(self):
        if not self.process.running():
            raise AssertionError(f"Caddy ended:\n{self.process.output()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        self.process.end()


class CaddyTest(EndToEnd):
    def setUp(self):
        super().setUp()
        self.upstream = self.start_upstream()
        self.gate = self.start_gate(CONFIG)
        self.caddy = self.start_caddy("open")

    def start_caddy(self, name, **options):
        caddy = Caddy(self.folder / name, self.gate, self.upstream.port, **options)
        self.addCleanup(caddy.stop)
        return caddy

    def client(self, address, caddy=None):
        client = HttpClient((caddy or self.caddy).port, address)
        self.addCleanup(client.close)
        return client

    def use_up(self, client, headers=None):
        """Spends the burst of three and returns the answer after it."""
        for _ in range(3):
            answer = client.get("/payment/1", headers)
            self.assertEqual((answer.status, answer.body), (200, "GET /payment/1\n"), answer)
        return client.get("/payment/1", headers)

    def await_log(self, lines):
        wait_until(lambda: self.gate.count("tidelimit_syslog_messages_total", result="taken") == lines,
                   f"{lines} lines of the log came")

    def figures(self, address):
        return wait_until(lambda: self.gate.get(f"/v1/clients/{address}").json.get("last_five_minutes"),
                          "the client is known")

    def test_limits_and_says_what_is_left(self):
        answer = self.client("127.0.0.11").get("/payment/1?deny=spam")
        self.assertEqual((answer.status, answer.body), (200, "GET /payment/1?deny=spam\n"))
        self.assertRegex(answer.headers["RateLimit"], r'^"payment-STD";r=2;t=\d+$')
        refused = self.use_up(self.client("127.0.0.12"))
        self.assertEqual(refused.status, 429, refused)
        self.assertEqual(refused.headers["Content-Type"], "application/problem+json")
        self.assertIn(int(refused.headers["Retry-After"]), range(1, 11))
        self.assertEqual(len(self.upstream.requests), 4, "a refused request must not reach the application")

    def test_spoofed_headers_have_no_effect(self):
        client = self.client("127.0.0.13")
        for i in range(4):
            answer = client.get("/payment/1", {
                "X-User-Id": f"u{i}", "X-User-Tier": "PRM", "X-Forwarded-For": f"198.51.100.{i}",
                "X-Real-IP": f"198.51.100.{i}", "X-Forwarded-Uri": "/browse/1", "X-Original-URI": "/browse/1"})
            self.assertEqual(answer.status, 200 if i < 3 else 429, answer)
        for _, _, headers in self.upstream.requests:
            self.assertNotIn("X-User-Id", headers, "nobody was verified")
        self.await_log(4)
        self.assertEqual(self.figures("127.0.0.13")["responses"], 3)

    def test_no_spelling_of_a_path_escapes_its_limit(self):
        client = self.client("127.0.0.36")
        self.assertEqual(self.use_up(client).status, 429)
        for path in ("/#/../payment/1", "/browse/#/../../payment/1", "foo:/payment/1", "http:/payment/1",
                     "//x/payment/1", "/payment%3B{"):
            self.assertEqual(client.get(path).status, 429, path)
        self.assertEqual(client.get("/x#/payment/1").status, 200)

    def test_a_post_with_a_body_is_limited_too(self):
        client = self.client("127.0.0.14")
        statuses = [client.call("POST", "/payment/1", "x" * 50_000).status for _ in range(4)]
        self.assertEqual(statuses, [200, 200, 200, 429])
        self.assertEqual([method for method, _, _ in self.upstream.requests], ["POST"] * 3)

    def test_large_cookies_and_queries_pass(self):
        answer = self.client("127.0.0.15").get("/browse/1?" + "q" * 6000, {"Cookie": "k" * 16_000})
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("RateLimit", answer.headers)

    def test_no_client_makes_its_line_too_long_for_the_log(self):
        host = f"Host: 127.0.0.1:{self.caddy.port}\r\n".encode()
        bad = b"\xff"  # JSON makes six bytes of what is no text
        long = ((b"/status/401", b"Referer: " + b"A" * 70_000), (b"/status/401", b"User-Agent: " + bad * 14_500),
                (b"/status/401", b"X-Pad: " + bad * 14_500), (b"/status/401?" + bad * 7_900, b"X-Pad: " + bad * 7_000),
                (b"/" + bad * 7_900, b"X-Pad: " + bad * 7_000))
        for uri, header in long:
            with socket.create_connection(("127.0.0.1", self.caddy.port), source_address=("127.0.0.20", 0)) as client:
                client.sendall(b"GET " + uri + b" HTTP/1.1\r\n" + host + header + b"\r\n\r\n")
                client.settimeout(PATIENCE)
                self.assertIn(b"\nRatelimit: " if b"status" in uri else b" 200 ", client.recv(10_000))
        self.await_log(len(long))
        self.assertEqual(self.gate.count("tidelimit_requests_observed_total", status_class="4xx"), 4)

    def test_no_spelling_of_the_host_passes_unlogged(self):
        caddy = self.start_caddy("named", site="http://localhost", options="http_port PORT")
        statuses = []
        for host in ("localhost", f"localhost:{caddy.port}", "localhost:1", "LOCALHOST", "localhosT"):
            with HttpClient(caddy.port, "127.0.0.23") as client:
                statuses.append(client.get("/browse/1", {"Host": host}).status)
        self.assertEqual(statuses, [200, 200, 200, 421, 421])
        self.await_log(3)

    def test_no_client_takes_its_verified_name_off(self):
        caddy = self.start_caddy("verified", users={"alice": "pw"})
        verified = {"Authorization": "Basic " + base64.b64encode(b"alice:pw").decode()}
        client = self.client("127.0.0.21", caddy)
        self.assertEqual(self.use_up(client, verified).status, 429)
        for names in ("close, X-User-Id", "x-user-id, x-user-tier, X-Forwarded-Uri", "Upgrade, X-User-Id"):
            self.assertEqual(client.get("/payment/1", {**verified, "Connection": names}).status, 429, names)
            before = len(self.upstream.requests)
            self.assertEqual(client.get("/browse/1", {**verified, "Connection": names}).status, 200, names)
            headers = self.upstream.requests[before][2]
            self.assertEqual(headers.get("X-User-Id"), "alice", names)

    def test_an_upgrade_reaches_the_application(self):
        asked = {"Connection": "keep-alive, upgrade", "Upgrade": "websocket"}
        self.assertEqual(self.client("127.0.0.22").get("/browse/1", asked).status, 200)
        headers = self.upstream.requests[-1][2]
        self.assertEqual((headers["Connection"].lower(), headers["Upgrade"]), ("upgrade", "websocket"))

    def test_an_end_in_the_log_makes_room_for_the_next(self):
        client = self.client("127.0.0.16")
        self.upstream.release.set()
        for i in range(3):
            self.assertEqual(client.get("/held/1", {"X-User-Id": "someone"}).status, 200)
            self.await_log(i + 1)

    def test_what_the_gate_could_not_read_ends_nothing(self):
        self.addCleanup(self.upstream.release.set)
        held = threading.Thread(target=self.client("127.0.0.24").get, args=("/held/1",))
        held.start()
        wait_until(lambda: self.upstream.requests, "the application has it")
        self.assertEqual(self.client("127.0.0.24").get("/held/1", {"X-Pad": "a" * 20_000}).status, 431)
        self.assertEqual(self.client("127.0.0.24").get("/held/1").status, 429)
        self.await_log(1)
        self.upstream.release.set()
        held.join()
        self.await_log(2)
        self.assertEqual(self.client("127.0.0.24").get("/held/1").status, 200)

    def test_fail_open_passes_while_down_and_limits_again_after(self):
        client = self.client("127.0.0.17")
        self.assertEqual(self.use_up(client).status, 429)
        self.gate.stop(signal.SIGKILL)
        answer = client.call("POST", "/payment/1", "x" * 50_000)
        self.assertEqual((answer.status, answer.body), (200, "POST /payment/1\n"))
        self.gate.start()
        self.assertEqual(self.use_up(client).status, 429)
        self.gate.process.send(signal.SIGSTOP)
        wait_until(lambda: client.get("/payment/1").status == 200, "a gate that hangs is down")
        self.gate.process.send(signal.SIGCONT)

    def test_fail_closed_refuses_while_down(self):
        client = self.client("127.0.0.18", self.start_caddy("closed", fail_closed=True))
        self.assertEqual(client.get("/browse/1").status, 200)
        self.await_log(1)
        self.gate.process.send(signal.SIGSTOP)
        refused = wait_until(lambda: (answer := client.get("/browse/1")).status != 200 and answer, "it is down")
        self.assertEqual((refused.status, refused.headers["Retry-After"]), (503, "1"), refused)
        self.gate.process.send(signal.SIGCONT)
        wait_until(lambda: client.get("/browse/1").status == 200, "the gate is asked again")
        self.assertEqual(self.figures("127.0.0.18")["errors"], 0)

    def test_an_application_that_fails_is_asked_once(self):
        answer = self.client("127.0.0.19").get("/status/502")
        self.assertEqual((answer.status, answer.body), (502, "GET /status/502\n"))
        with socket.create_server(("127.0.0.1", 0)) as server:
            caddy = Caddy(self.folder / "failing", self.gate, server.getsockname()[1])
            self.addCleanup(caddy.stop)
            with socket.create_connection(("127.0.0.1", caddy.port), source_address=("127.0.0.19", 0)) as client:
                client.sendall(b"POST /browse/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n")
                server.accept()[0].close()
                client.settimeout(PATIENCE)
                self.assertIn(b" 502 ", client.recv(100))
            server.setblocking(False)
            with self.assertRaises(BlockingIOError):
                server.accept()


if __name__ == "__main__":
    unittest.main()
