"""`tidelimit quickstart`: the whole story, judged by what the running gate itself says."""

import pathlib
import re
import socket
import tempfile
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
        story = re.findall(r"^  (\d\d):(\d\d):(\d\d)  (.*)$", process.output(), re.M)
        times = [3600 * int(hour) + 60 * int(minute) + int(second) for hour, minute, second, _ in story]
        for before, after in zip(times, times[1:]):
            self.assertLess((after - before) % 86400, 43200, process.output())
        for *_, words in story:
            self.assertNotIn(" 0 % errors", words)
            self.assertFalse("malicious" in words and "only reported" in words, words)

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
