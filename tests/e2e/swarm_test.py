"""An attack that is spread over the addresses of one prefix, each too slow to be seen, through train, replay, evaluate and explain."""

import json
import pathlib
import random
import subprocess
import tempfile
import unittest

from harness import BINARY

HOUR = 3600
BEGIN = 1_795_003_200
ATTACK = BEGIN + 5 * HOUR
END = ATTACK + 2 * HOUR
CUSTOMERS = [f"198.51.{i}.7" for i in range(40)]
SWARM = [f"203.0.113.{i}" for i in range(1, 201)]
NEIGHBOUR = "203.0.113.250"  # a customer, too

CONFIG = """
mode: enforce
endpoints:
  - {{ name: login, match: "/login", limits: {{ STD: 100/min }} }}
  - {{ name: browse, match: "/browse/**", limits: {{ STD: 100/min }} }}
anomaly: {{ model: {model}, max_new_verdicts: 5/h }}
rules:
  - {{ name: attacker, when: {{ verdict: malicious }}, then: {{ action: block, for: 15m }} }}
"""


def run(*arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def arrivals(draw, begin, end, every):
    at = begin + draw.random() * every
    while at < end:
        yield at
        at += draw.expovariate(1 / every)


def traffic():
    draw = random.Random(4)
    rows = []
    for client in [*CUSTOMERS, NEIGHBOUR]:
        for at in arrivals(draw, BEGIN, END, 60):
            for path in draw.choices(["/browse/1", "/browse/2", "/browse/3", "/login"], k=draw.randrange(1, 5)):
                rows.append((at, client, path, 401 if draw.random() < 0.02 else 200))
    for client in SWARM:
        rows += [(at, client, "/login", 401) for at in arrivals(draw, ATTACK, END, 180)]
    return sorted(rows)


def setUpModule():
    Swarm.make()


def tearDownModule():
    Swarm.scratch.cleanup()


class Swarm(unittest.TestCase):
    @classmethod
    def make(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        folder = pathlib.Path(cls.scratch.name)
        rows = traffic()
        cls.tries = sum(client in SWARM for _, client, _, _ in rows)

        def write(name, those):
            lines = [f"{at:.2f},{client},{path},{status}" for at, client, path, status in those]
            (folder / name).write_text("\n".join(["timestamp,client_ip,path,status", *lines]) + "\n")
            return folder / name

        past = write("past.csv", [row for row in rows if row[0] < BEGIN + 4 * HOUR])
        cls.log = write("log.csv", rows)
        cls.labels = folder / "labels.csv"
        known = [f"{client},1" for client in SWARM] + [f"{client},0" for client in [*CUSTOMERS, NEIGHBOUR]]
        cls.labels.write_text("\n".join(["client_ip,label", *known]) + "\n")
        cls.model = folder / "model"
        run("train", past, "-o", cls.model, "--no-forecast")
        cls.config = folder / "swarm.yaml"
        cls.config.write_text(CONFIG.format(model=cls.model))

    def test_replay_blocks_most_tries_and_no_customer(self):
        report = json.loads(run("replay", self.log, "--config", self.config, "--json"))
        self.assertGreater(report["denied"], 0.6 * self.tries)
        self.assertEqual({verdict["client"] for verdict in report["verdicts"]}, set(SWARM))
        words = report["verdicts"][0]["reasons"][0]
        self.assertRegex(words, r"^one of about \d+ clients of 203\.0\.113\.0/24 of which \d+ % nearly only failed")

    def test_evaluate_flags_them_all(self):
        found = json.loads(
            run("evaluate", self.log, "--model", self.model, "--config", self.config, "--labels", self.labels, "--json")
        )["anomaly"]
        self.assertEqual(found["flagged"], len(SWARM))
        self.assertEqual((found["precision"], found["recall"]), (1, 1))

    def test_explain_says_why(self):
        told = run("explain", self.log, "--model", self.model, "--config", self.config, "--client", SWARM[76])
        self.assertIn("clients of 203.0.113.0/24 of which", told)
        self.assertNotIn("203.0.113.0/24", run("explain", self.log, "--model", self.model, "--client", NEIGHBOUR))


if __name__ == "__main__":
    unittest.main()
