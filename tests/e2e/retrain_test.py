"""The life of a model on a live gate: traffic changes for good, the gate trains anew on what it stored, and an operator
returns to the model before."""

import collections
import csv
import datetime
import json
import os
import re
import sqlite3
import unittest

import harness
from harness import run, wait_until

DAY = datetime.timedelta(days=1)
WINDOW_NS = 900 * 10**9
TRAINED_DAYS, SHIFTED_DAYS = 6, 14  # time enough to learn what a copy of a day can not tell
CONFIG = """\
listen: {{ http: HTTP }}
mode: enforce
endpoints:
{endpoints}
forecast: {{ model: model, retrain: {{ every: 1h, history: 20d }} }}
state: gate.db
admin: {{ token_file: var/admin.token }}
"""
TRAINING = 300  # seconds for one on a busy machine; it takes a few where nothing else runs


class Retraining(harness.EndToEnd):
    def setUp(self):
        super().setUp()
        midnight = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        self.begin = midnight - DAY * (TRAINED_DAYS + SHIFTED_DAYS)
        self.model = self.folder / "gate/model"
        self.log = self.folder / "shop.csv"
        run("generate", "-o", self.log, "--days", TRAINED_DAYS + SHIFTED_DAYS, "--seed", 8, "--scale", 0.2,
            "--start", self.begin.strftime("%Y-%m-%dT%H:%M:%SZ"))
        self.windows = self.count_windows()
        series = self.folder / "series.csv"
        with series.open("w") as out:
            out.write("timestamp,endpoint,requests\n")
            for (start, endpoint), requests in sorted(self.windows.items()):
                if start < self.index_of(self.begin + DAY * TRAINED_DAYS):
                    out.write(f"{start * 900},{endpoint},{requests}\n")
        done = run("train", series, "-o", self.model, "--preset", "baseline", "--epochs", 3)
        self.assertEqual(done.returncode, 0, done.stderr)

    @staticmethod
    def index_of(time):
        return int(time.timestamp()) // 900

    def count_windows(self):
        windows = collections.Counter()
        with self.log.open() as rows:
            for row in csv.DictReader(rows):
                time = datetime.datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00"))
                endpoint = row["path"].split("/")[1].split("?")[0]
                if endpoint in ("payment", "browse", "search"):
                    windows[self.index_of(time), endpoint] += 1
        return windows

    def store_windows(self):
        """As a gate that ran all the time would have: four times the traffic once the model was trained."""
        shift = self.index_of(self.begin + DAY * TRAINED_DAYS)
        with sqlite3.connect(self.folder / "gate/gate.db") as database:
            for start in range(self.index_of(self.begin), self.index_of(self.begin + DAY * (TRAINED_DAYS + SHIFTED_DAYS))):
                for endpoint in ("payment", "browse", "search"):
                    requests = self.windows[start, endpoint] * (4 if start >= shift else 1)
                    database.execute("INSERT OR REPLACE INTO windows VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 1)",
                                     (start * WINDOW_NS, WINDOW_NS, endpoint, requests))
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
        endpoints = "\n".join(f"  - {{ name: {name}, match: '/{name}/**', limits: {{ STD: 100/min }} }}"
                              for name in ("payment", "browse", "search"))
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
        self.assertLess(figures["renewal_mae"], 0.98 * figures["renewal_mae_before"])
        trained = [datetime.datetime.fromisoformat(listed["models"][0][end].replace("Z", "+00:00"))
                   for end in ("trained_from", "trained_until")]
        self.assertEqual(figures["windows"], (trained[1] - trained[0]).total_seconds() / 900)
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
        done = run("train", self.folder / "series.csv", "-o", self.model, "--preset", "baseline", "--epochs", 1)
        self.assertIn("the hold on the model before it has ended", done.stdout)
        self.assertFalse(self.models()["held"])


if __name__ == "__main__":
    unittest.main()
