"""The life of a model on a live gate: traffic changes for good, the gate trains anew on what it stored, and an operator
returns to the model before."""

import datetime
import json
import os
import re
import sqlite3
import unittest

import harness
from harness import run, wait_until

# Steady, and then by turns: what was 8 hours ago comes not now, nor what was a day or a week ago, so no simple rule foresees
# it, and a network that looks back on two windows learns it in moments.
WINDOW = datetime.timedelta(hours=8)
STEADY, BY_TURNS = 60, 120  # windows
SHAPE = ("--window", "8h", "--history", "16h", "--horizon", "8h")
LEVELS = {"payment": 500, "browse": 2000, "search": 800}
CONFIG = """\
listen: {{ http: HTTP }}
mode: enforce
endpoints:
{endpoints}
forecast: {{ model: model, window: 8h, history: 16h, horizon: 8h, retrain: {{ every: 1h, history: 60d }} }}
state: gate.db
admin: {{ token_file: var/admin.token }}
"""
TRAINING = 300  # seconds for one on a busy machine, whose training runs when nothing else does; its work is of a few


class Retraining(harness.EndToEnd):
    def setUp(self):
        super().setUp()
        self.model = self.folder / "gate/model"
        newest = int(datetime.datetime.now().timestamp() // WINDOW.total_seconds())
        begin = newest - STEADY - BY_TURNS
        self.windows = {(start, endpoint): self.requests(endpoint, start - begin)
                        for start in range(begin, newest) for endpoint in LEVELS}
        series = self.folder / "series.csv"
        with series.open("w") as out:
            out.write("timestamp,endpoint,requests\n")
            for (start, endpoint), requests in self.windows.items():
                if start < begin + STEADY:
                    out.write(f"{start * WINDOW.total_seconds():.0f},{endpoint},{requests}\n")
        self.train("--epochs", 3)

    @staticmethod
    def requests(endpoint, window):
        usual = LEVELS[endpoint] + window * 7 % 11  # no two alike
        if window < STEADY:
            return usual
        return usual * 2 if window % 2 == 0 else usual // 4

    def train(self, *more):
        done = run("train", self.folder / "series.csv", "-o", self.model, "--preset", "baseline", *SHAPE, *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def store_windows(self):
        """As a gate that ran all the time would have."""
        step = int(WINDOW.total_seconds()) * 10**9
        with sqlite3.connect(self.folder / "gate/gate.db") as database:
            database.executemany("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 1)",
                                 [(start * step, step, endpoint, requests)
                                  for (start, endpoint), requests in self.windows.items()])
        database.close()

    def start(self, gate):
        # A model that stands there for a day: training is due at the first look.
        manifest = self.model / "manifest.json"
        yesterday = manifest.stat().st_mtime - 86400
        os.utime(manifest, (yesterday, yesterday))
        gate.start()

    def in_force(self, gate):
        found = re.search(r'tidelimit_model_info\{model="traffic",version="([^"]+)"\} 1', gate.client.get("/metrics").body)
        return found and found.group(1)

    def models(self, *more):
        done = run("models", "--model", self.model, "--json", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def return_by_http(self, gate, listed, old, new):
        answer = gate.get("/v1/models", token=False).json
        self.assertRegex(answer.pop("next_retraining"), r"^20..-..-..T..:..:..Z$", "an hour after the last")
        self.assertIsNone(answer.pop("retraining_since"), "none runs")
        self.assertEqual(answer, listed)
        self.assertEqual(gate.call("PUT", "/v1/models", {"return_to": old}, token=False).status, 401)
        for wrong in ({}, {"return_to": 7}, {"return_to": old, "release": True}, {"release": False}):
            self.assertEqual(gate.call("PUT", "/v1/models", wrong).status, 400, wrong)
        missing = gate.call("PUT", "/v1/models", {"return_to": "20200101T000000Z-00000000"})
        self.assertEqual(missing.status, 404)
        self.assertIn(old, missing.body)
        returned = gate.call("PUT", "/v1/models", {"return_to": old}).json
        self.assertTrue(returned["held"])
        self.assertIsNone(returned["next_retraining"])
        self.assertEqual([model["version"] for model in returned["models"] if model["in_force"]], [old])
        wait_until(lambda: self.in_force(gate) == old, "the model before is in force")
        gate.call("PUT", "/v1/models", {"return_to": new})
        wait_until(lambda: self.in_force(gate) == new, "the new one again")
        self.assertFalse(gate.call("PUT", "/v1/models", {"release": True}).json["held"])

    def test_a_shift_is_learnt_and_taken_back_by_hand(self):
        endpoints = "\n".join(f"  - {{ name: {name}, match: '/{name}/**', limits: {{ STD: 100/min }} }}" for name in LEVELS)
        gate = self.start_gate(CONFIG.format(endpoints=endpoints))
        old = self.in_force(gate)
        gate.stop()
        self.store_windows()
        self.start(gate)
        wait_until(lambda: gate.count("tidelimit_retrainings_total", result="taken") == 1, "a new model takes over", TRAINING)
        new = wait_until(lambda: self.in_force(gate) not in (None, old) and self.in_force(gate), "it is in force")
        listed = self.models()
        self.assertEqual([(model["version"], model["in_force"]) for model in listed["models"]], [(new, True), (old, False)])
        self.assertEqual(json.loads((self.model / "manifest.json").read_text())["preset"], "baseline", "as before")
        figures = listed["models"][0]["figures"]
        self.assertLess(figures["renewal_mae"], 0.5 * figures["renewal_mae_before"])
        trained = [datetime.datetime.fromisoformat(listed["models"][0][end].replace("Z", "+00:00"))
                   for end in ("trained_from", "trained_until")]
        self.assertEqual(figures["windows"], (trained[1] - trained[0]) / WINDOW)
        self.assertFalse(listed["held"])
        self.return_by_http(gate, listed, old, new)

        self.assertTrue(self.models("--return-to", old)["held"])
        wait_until(lambda: self.in_force(gate) == old, "the model before is in force")
        gate.stop()
        self.start(gate)
        self.assertEqual(self.in_force(gate), old, "over a restart")
        # Due by the clock, and held by hand.
        wait_until(lambda: gate.count("tidelimit_control_plane_last_success_timestamp_seconds", stage="plan"), "it runs")
        with self.assertRaises(AssertionError):
            wait_until(lambda: self.in_force(gate) != old, "nothing replaces it", 15)
        self.assertEqual(sum(gate.count("tidelimit_retrainings_total", result=result)
                             for result in ("taken", "kept", "failed")), 0)
        refused = run("models", "--model", self.model, "--return-to", "20200101T000000Z-00000000")
        self.assertEqual(refused.returncode, 2)
        self.assertIn(new, refused.stderr)
        # A model that is trained by hand is no longer the one that was held.
        self.assertTrue(self.models()["held"])
        self.assertIn("the hold on the model before it has ended", self.train("--epochs", 1).stdout)
        self.assertFalse(self.models()["held"])


if __name__ == "__main__":
    unittest.main()
