"""How the real binary starts, and what keeps it from that."""

import contextlib
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest

from harness import BINARY, HttpClient, free_port, run, wait_until


class StartTest(unittest.TestCase):
    """What keeps it from starting gives status 2, and a sentence that names the place and the mend."""

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
