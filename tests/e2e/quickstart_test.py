"""`tidelimit quickstart`: the whole story, judged by what the running gate itself says."""

import contextlib
import fcntl
import os
import pathlib
import pty
import re
import signal
import socket
import struct
import tempfile
import termios
import unittest

from harness import BINARY, HttpClient, Process, free_port, run, wait_until


class Quickstart(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tidelimit-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def quickstart(self, *options):
        port = free_port()
        process = Process([BINARY, "quickstart", "--dir", self.folder / "q", "--port", port, *options],
                          self.folder / "log", cwd=self.folder)
        self.addCleanup(process.end)
        client = HttpClient(port)
        self.addCleanup(client.close)
        return process, client

    def test_shows_all_that_it_promises_and_ends_by_itself(self):
        process, client = self.quickstart("--for", "60s")

        def limits():
            plan = client.get("/v1/plan").json
            return {(limit["endpoint"], limit["tier"]): limit for limit in plan["limits"]}

        wait_until(lambda: "why denied" in process.output() or not process.running(), "the gate serves", 200)
        self.assertEqual(limits()["browse", "STD"]["effective_per_minute"], 100)

        browse = wait_until(lambda: (limit := limits()["browse", "STD"])["rule"] and limit, "browse is tightened", 60)
        self.assertAlmostEqual(browse["effective_per_minute"], 50, delta=0.5)
        self.assertEqual(browse["rule"], "shield-payment")
        self.assertIn("forecast of payment", browse["cause"])
        self.assertEqual(limits()["payment", "PRM"]["effective_per_minute"], 300)
        forecasts = {forecast["endpoint"]: forecast for forecast in client.get("/v1/forecasts").json["forecasts"]}
        self.assertEqual(forecasts["payment"]["source"], "lstm")

        token = (self.folder / "q/admin.token").read_text().strip().split(":")[-1]
        blocked = wait_until(lambda: [v for v in client.get(
            "/v1/verdicts", {"Authorization": f"Bearer {token}"}).json["verdicts"]
            if v["client"] == "192.0.2.77" and v["action"] == "block"], "an attacker is blocked", 60)
        self.assertIn("errors", " ".join(blocked[0]["reasons"]))

        wait_until(lambda: not process.running(), "the play is over", 120)
        self.assertEqual(process.end(), 0, process.output())
        self.assertEqual(len(re.findall(r"^  seen ", process.output(), re.M)), 7, process.output())
        self.assertRegex(process.output(), r"/q keeps \d+ MB: traffic, models")
        story = re.findall(r"^  (\d\d):(\d\d):(\d\d)  (.*)$", process.output(), re.M)
        times = [3600 * int(hour) + 60 * int(minute) + int(second) for hour, minute, second, _ in story]
        for before, after in zip(times, times[1:]):
            self.assertLess((after - before) % 86400, 43200, process.output())
        for *_, words in story:
            self.assertNotIn(" 0 % errors", words)
            self.assertFalse("malicious" in words and "only reported" in words, words)

    def refused(self, *options, says):
        refused = run("quickstart", "--port", free_port(), *options, cwd=self.folder)
        self.assertEqual(refused.returncode, 2, refused.stderr)
        self.assertEqual(refused.stdout, "")
        for words in (*says, "--dir"):
            self.assertIn(words, refused.stderr)

    def test_leaves_a_folder_alone_that_is_not_its_own(self):
        gate = self.folder / "gate"
        (gate / "model").mkdir(parents=True)
        files = {name: f"my own {name}" for name in ("tidelimit.yaml", "tidelimit.db", "train.csv", "model/manifest.json")}
        for name, text in files.items():
            (gate / name).write_text(text)
        self.refused("--dir", gate, says=["holds tidelimit.yaml", "left alone"])
        (gate / "tidelimit.yaml").unlink()
        del files["tidelimit.yaml"]
        self.refused("--dir", gate, says=["left alone"])
        self.assertEqual({name: (gate / name).read_text() for name in files}, files)
        self.assertEqual({str(path.relative_to(gate)) for path in gate.rglob("*") if path.is_file()}, set(files))

    def test_says_so_where_another_is_just_starting(self):
        folder = self.folder / "q"
        folder.mkdir()
        (folder / "tidelimit.yaml.tmp-1-1").write_text("half of it")
        with open(folder / "tidelimit.db.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refused("--dir", folder, says=["a quickstart or gate that runs now uses it"])
        self.refused("--dir", folder, says=["holds tidelimit.yaml.tmp-1-1", "left alone"])

    def test_ends_at_once_by_a_signal_and_leaves_nothing_half_written(self):
        folder = self.folder / "q"
        for number in (signal.SIGINT, signal.SIGTERM):
            first, _ = self.quickstart("--for", "60s")
            wait_until(lambda: list(folder.glob("*.csv*.tmp-*")), "traffic is made", 60)
            self.refused("--dir", folder, says=["a quickstart or gate that runs now uses it"])
            self.assertTrue(first.running())
            self.assertTrue(list(folder.glob("*.tmp-*")), "the first one goes on")
            self.assertEqual(first.end(number), -number)
            self.assertEqual({path.name for path in folder.iterdir()}, {"tidelimit.yaml", "tidelimit.db.lock"})
            self.assertNotIn("SEEN", first.output())

        config = folder / "tidelimit.yaml"
        config.write_text(config.read_text().replace("mode: enforce", "mode: shadow"))
        self.refused("--dir", folder, says=["holds tidelimit.yaml", "not as a quickstart leaves it"])
        self.assertIn("mode: shadow", config.read_text())

    def test_keeps_within_a_narrow_terminal_until_ctrl_c(self):
        columns = 20
        pid, terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("4H", 10, columns, 0, 0))
            os.execv(BINARY, [str(BINARY), "quickstart", "--dir", str(self.folder / "q"), "--port", "0"])
        self.addCleanup(os.close, terminal)
        shown = b""
        while shown.count(b"making") < 5:
            shown += os.read(terminal, 4096)
        os.write(terminal, b"\x03")
        with contextlib.suppress(OSError):  # EIO: it has ended
            while more := os.read(terminal, 4096):
                shown += more
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), -signal.SIGINT)
        bars = re.findall(rb"\r\x1b\[K(making[^\r\n^]*)", shown)
        self.assertGreaterEqual(len(bars), 4)
        self.assertLess(max(map(len, bars)), columns, bars)
        self.assertTrue(all(b"%" in bar for bar in bars[:-1]), bars)

    def test_refuses_the_state_of_a_gate_that_runs(self):
        folder = self.folder / "q"
        first, _ = self.quickstart()
        wait_until(lambda: list(folder.glob("*.csv*.tmp-*")), "traffic is made", 60)
        first.end(signal.SIGINT)
        gate = Process([BINARY, "serve", "--config", folder / "tidelimit.yaml"], self.folder / "gate.log")
        self.addCleanup(gate.end)
        wait_until(lambda: "answers on" in gate.output(), "the gate serves")
        before = (folder / "tidelimit.yaml").read_text()
        self.refused("--dir", folder, says=["a quickstart or gate that runs now uses it"])
        self.assertEqual((folder / "tidelimit.yaml").read_text(), before)
        self.assertTrue((folder / "tidelimit.db").exists())

    def test_says_what_is_wrong_with_its_options(self):
        refused = run("quickstart", "--for", "soon", cwd=self.folder)
        self.assertEqual(refused.returncode, 2)
        self.assertIn('--for: "soon" is no duration', refused.stderr)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            refused = run("quickstart", "--dir", self.folder / "q", "--port", port, cwd=self.folder)
        self.assertEqual(refused.returncode, 2)
        self.assertIn(f"port {port} is in use by another process; name another port with --port N (0: any free)", refused.stderr)
        self.assertNotIn("listen", refused.stderr)
        self.assertFalse((self.folder / "q").exists(), "before anything else")
        (self.folder / "file").write_text("in the way")
        refused = run("quickstart", "--dir", self.folder / "file", cwd=self.folder)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("--dir", refused.stderr)


if __name__ == "__main__":
    unittest.main()
