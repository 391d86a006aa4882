"""generate, train and evaluate as one uses them: the real binary, a fortnight of small traffic, and bad input."""

import csv
import datetime
import gzip
import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import BINARY, SOURCE, wait_until

CUT = "2026-01-15T00:00:00"  # ten days to learn from, two to be judged on


def tidelimit(*arguments, stdin=None):
    return subprocess.run(
        [BINARY, *map(str, arguments)], capture_output=True, text=True, input=stdin, check=False, timeout=240
    )


def digest(folder):
    """Of every file below."""
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def setUpModule():
    Offline.make()


def tearDownModule():
    Offline.scratch.cleanup()


class Offline(unittest.TestCase):
    """Twelve days of traffic, and a bundle trained on the first ten."""

    @classmethod
    def make(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.scratch.name)
        cls.traffic = cls.folder / "traffic.csv"
        cls.labels = cls.folder / "labels.csv"
        cls.rates = cls.folder / "rates.csv"
        made = tidelimit(
            "generate", "-o", cls.traffic, "--days", 12, "--labels", cls.labels, "--rates", cls.rates
        )
        assert made.returncode == 0, made.stderr
        cls.past = cls.folder / "past.csv"
        with open(cls.traffic, encoding="utf-8") as whole, open(cls.past, "w", encoding="utf-8") as past:
            past.write(next(whole))
            past.writelines(line for line in whole if line < CUT)
        cls.bundle = cls.folder / "bundle"
        cls.trained = tidelimit("train", cls.past, "-o", cls.bundle, "--epochs", 6)
        assert cls.trained.returncode == 0, cls.trained.stderr

    def assert_refused(self, answer, *words, status=2):
        self.assertEqual(answer.returncode, status, answer.stderr)
        self.assertEqual(answer.stdout, "")
        for word in words:
            self.assertIn(word, answer.stderr)

    def evaluate(self, *arguments):
        answer = tidelimit("evaluate", *arguments, "--json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        return json.loads(answer.stdout)


class Generate(Offline):
    def test_equal_seeds_give_equal_bytes_compressed_or_not(self):
        plain = tidelimit("generate", "-o", "-", "--days", 0.2, "--seed", 3)
        self.assertEqual(plain.returncode, 0, plain.stderr)
        packed = self.folder / "again.csv.gz"
        self.assertEqual(tidelimit("generate", "-o", packed, "--days", 0.2, "--seed", 3).returncode, 0)
        self.assertEqual(gzip.open(packed, "rt").read(), plain.stdout)
        other = tidelimit("generate", "-o", "-", "--days", 0.2, "--seed", 4)
        self.assertNotEqual(other.stdout, plain.stdout)

    def test_labels_name_every_client_once(self):
        with open(self.labels, encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len({row["client_ip"] for row in rows}), len(rows))
        bad = {row["kind"] for row in rows if row["label"] == "1"}
        self.assertEqual(len(bad), 6)
        self.assertGreaterEqual(len({row["kind"] for row in rows if row["label"] == "0"}), 6)

    def test_bad_options_are_named_and_nothing_is_left_behind(self):
        before = sorted(os.listdir(self.folder))
        place = self.folder / "x.csv"
        self.assert_refused(tidelimit("generate", "-o", place, "--days", 0), "days must be")
        self.assert_refused(tidelimit("generate", "-o", place, "--start", "soon"), "--start", "soon")
        self.assert_refused(tidelimit("generate", "-o", place, "--scale", "big"), "--scale")
        self.assert_refused(tidelimit("generate", "-o", place, "--labels", place), "two different outputs")
        for other_name in (f"{self.folder}/../{self.folder.name}/x.csv", os.path.relpath(place)):
            self.assert_refused(tidelimit("generate", "-o", place, "--rates", other_name), "two different outputs")
        late = ("--start", "2199-12-31T00:00:00Z", "--days", 1.5, "--scale", 0.001)
        self.assert_refused(tidelimit("generate", "-o", place, *late), "days must be at most 1 from that start")
        self.assert_refused(tidelimit("generate", "-o", place, "--start", "2200-01-01"), "start must be before 2200")
        self.assert_refused(tidelimit("generate", "-o", self.folder / "no" / "x.csv"), "no/x.csv")
        self.assert_refused(tidelimit("generate", "-o", self.folder), "is a folder")
        self.assertEqual(sorted(os.listdir(self.folder)), before)


    def test_a_signal_ends_it_at_once_and_nothing_half_written_stays(self):
        before = sorted(os.listdir(self.folder))
        files = ("-o", self.folder / "x.csv.zst", "--labels", self.folder / "x-labels.csv", "--rates", self.folder / "x-rates.csv")
        command = [BINARY, "generate", *map(str, files), "--days", "3000"]
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with subprocess.Popen(command, stderr=subprocess.PIPE) as run:
                wait_until(lambda: len(list(self.folder.glob("x*.tmp-*"))) == 3, "all three are begun")
                run.send_signal(number)
                self.assertEqual(run.wait(30), -number)
                self.assertEqual(run.stderr.read(), b"")
            self.assertEqual(sorted(os.listdir(self.folder)), before)
        # Whoever started it had it ignore the closed terminal, as nohup does.
        ignoring = [sys.executable, "-c", "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
                                          "os.execv(sys.argv[1], sys.argv[1:])", *command]
        with subprocess.Popen(ignoring, stderr=subprocess.PIPE) as run:
            wait_until(lambda: len(list(self.folder.glob("x*.tmp-*"))) == 3, "all three are begun")
            run.send_signal(signal.SIGHUP)
            time.sleep(0.2)
            self.assertIsNone(run.poll())
            run.terminate()
            self.assertEqual(run.wait(30), -signal.SIGTERM)
        self.assertEqual(sorted(os.listdir(self.folder)), before)


class Train(Offline):
    def test_says_what_it_learnt_and_writes_a_whole_bundle(self):
        self.assertIn("preset best", self.trained.stdout)
        self.assertIn("epoch 1/6  loss", self.trained.stderr)
        self.assertEqual(
            sorted(os.listdir(self.bundle)), ["anomaly.onnx", "manifest.json", "traffic.onnx"]
        )
        manifest = json.loads((self.bundle / "manifest.json").read_text())
        self.assertIn("2026-01-15T00:00:00Z", json.dumps(manifest))

    def test_equal_input_gives_equal_bundles(self):
        again = self.folder / "again"
        answer = tidelimit("train", self.past, "-o", again, "--epochs", 6, "--threads", 1)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(digest(again), digest(self.bundle))

    def test_ready_windows_train_the_forecast_alone(self):
        place = self.folder / "windows"
        answer = tidelimit("train", self.rates, "-o", place, "--preset", "baseline", "--epochs", 2)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("only the forecast is trained", answer.stderr)
        self.assertEqual(sorted(os.listdir(place)), ["manifest.json", "traffic.onnx"])

    def test_windows_that_are_added_up_are_said(self):
        place = self.folder / "hours"
        answer = tidelimit("train", self.rates, "-o", place, "--window", "1h", "--epochs", 1, "--preset", "baseline")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("the rows are 15m apart and are added up to windows of 1h", answer.stderr)

    def windows(self, name, step, lacking=()):
        """A fortnight of two endpoints; `lacking` of b's windows have no row."""
        path = self.folder / name
        with open(path, "w", encoding="utf-8") as file:
            file.write("timestamp,endpoint,requests\n")
            for i in range(14 * 1440 // step):
                time, requests = 1767225600 + 60 * step * i, 100 + i % 50
                file.write(f"{time},a,{requests}\n")
                if i not in lacking:
                    file.write(f"{time},b,{requests}\n")
        return path

    def test_windows_without_a_row_are_gaps_of_their_endpoint(self):
        windows = self.windows("lacking.csv", 15, range(480, 576))
        found = tidelimit("inspect", windows, "--json")
        endpoints = json.loads(found.stdout)["endpoints"]
        self.assertEqual([endpoints[name]["gaps"] for name in "ab"], [0, 96])
        self.assertAlmostEqual(endpoints["b"]["mean"], endpoints["a"]["mean"], delta=1)
        trained = tidelimit("train", windows, "-o", self.folder / "lacking", "--preset", "baseline", "--epochs", 1)
        self.assertEqual(trained.returncode, 0, trained.stderr)
        for said in (found.stderr, trained.stderr, tidelimit("inspect", windows).stdout):
            self.assertIn("count as gaps, not as no requests: b 96 of 1344;", said)

    def test_rows_far_off_are_left_out_and_named(self):
        windows = self.windows("far.csv", 15)
        with open(windows, "a", encoding="utf-8") as file:
            file.write("2099-01-01T00:00:00Z,a,5\n")
        said = "note: 1 window lies more than 35 days from all others, the first at 2099-01-01T00:00:00Z: left out"
        bundle = self.folder / "far"
        trained = tidelimit("train", windows, "-o", bundle, "--preset", "baseline", "--epochs", 1)
        self.assertEqual(trained.returncode, 0, trained.stderr)
        self.assertIn(said, trained.stderr)
        self.assertIn("to 2026-01-15T00:00:00Z", trained.stdout)

    def test_an_endpoint_without_requests_is_named(self):
        windows = self.windows("silent.csv", 15)
        with open(windows, "a", encoding="utf-8") as file:
            file.writelines(f"{1767225600 + 900 * i},silent,0\n" for i in range(14 * 96))
        trained = tidelimit("train", windows, "-o", self.folder / "silent", "--preset", "baseline", "--epochs", 1)
        self.assertEqual(trained.returncode, 0, trained.stderr)
        self.assertIn("note: no window of silent has a request: nothing is learnt of it", trained.stderr)

    def test_rows_that_do_not_add_up_are_refused_with_what_does(self):
        place = self.folder / "none"
        for step, window in ((10, "20m"), (30, "30m"), (120, "2h --horizon 2h")):
            windows = self.windows("step.csv", step)
            self.assert_refused(tidelimit("train", windows, "-o", place), f"say --window {window}\n")
            self.assert_refused(
                tidelimit("evaluate", windows, "--model", self.bundle),
                f"take a bundle that was trained with --window {window}\n",
            )
            done = tidelimit("train", windows, "-o", self.folder / "step", "--preset", "baseline", "--epochs", 1,
                             "--window", *window.split())
            self.assertEqual(done.returncode, 0, done.stderr)
        odd = self.windows("step.csv", 7)
        self.assert_refused(tidelimit("train", odd, "-o", place), "7m apart", "no window that divides a day is a multiple")

    def test_a_log_too_short_for_a_forecast_may_train_the_detector_alone(self):
        short = self.folder / "short.csv"
        with open(self.traffic, encoding="utf-8") as whole:
            short.write_text("".join(line for _, line in zip(range(9000), whole)))
        place = self.folder / "detector"
        refused = tidelimit("train", short, "-o", place)
        self.assert_refused(refused, "history too short", "--no-forecast")
        self.assertFalse(place.exists())
        answer = tidelimit("train", short, "-o", place, "--no-forecast")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("forecast   none", answer.stdout)
        self.assertEqual(sorted(os.listdir(place)), ["anomaly.onnx", "manifest.json"])
        self.assertEqual(json.loads((place / "manifest.json").read_text())["preset"], "none: no forecast")
        found = self.evaluate(self.traffic, "--model", place, "--labels", self.labels)
        self.assertEqual(found["forecast"]["endpoints"], {})
        self.assertGreater(found["anomaly"]["flagged"], 0)
        self.assertIn("holds no forecast", tidelimit("evaluate", self.traffic, "--model", place).stdout)
        self.assert_refused(tidelimit("evaluate", self.rates, "--model", place), "holds no forecast to evaluate")
        shop = self.folder / "detector.yaml"
        shop.write_text(
            f'endpoints: [ {{ name: browse, match: "/browse/**" }} ]\n'
            f"forecast: {{ model: {place} }}\nanomaly: {{ model: {place} }}\n"
        )
        answer = tidelimit("replay", self.traffic, "--config", shop, "--json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        replayed = json.loads(answer.stdout)
        self.assertGreater(len(replayed["verdicts"]), 0)
        self.assertIn("no forecast model", " ".join(replayed["notes"]))
        client = replayed["verdicts"][0]["client"]
        answer = tidelimit("explain", self.traffic, "--model", place, "--client", client, "--json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        for command in (["check-config", shop], ["models", "--model", place]):
            answer = tidelimit(*command)
            self.assertEqual(answer.returncode, 0, answer.stderr)

    def test_models_named_beside_a_configuration_are_held_against_its_windows(self):
        shop = self.folder / "half.yaml"
        shop.write_text('endpoints: [ { name: browse, match: "/browse/**" } ]\nforecast: { window: 30m }\n')
        answer = tidelimit("models", "--model", self.bundle, "--config", shop)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("in force; not used: it is for window 15m, history 24h, horizon 1h", answer.stdout)
        self.assertNotIn("not used", tidelimit("models", "--model", self.bundle).stdout)

    def test_bad_input_is_named_and_nothing_is_left_behind(self):
        place = self.folder / "none"
        empty = self.folder / "empty.csv"
        empty.write_text("")
        few = self.folder / "few.csv"
        with open(self.traffic, encoding="utf-8") as whole:
            few.write_text("".join(line for _, line in zip(range(20), whole)))
        garbage = self.folder / "garbage.csv"
        garbage.write_text("timestamp,client_ip,path\nno,line,here\nnor,one,there\n")
        before = sorted(os.listdir(self.folder))
        self.assert_refused(tidelimit("train", few, "-o", place), "client-minutes")
        self.assert_refused(tidelimit("train", empty, "-o", place), "empty")
        self.assert_refused(tidelimit("train", garbage, "-o", place), "no readable line")
        self.assert_refused(tidelimit("train", self.folder / "nil.csv", "-o", place), "nil.csv")
        self.assert_refused(tidelimit("train", self.past, "-o", place, "--preset", "grand"), "--preset")
        self.assert_refused(tidelimit("train", self.past, "-o", place, "--window", "7m"), "--window 7m", "15m, 30m, 1h or 1d")
        self.assert_refused(tidelimit("train", self.past, "-o", place, "--horizon", "soon"), "--horizon")
        self.assert_refused(tidelimit("train", self.past, "-o", self.folder), "bundle")
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    def test_windows_other_than_the_bundles_are_refused_by_name(self):
        shop = self.folder / "shop.yaml"
        shop.write_text('endpoints: [ { name: browse, match: "/browse/**" } ]\nforecast: { window: 30m }\n')
        for command in (
            ("evaluate", self.traffic, "--model", self.bundle, "--window", "30m"),
            ("replay", self.traffic, "--model", self.bundle, "--config", shop),
            ("replay", self.traffic, "--model", self.bundle, "--config", shop, "--window", "15m", "--horizon", "2h"),
        ):
            self.assert_refused(
                tidelimit(*command), str(self.bundle), "trained with --window 15m --history 24h --horizon 1h", "train a bundle"
            )
        self.assert_refused(tidelimit("replay", self.traffic, "--config", shop, "--window", "7m"), "--window 7m")
        answer = tidelimit("replay", self.traffic, "--model", self.bundle, "--config", shop, "--window", "15m", "--json")
        self.assertEqual(answer.returncode, 0, answer.stderr)

    def test_an_unwritable_place_is_told_before_the_work(self):
        answer = tidelimit("train", self.past, "-o", "/proc/bundle")
        self.assertNotEqual(answer.returncode, 0)
        self.assertIn("/proc/bundle", answer.stderr)
        self.assertNotIn("epoch", answer.stderr)
        self.assert_refused(tidelimit("train", self.past, "-o", ""), "--output: is empty")

    def test_damaged_models_are_listed_as_that(self):
        place = self.folder / "twice_trained"
        for seed in (1, 2):
            done = tidelimit("train", self.rates, "-o", place, "--preset", "baseline", "--epochs", 1, "--seed", seed)
            self.assertEqual(done.returncode, 0, done.stderr)
        kept = next(self.folder.glob("twice_trained.past/*/traffic.onnx"))
        for broken, statuses in ((kept, (False, True)), (place / "traffic.onnx", (True, True))):
            with open(broken, "a", encoding="utf-8") as model:
                model.write("x")
            listed = tidelimit("models", "--model", place, "--json")
            models = json.loads(listed.stdout)["models"]
            self.assertEqual([model["in_force"] for model in models], [True, False])
            self.assertEqual(tuple(model["damaged"] is not None for model in models), statuses)
            self.assertEqual(models[1]["version"], kept.parent.name)
            self.assertEqual(listed.returncode, 1 if statuses[0] else 0)
            self.assertEqual("the model in force is damaged" in listed.stderr, statuses[0])
            self.assertIn("damaged: ", tidelimit("models", "--model", place).stdout)

    def test_an_empty_value_is_refused_in_either_form(self):
        for command in (
            ["models", "--model", self.bundle, "--return-to", ""],
            ["models", "--model", self.bundle, "--return-to="],
            ["configs", "--return-to", ""],
            ["evaluate", self.traffic, "--model", self.bundle, "--labels", ""],
        ):
            self.assert_refused(tidelimit(*command), "--return-to" if "--labels" not in command else "--labels: is empty")

    def test_standard_input_is_read_twice(self):
        place = self.folder / "piped"
        answer = tidelimit(
            "train", "-", "-o", place, "--epochs", 6, stdin=self.past.read_text(encoding="utf-8")
        )
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertEqual(digest(place), digest(self.bundle))


class Evaluate(Offline):
    def test_scores_forecasts_after_the_training_range_and_clients(self):
        result = self.evaluate(
            self.traffic, "--model", self.bundle, "--labels", self.labels, "--rates", self.rates
        )
        forecast = result["forecast"]
        self.assertEqual(
            set(forecast["endpoints"]), {"payment", "browse", "search", "login", "account"}
        )
        for endpoint in forecast["endpoints"].values():
            # Two days of quarters, but for the last three horizons, which end after the data.
            self.assertEqual(endpoint["n"], 2 * 96 - 3)
            self.assertLess(endpoint["mae"], endpoint["last_value_mae"])
            self.assertGreater(endpoint["coverage_90"], 0.6)
            self.assertGreater(endpoint["coverage_90"], endpoint["coverage_80"])
            self.assertEqual(sum(endpoint["sources"].values()), endpoint["n"])
            self.assertEqual(endpoint["sources"]["lstm"], endpoint["n"] - endpoint["guarded"] - endpoint["fallbacks"])
        maes = [endpoint["mae"] for endpoint in forecast["endpoints"].values()]
        self.assertAlmostEqual(forecast["mae"], sum(maes) / len(maes))
        self.assertLess(forecast["floors"]["oracle_mae"], forecast["floors"]["causal_mae"])
        self.assertLess(forecast["floors"]["causal_mae"], forecast["mae"])
        anomaly = result["anomaly"]
        self.assertGreater(anomaly["precision"], 0.95)
        self.assertGreater(anomaly["recall"], 0.85)
        self.assertGreater(anomaly["auroc"], 0.99)
        with open(self.labels, encoding="utf-8") as file:
            self.assertAlmostEqual(anomaly["clients"], sum(1 for _ in file) - 1, delta=40)

    def test_of_the_training_range_only_clients_are_judged_and_without_labels_nobody_knows_how_well(self):
        result = self.evaluate(self.past, "--model", self.bundle)
        self.assertEqual(result["forecast"], {"mae": None, "endpoints": {}})
        anomaly = result["anomaly"]
        self.assertIsNone(anomaly["precision"])
        self.assertIsNone(anomaly["malicious_only"]["recall"])
        self.assertGreater(anomaly["flagged"], 0)

    def test_ready_windows_are_scored_too(self):
        result = self.evaluate(self.rates, "--model", self.bundle)
        self.assertLess(result["forecast"]["mae"], 25)
        self.assertIsNone(result["anomaly"]["precision"])
        self.assertEqual(self.evaluate(self.rates, self.rates, "--model", self.bundle), result)

    def test_options_that_ready_windows_have_no_use_for_are_named(self):
        arguments = [self.rates, "--model", self.bundle, "--labels", self.labels, "--config", self.folder / "none.yaml"]
        answer = tidelimit("evaluate", *arguments)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        for option in ("--labels", "--config"):
            self.assertIn(f"note: {option} changes nothing: ready windows name their endpoints and no clients", answer.stderr)

    def test_endpoints_that_the_bundle_does_not_know_are_named(self):
        one = self.folder / "one.csv"
        with open(self.rates, encoding="utf-8") as rates, open(one, "w", encoding="utf-8") as file:
            file.writelines(row for row in rates if ",browse," in row and row < CUT or row.startswith("timestamp"))
        bundle = self.folder / "one"
        done = tidelimit("train", one, "-o", bundle, "--preset", "baseline", "--epochs", 1)
        self.assertEqual(done.returncode, 0, done.stderr)
        answer = tidelimit("evaluate", self.rates, "--model", bundle, "--json")
        self.assertEqual(list(json.loads(answer.stdout)["forecast"]["endpoints"]), ["browse"])
        self.assertRegex(answer.stderr, "bundle was not trained on them: (?=.*account)(?=.*login)(?=.*payment).*search")

    def test_references_are_scored_where_their_past_was_observed(self):
        gap = self.folder / "gap.csv"
        with open(self.rates, encoding="utf-8") as rates, open(gap, "w", encoding="utf-8") as file:
            file.writelines(row for row in rates if not (",browse," in row and "2026-01-14T12" <= row < "2026-01-15T12"))
        whole = self.evaluate(self.rates, "--model", self.bundle)["forecast"]["endpoints"]
        answer = tidelimit("evaluate", gap, "--model", self.bundle, "--json")
        endpoints = json.loads(answer.stdout)["forecast"]["endpoints"]
        for figure in ("n", "seasonal_naive_mae", "last_value_mae"):
            self.assertEqual(endpoints["search"][figure], whole["search"][figure])
        # The day after the gap knows no yesterday until noon, nor its first hour the hour before.
        self.assertIn("browse: of 141 forecasts, the same hours a day before were observed at 45, "
                      "and the last horizon at 137; their errors are of those", answer.stderr)
        with open(self.rates, newline="", encoding="utf-8") as rates:
            hours = [float(row["actual_next_hour"]) for row in csv.DictReader(rates)
                     if row["endpoint"] == "browse" and row["timestamp"] >= CUT and row["actual_next_hour"]]
        yesterday = [abs(hours[i] - hours[i - 96]) for i in range(144, 189)]
        self.assertAlmostEqual(endpoints["browse"]["seasonal_naive_mae"], sum(yesterday) / 45)
        late = self.folder / "late.csv"
        with open(gap, encoding="utf-8") as rows, open(late, "w", encoding="utf-8") as file:
            file.writelines(row for row in rows if row >= "2026-01-16T12")
        answer = tidelimit("evaluate", late, "--model", self.bundle, "--json")
        self.assertIsNone(json.loads(answer.stdout)["forecast"]["endpoints"]["browse"]["seasonal_naive_mae"])
        self.assertRegex(tidelimit("evaluate", late, "--model", self.bundle).stdout, r"average +[\d.]+ +[\d.]+ +- ")

    def test_the_first_and_last_scored_origin_are_told(self):
        gap = self.folder / "gap_after_training.csv"
        with open(self.rates, encoding="utf-8") as rates, open(gap, "w", encoding="utf-8") as file:
            file.writelines(row for row in rates if not CUT <= row < "2026-01-15T06")
        answer = tidelimit("evaluate", gap, "--model", self.bundle)
        self.assertIn("made from 2026-01-15T06:00:00Z to 2026-01-16T23:00:00Z", answer.stdout, answer.stderr)

    def test_rates_of_other_traffic_are_refused_and_missing_ones_said(self):
        others = self.folder / "others.csv"
        made = tidelimit("generate", "-o", self.folder / "other.csv", "--days", 12, "--seed", 2, "--rates", others)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assert_refused(
            tidelimit("evaluate", self.traffic, "--model", self.bundle, "--rates", others), "tells of other traffic"
        )
        for until, said in ((CUT, "tells nothing of the hours"), ("2026-01-15T12", "tells of 240 of the 945 hours")):
            part = self.folder / "part.csv"
            with open(self.rates, encoding="utf-8") as rates, open(part, "w", encoding="utf-8") as file:
                file.writelines(row for row in rates if row < until or row.startswith("timestamp"))
            answer = tidelimit("evaluate", self.traffic, "--model", self.bundle, "--rates", part)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            self.assertIn(said, answer.stderr)
            self.assertEqual("floor: past" in answer.stdout, until != CUT)

    def test_labels_that_name_nobody_are_no_labels(self):
        header = self.folder / "header.csv"
        header.write_text("client_ip,label\n")
        answer = tidelimit("evaluate", self.past, "--model", self.bundle, "--labels", header, "--json")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("header.csv names no client", answer.stderr)
        anomaly = json.loads(answer.stdout)["anomaly"]
        self.assertIsNone(anomaly["precision"])
        self.assertIsNone(anomaly["malicious_only"]["precision"])
        self.assertGreater(anomaly["flagged"], 0)

    def test_windows_given_twice_count_once_and_it_says_so(self):
        once = json.loads(tidelimit("inspect", self.rates, "--json").stdout)
        twice = json.loads(tidelimit("inspect", self.rates, self.rates, "--json").stdout)
        self.assertEqual(twice["endpoints"], once["endpoints"])
        self.assertEqual(once["requests"], sum(e["requests"] for e in once["endpoints"].values()))
        self.assertEqual(once["windows"], once["lines"])
        self.assertEqual(twice["unreadable"], once["lines"])
        place = self.folder / "twice"
        answer = tidelimit("train", self.rates, self.rates, "-o", place, "--preset", "baseline", "--epochs", 1)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("a window of an endpoint that was given before", answer.stderr)

    def test_a_bundle_of_other_endpoints_is_no_forecast_of_nothing(self):
        series = self.folder / "series.csv"
        with open(self.rates, newline="", encoding="utf-8") as rates, open(series, "w", encoding="utf-8") as one:
            one.write("timestamp,value\n")
            one.writelines(f"{row['timestamp']},{row['requests']}\n" for row in csv.DictReader(rates)
                           if row["endpoint"] == "browse")
        bundle = self.folder / "series"
        done = tidelimit("train", series, "-o", bundle, "--preset", "baseline", "--epochs", 1)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = tidelimit("evaluate", self.traffic, "--model", bundle)
        self.assertIn("no request in the input belongs to the bundle's endpoints (all)", done.stdout + done.stderr)

    def test_prints_a_table_and_writes_a_report_that_asks_nothing_of_the_network(self):
        page = self.folder / "report.html"
        answer = tidelimit(
            "evaluate", self.traffic, "--model", self.bundle, "--labels", self.labels, "--report", page
        )
        self.assertEqual(answer.returncode, 0, answer.stderr)
        for word in ("browse", "average", "precision", "card_testing"):
            self.assertIn(word, answer.stdout)
        html = page.read_text(encoding="utf-8")
        self.assertIn("<svg", html)
        self.assertNotRegex(html, r"(src|href)=[\"']?http")

    def test_bad_input_is_named(self):
        past = self.folder / "past_windows.csv"
        past.write_text("".join(
            line for line in self.rates.read_text(encoding="utf-8").splitlines(keepends=True)
            if line < CUT or line.startswith("timestamp")))
        self.assert_refused(
            tidelimit("evaluate", past, "--model", self.bundle), "nothing to score", "2026-01-15"
        )
        self.assert_refused(tidelimit("evaluate", self.traffic, "--model", self.folder / "nil"), "nil")
        foreign = self.folder / "foreign"
        foreign.mkdir()
        (foreign / "manifest.json").write_text('{"format": "another"}')
        self.assert_refused(tidelimit("evaluate", self.traffic, "--model", foreign), "foreign", "not a tidelimit")
        bad = self.folder / "bad_labels.csv"
        bad.write_text("client_ip,label\n192.0.2.1,perhaps\n")
        self.assert_refused(
            tidelimit("evaluate", self.traffic, "--model", self.bundle, "--labels", bad), "bad_labels.csv:2"
        )
        self.assert_refused(
            tidelimit("evaluate", self.traffic, "--model", self.bundle, "--rates", self.labels), "line 1"
        )
        torn = self.folder / "torn_labels.csv"
        torn.write_text("client_ip,label\n192.0.2.1,1\n192.0.2.2,0\n192.0.2.1,0\n")
        for command in (["evaluate", self.traffic, "--model", self.bundle], ["train", self.past, "-o", self.folder / "nil"]):
            self.assert_refused(
                tidelimit(*command, "--labels", torn),
                "torn_labels.csv:4: client 192.0.2.1 is labelled 0, and 1 in line 2; leave one of the two out",
            )
        strangers = self.folder / "strangers.csv"
        strangers.write_text("client_ip,label\n203.0.113.250,1\n")
        done = tidelimit("evaluate", self.traffic, "--model", self.bundle, "--labels", strangers)
        self.assertIn("none of the clients", done.stderr)

    def test_a_damaged_model_is_wrong_input(self):
        broken = self.folder / "broken"
        shutil.copytree(self.bundle, broken)
        for path in broken.glob("*.onnx"):
            path.write_bytes(path.read_bytes()[:-1])
        for command in (["replay", self.traffic, "--config", SOURCE / "deploy" / "tidelimit.yaml"], ["evaluate", self.traffic]):
            done = tidelimit(*command, "--model", broken)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(str(broken), done.stderr)

    def test_output_that_cannot_be_written_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([BINARY, "inspect", "--json", self.traffic], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("can't be written", done.stderr)


class Explain(Offline):
    def test_tells_from_when_to_when_whatever_the_order_of_the_lines(self):
        """A server writes a line when its request ends: the first in the file is not the earliest."""
        begin = datetime.datetime(2026, 1, 14, 10, tzinfo=datetime.timezone.utc)
        row = "{},203.0.113.250,,STD,GET,/browse/1,200,curl,10,5\n"
        times = [(begin + datetime.timedelta(seconds=s)).strftime("%FT%TZ") for s in (40, 2, 300, 598, 560)]
        log = self.folder / "late.csv"
        log.write_text("timestamp,client_ip,user_id,user_tier,method,path,status,user_agent,latency_ms,bytes\n"
                       + "".join(row.format(time) for time in times))
        answer = tidelimit("explain", log, "--model", self.bundle, "--client", "203.0.113.250", "--json")
        told = json.loads(answer.stdout)
        self.assertEqual((told["first"], told["last"]), ("2026-01-14T10:00:02Z", "2026-01-14T10:09:58Z"))


class OrderOfInputs(Offline):
    """Two balanced servers' logs, and a log with its newest requests first, are the log they came from."""

    @classmethod
    def setUpClass(cls):
        head, *lines = cls.past.read_text(encoding="utf-8").splitlines(keepends=True)
        cls.even = cls.folder / "even.csv"
        cls.odd = cls.folder / "odd.csv.gz"
        cls.newest = cls.folder / "newest.csv"
        cls.even.write_text(head + "".join(lines[::2]))
        with gzip.open(cls.odd, "wt") as packed:
            packed.write(head + "".join(lines[1::2]))
        cls.newest.write_text(head + "".join(reversed(lines)))
        cls.mixed = cls.folder / "mixed.csv"
        cls.mixed.write_text(head + "".join(lines[1::2] + lines[::2]))
        cls.packed = cls.folder / "newest.csv.gz"
        cls.packed.write_bytes(gzip.compress(cls.newest.read_bytes()))

    def suggested(self, *inputs):
        answer = tidelimit("suggest", *inputs, "-o", "-")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        limits = [line for line in answer.stdout.splitlines() if "/min" in line and not line.lstrip().startswith("#")]
        return limits, answer.stderr

    def test_servers_side_by_side_are_merged_and_newest_first_is_turned(self):
        limits, _ = self.suggested(self.past)
        self.assertGreater(len(limits), 0)
        for inputs in ([self.even, self.odd], [self.odd, self.even], [self.newest]):
            found, said = self.suggested(*inputs)
            self.assertEqual(found, limits, inputs)
            self.assertNotIn("older than one before", said)
        self.assertIn("read from the last one on: " + str(self.newest), said)

    def test_what_cannot_be_put_in_order_is_said(self):
        self.assert_refused(tidelimit("suggest", self.packed, "-o", "-"), "newest.csv.gz", "unpack it")
        self.assertEqual(tidelimit("inspect", self.packed).returncode, 0)
        for command in (
            ["suggest", self.mixed, "-o", "-"],
            ["train", self.mixed, "-o", self.folder / "mixed", "--epochs", 1, "--preset", "baseline"],
            ["evaluate", self.mixed, "--model", self.bundle],
        ):
            answer = tidelimit(*command)
            self.assertIn("requests were older than one before them", answer.stderr, command)

    def test_a_log_without_order_trains_nothing(self):
        head, *lines = self.past.read_text(encoding="utf-8").splitlines(keepends=True)
        shuffled = self.folder / "shuffled.csv"
        random.Random(1).shuffle(lines)
        shuffled.write_text(head + "".join(lines))
        place = self.folder / "shuffled"
        self.assert_refused(tidelimit("train", shuffled, "-o", place), "more than a minute older than one before",
                            "the detector of odd clients", "sort the input by time")
        self.assertFalse(place.exists())
        # Order within a minute is nothing to it.
        minutes = {}
        for line in lines:
            minutes.setdefault(line[:16], []).append(line)
        shuffled.write_text(head + "".join(line for minute in sorted(minutes) for line in minutes[minute]))
        done = tidelimit("train", shuffled, "-o", place, "--no-forecast")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the detector of odd clients sees fewer minutes", done.stderr)

    def test_labelled_attackers_are_no_finding_of_the_detector(self):
        log = self.folder / "flooded.csv"
        with open(self.past, encoding="utf-8", newline="") as past, open(log, "w", encoding="utf-8", newline="") as out:
            rows = csv.DictReader(past)
            flooded = csv.DictWriter(out, rows.fieldnames)
            flooded.writeheader()
            for number, row in enumerate(rows):
                flooded.writerow(row)
                if number % 10 == 0:
                    flooded.writerow(row | {"client_ip": "192.0.2.250", "user_id": "", "method": "POST",
                                            "path": "/login", "status": "401"})
        labels = self.folder / "flooder.csv"
        labels.write_text(self.labels.read_text() + "192.0.2.250,1,flood\n")
        finding = "that this detector calls malicious"
        for options, found in (([], True), (["--labels", labels], False)):
            done = tidelimit("train", log, "-o", self.folder / "flooded", "--no-forecast", *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(finding in done.stderr, found, done.stderr)


class Documentation(Offline):
    def test_the_commands_of_the_documentation_work_as_written(self):
        text = (SOURCE / "docs/commands.md").read_text(encoding="utf-8")
        script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
        # A test has no time for a month.
        for old, new in (("--days 30", "--days 12"), ("2026-01-29", "2026-01-15"), ("-o model", "-o model --epochs 3")):
            self.assertIn(old, script)
            script = script.replace(old, new)
        place = self.folder / "documentation"
        place.mkdir()
        environment = os.environ | {"PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=place, env=environment,
                              capture_output=True, text=True, check=False, timeout=280)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads((place / "evaluation.json").read_text(encoding="utf-8"))
        self.assertLess(result["forecast"]["mae"], 25)
        self.assertGreater(result["anomaly"]["precision"], 0.9)


if __name__ == "__main__":
    unittest.main()
