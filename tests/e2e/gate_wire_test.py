"""What comes in over the wire: bytes of strangers, and log lines by syslog."""

import socket
import unittest

from harness import EndToEnd, wait_until
from serving import CONFIG, Serving


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

    def test_lines_as_gateways_write_them_by_default(self):
        """HAProxy logs by syslog alone; its time is of its own zone, which it does not name."""
        clients = ["203.0.113.1", "203.0.113.2"]
        for client in clients:
            self.gate.client.call("POST", "/v1/check", {"client_ip": client, "method": "GET", "path": "/browse/1"})
        rest = '0/0/1/2/3 502 512 - - ---- 1/1/0/0/0 0/0 "GET /browse/1 HTTP/1.1"'
        self.send(f"<134>Nov 24 10:00:00 haproxy[7]: 203.0.113.1:51234 [24/Nov/2010:10:00:00.123] web shop/s1 {rest}")
        self.send('<134>1 2026-11-24T10:00:00Z edge envoy 7 - - [2026-11-24T10:00:00.123Z] "GET /browse/2 HTTP/2" 503 UF '
                  '12 91 25 - "203.0.113.2" "curl/8" "6e0d" "shop.example" "10.0.0.1:80"')
        messages = "tidelimit_syslog_messages_total"
        wait_until(lambda: self.gate.count(messages) == 2, "both came")
        self.assertEqual(self.gate.count(messages, result="taken"), 2)
        self.assertEqual(self.gate.count("tidelimit_requests_observed_total", endpoint="browse", status_class="5xx"), 2)
        for client in clients:
            seen = wait_until(lambda: self.gate.get(f"/v1/clients/{client}").json.get("last_five_minutes"), client)
            self.assertEqual(seen["errors"], 1, client)

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


if __name__ == "__main__":
    unittest.main()
