"""The load figure `cpu` from elsewhere: pushed, from Debian's Prometheus, from a control group; and what is said when it stops."""

import http.server
import pathlib
import threading
import unittest

from harness import EndToEnd, free_port, wait_until

CONFIG = """
mode: enforce
listen: {{ http: HTTP }}
endpoints:
  - {{ name: browse, match: "/browse/**", priority: low, limits: {{ STD: 100/min }} }}
rules:
  - {{ name: cpu-pressure, when: {{ cpu: 0.8 }}, then: {{ priority: low, scale: 0.25 }} }}
signals: {{ cpu: {source} }}
admin: {{ token_file: var/admin.token }}
"""
GROUP = pathlib.Path("/sys/fs/cgroup")


class Signals(EndToEnd):
    def gate_with(self, source):
        self.gate = self.start_gate(CONFIG.format(source=source))
        return self.gate

    def limit(self):
        limits = self.gate.get("/v1/plan").json["limits"]
        return next(one["effective_per_minute"] for one in limits if one["endpoint"] == "browse")

    def push(self, value, name="cpu", **more):
        return self.gate.call("PUT", f"/v1/signals/{name}", {"value": value}, **more)

    def cpu(self):
        return next((value for (name, _), value in self.gate.metrics().items() if name == "tidelimit_signal"), None)

    def troubles(self):
        return self.gate.client.get("/readyz?verbose").body

    def test_a_pushed_value_moves_limits_and_counts_for_fifteen_seconds(self):
        self.gate_with("pushed")
        self.assertEqual(self.push(0.93, token=False).status, 401)
        self.assertEqual(self.limit(), 100)
        pushed = self.push(0.93)
        self.assertEqual((pushed.status, pushed.json["value"]), (200, 0.93), pushed)
        wait_until(lambda: self.limit() == 25, "the rule on cpu acts")
        self.assertEqual(self.cpu(), 0.93)
        wait_until(lambda: "cpu signal is stale" in self.troubles(), "its age is noticed")
        wait_until(lambda: self.limit() > 25, "the limit relaxes")
        self.assertEqual(self.push(0.1).status, 200)
        wait_until(lambda: "cpu signal is stale" not in self.troubles(), "it is fresh again")

    def test_what_is_no_share_is_refused_with_a_word(self):
        self.gate_with("pushed")
        for value in (1.5, -0.1, "much", None):
            self.assertEqual(self.push(value).status, 400, value)
        self.assertIn("from 0 to 1", self.push(93).json["detail"])
        self.assertEqual(self.push(0.5, name="memory").status, 404)
        self.assertEqual(self.gate.call("PUT", "/v1/signals/cpu", {"value": 0.5, "when": 1}).status, 400)

    def test_a_gate_that_measures_takes_no_pushed_value(self):
        self.gate_with("host")
        refused = self.push(0.93)
        self.assertEqual(refused.status, 409)
        self.assertIn("signals: { cpu: pushed }", refused.json["detail"])

    def test_prometheus_is_asked(self):
        file = self.folder / "asked/prometheus.yml"
        file.parent.mkdir()
        file.write_text("global: {}\n")
        prometheus = self.run_prometheus(file)
        self.gate_with(f'{{ prometheus: "http://127.0.0.1:{prometheus.port}", query: "vector(0.42) or vector(0.93)" }}')
        wait_until(lambda: self.cpu() == 0.42, "the value arrives")
        self.assertEqual(self.limit(), 100)
        self.gate.write(CONFIG.format(source=f'{{ prometheus: "http://127.0.0.1:{prometheus.port}", '
                                             'query: "scalar(vector(0.91))" }'))
        wait_until(lambda: self.limit() == 25, "another query is asked")
        self.gate.write(CONFIG.format(source=f'{{ prometheus: "http://127.0.0.1:{prometheus.port}", query: "nothing)" }}'))
        wait_until(lambda: "parse error" in self.troubles(), "what Prometheus says of the query is shown")

    def test_a_prometheus_that_is_not_there_is_named(self):
        port = free_port()
        self.gate_with(f'{{ prometheus: "http://127.0.0.1:{port}", query: up }}')
        wait_until(lambda: f"127.0.0.1:{port}" in self.troubles(), "the address is named")
        self.assertTrue(self.gate.check()["allowed"])

    def test_another_server_under_the_address_does_no_harm(self):
        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"timestamp":"x","status":404,"error":"Not Found"}'
                self.send_response(404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.gate_with(f'{{ prometheus: "http://127.0.0.1:{server.server_port}", query: up }}')
        wait_until(lambda: "HTTP status 404: Not Found" in self.troubles(), "the answer is told")
        self.assertTrue(self.gate.check()["allowed"])

    @unittest.skipUnless((GROUP / "cpu.stat").exists(), "no control groups of version 2 here")
    def test_a_control_group_is_read(self):
        self.gate_with(f"{{ cgroup: {GROUP} }}")
        wait_until(lambda: self.cpu() is not None, "a value is measured")
        self.assertLessEqual(self.cpu(), 1)

    def test_a_folder_that_is_no_control_group_is_named(self):
        self.gate_with(f"{{ cgroup: {self.folder} }}")
        wait_until(lambda: "has no cpu.stat" in self.troubles(), "it is said what is missing")


if __name__ == "__main__":
    unittest.main()
