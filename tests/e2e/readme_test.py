"""The commands of README.md, run as they stand there: every ```sh block, in order, in one shell."""

import contextlib
import os
import re
import shutil
import subprocess
import unittest

from harness import BINARY, SOURCE, EndToEnd, HttpClient, free_port, wait_until

# A test has no minute to spare for two weeks of traffic, and no port of its own.
SMALLER = (("--days 14", "--days 14 --scale 0.1"),)


def blocks(text):
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class ReadmeTest(EndToEnd):
    def run_block(self, block, environment):
        script = self.folder / "block.sh"
        script.write_text("set -euo pipefail\n" + block)
        done = subprocess.run(["bash", script], cwd=self.folder, env=environment, capture_output=True, text=True,
                              timeout=280, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 0, f"{block}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done.stdout

    def test_commands_work_as_written(self):
        offline, live = blocks((SOURCE / "README.md").read_text())
        shutil.copytree(SOURCE / "deploy", self.folder / "deploy")
        http, syslog = free_port(), free_port()
        config = self.folder / "deploy/tidelimit.yaml"
        config.write_text(config.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{http}")
                          .replace("127.0.0.1:5514", f"127.0.0.1:{syslog}"))
        environment = os.environ | {"PATH": f"{BINARY.parent}:{os.environ['PATH']}"}

        for old, new in SMALLER:
            self.assertIn(old, offline)
            offline = offline.replace(old, new)
        self.run_block(offline, environment)
        self.assertTrue((self.folder / "var/model/manifest.json").exists())

        first, *rest = live.splitlines()
        self.assertEqual(first, "tidelimit serve --config tidelimit.yaml &")
        with open(self.folder / "serve.log", "wb") as log:
            gate = subprocess.Popen([BINARY, "serve", "--config", "tidelimit.yaml"], cwd=self.folder, stdout=log,
                                    stderr=log)
        self.addCleanup(gate.wait, 30)
        self.addCleanup(gate.terminate)

        def ready():
            self.assertIsNone(gate.poll(), (self.folder / "serve.log").read_text())
            with contextlib.suppress(OSError), HttpClient(http) as client:
                return client.get("/readyz").status == 200
            return False

        wait_until(ready, "the gate of the README is ready")
        url = f"http://127.0.0.1:{http}"
        # The commands that call the gate find it by its usual address; here by --url.
        script = "\n".join(f"{line} --url {url}" if line.startswith("tidelimit ") else line for line in rest)
        output = self.run_block(script.replace("http://127.0.0.1:8080", url), environment)
        self.assertIn('"allowed":true', output)
        self.assertIn("tidelimit_decisions_total", output)
        self.assertIn("all       enforce", output)

    def test_every_metric_is_explained(self):
        """As the code names them and docs/metrics.md does; a histogram and its parts have one name."""
        sources = "".join(file.read_text() for file in sorted((SOURCE / "src/serve/metrics").rglob("*.cpp")))
        named = set(re.findall(r'"(tidelimit_[a-z0-9_]+)"', sources))
        explained = set(re.findall(r"`(tidelimit_[a-z0-9_]+)`", (SOURCE / "docs/metrics.md").read_text()))
        self.assertGreater(len(named), 40)
        self.assertEqual(named - explained, set(), "in no document")
        self.assertEqual(explained - named, set(), "in no code")

    def test_files_that_it_names_exist(self):
        for document in (SOURCE / "README.md", *sorted((SOURCE / "docs").rglob("*.md")),
                         *sorted((SOURCE / "deploy").rglob("*.md"))):
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
                self.assertTrue((document.parent / target).exists(), f"{document}: {target}")


if __name__ == "__main__":
    unittest.main()
