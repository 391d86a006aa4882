"""Models under a running gate: served, refused, changed."""

import json
import pathlib
import re
import shutil
import tempfile
import unittest

from harness import EndToEnd, run, wait_until
from serving import CONFIG


class ModelTest(EndToEnd):
    """Model serving as TensorFlow Serving's REST speaks it, and bundles that change under a running gate."""

    config = CONFIG.replace("rules:", "forecast: { model: var/model }\nanomaly: { model: var/model }\nrules:", 1)

    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory(prefix="tidelimit-e2e-")
        cls.addClassCleanup(holder.cleanup)
        cls.bundle = pathlib.Path(holder.name) / "model"
        log = cls.bundle.with_name("traffic.csv")
        for arguments in (("generate", "-o", log, "--days", "4", "--scale", "0.3"),
                          ("train", log, "-o", cls.bundle, "--epochs", "1")):
            done = run(*arguments)
            if done.returncode != 0:
                raise AssertionError(f"{arguments}: {done.stderr}")

    def setUp(self):
        super().setUp()
        shutil.copytree(self.bundle, self.folder / "gate/var/model")
        self.gate = self.start_gate(self.config)

    def predict(self, model, body):
        return self.gate.call("POST", f"/v1/models/{model}:predict", body, token=False)

    def input_shape(self, model):
        metadata = self.gate.get(f"/v1/models/{model}/metadata").json["metadata"]["signature_def"]["signature_def"]
        (tensor,) = metadata["serving_default"]["inputs"].values()
        self.assertEqual(tensor["dtype"], "DT_FLOAT")
        return [int(dim["size"]) for dim in tensor["tensor_shape"]["dim"]]

    def test_both_models_answer(self):
        for model in ("traffic", "anomaly"):
            (status,) = self.gate.get(f"/v1/models/{model}").json["model_version_status"]
            self.assertEqual((status["state"], status["status"]["error_code"]), ("AVAILABLE", "OK"))
            own = json.loads((self.bundle / "manifest.json").read_text())["version"]
            self.assertEqual(status["version"][:-4], re.sub(r"\D", "", own.split("-")[0]))
            self.assertEqual(int(status["version"][-4:]), int(own.split("-")[1], 16) % 10_000)
            for version in (status["version"], own):
                self.assertEqual(self.gate.get(f"/v1/models/{model}/versions/{version}").status, 200)
            self.assertEqual(self.gate.get(f"/v1/models/{model}/versions/1").status, 404)
            labelled = self.gate.get(f"/v1/models/{model}/labels/stable")
            self.assertEqual((labelled.status, list(labelled.json)), (404, ["error"]))
            self.assertIn("stable", labelled.json["error"])
            self.assertEqual(self.gate.count("tidelimit_model_info", model=model, version=own), 1)
        _, steps, features = self.input_shape("traffic")
        row = [[0.1] * features] * steps
        answer = self.predict("traffic", {"instances": [row, row]}).json["predictions"]
        self.assertEqual(len(answer), 2)
        self.assertEqual(answer[0], answer[1])
        self.assertEqual(self.predict("traffic", {"inputs": [row]}).json["outputs"], answer[:1])
        _, features = self.input_shape("anomaly")
        usual, odd = self.predict("anomaly", {"instances": [[0.0] * features, [1e6] * features]}).json["predictions"]
        self.assertTrue(0 < usual < 1 and 0 < odd < 1)

    def test_errors_are_those_of_tensorflow_serving(self):
        for status, model, body in ((404, "weather", {"instances": []}), (400, "traffic", "{"),
                                    (400, "traffic", {"instances": [[1]]}), (400, "anomaly", {})):
            answer = self.predict(model, body)
            self.assertEqual(answer.status, status, answer)
            self.assertEqual(list(answer.json), ["error"])
        for method, path, status in (("PUT", "/v1/models/anomaly:predict", 405), ("DELETE", "/v1/models/anomaly", 405),
                                     ("GET", "/v1/models/anomaly/versions/1/x", 404)):
            answer = self.gate.call(method, path)
            self.assertEqual((answer.status, list(answer.json)), (status, ["error"]))
        self.assertIn("detail", self.gate.call("DELETE", "/v1/plan").json, "elsewhere a problem document")

    def test_a_damaged_bundle_is_refused_and_the_running_one_stays(self):
        version = self.gate.get("/v1/plan").json["model"]
        manifest = self.gate.folder / "var/model/manifest.json"
        whole = manifest.read_text()
        manifest.write_text(whole[: len(whole) // 2])
        wait_until(lambda: "model" in self.gate.client.get("/readyz?verbose").body
                   and "refused" in self.gate.process.output(), "the damaged bundle is refused")
        self.assertEqual(self.gate.client.get("/readyz").status, 200)
        self.assertEqual(self.gate.get("/v1/plan").json["model"], version)
        self.assertEqual(self.gate.get("/v1/models/traffic").status, 200)
        manifest.write_text(whole)
        wait_until(lambda: "refused" not in self.gate.client.get("/readyz?verbose").body, "the whole one is in force")

    def test_a_start_without_its_bundle_is_named_until_there_is_one(self):
        manifest = self.gate.folder / "var/model/manifest.json"
        whole = manifest.read_text()
        self.gate.stop()
        manifest.write_text(whole[: len(whole) // 2])
        self.gate.start()
        wait_until(self.gate.answers, "it serves all the same")
        self.assertIn("started without", self.gate.client.get("/readyz?verbose").body)
        self.assertEqual(self.gate.get("/v1/models/traffic").status, 404)
        wait_until(lambda: self.gate.count("tidelimit_degraded") == 1, "the metric says so")
        manifest.write_text(whole)
        wait_until(lambda: self.gate.get("/v1/models/traffic").status == 200, "the whole one is in force")
        self.assertNotIn("started without", self.gate.client.get("/readyz?verbose").body)

    def test_a_model_for_other_windows_is_named_as_not_used(self):
        words = "the forecast model is not used: it is for window 15m, history 24h, horizon 1h"
        self.gate.stop()
        self.gate.write(self.config.replace("forecast: { model", "forecast: { window: 5m, model"))
        checked = run("check-config", self.gate.file)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertRegex(checked.stderr, r"tidelimit\.yaml:\d+: \S+: its forecast was trained with --window 15m .*does not use it")
        self.gate.start()
        wait_until(self.gate.answers, "it serves all the same")
        wait_until(lambda: words in self.gate.client.get("/readyz?verbose").body, "it is named")
        wait_until(lambda: f"degraded: {words}" in self.gate.process.output(), "it is logged")
        self.assertEqual(self.gate.count("tidelimit_degraded"), 1)

    def test_a_model_for_other_windows_does_not_push_out_the_one_that_runs(self):
        version = self.gate.get("/v1/plan").json["model"]
        other = self.folder / "gate/other"
        log = self.bundle.with_name("traffic.csv")
        done = run("train", log, "-o", other, "--window", "30m", "--preset", "baseline", "--epochs", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        misfit = "it is for window 30m, history 24h, horizon 1h, the gate forecasts with window 15m, history 24h, horizon 1h"
        place = self.folder / "gate/var/model"
        place.rename(place.with_name("aside"))
        other.rename(place)
        refused = f"model: refused, what ran goes on: {self.gate.folder / 'var/model'}: {misfit}"
        wait_until(lambda: refused in self.gate.client.get("/readyz?verbose").body, "it is refused")
        self.assertIn(refused, self.gate.process.output())
        self.assertEqual(self.gate.get("/v1/plan").json["model"], version)
        self.assertEqual(self.gate.count("tidelimit_model_info", model="traffic", version=version), 1)
        (listed,) = self.gate.get("/v1/models").json["models"]
        self.assertEqual((listed["misfit"], listed["damaged"]), (misfit, None))
        told = run("models", "--config", self.gate.file)
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn(f"in force; not used: {misfit}", told.stdout)
        # A gate of those windows, which takes a start, takes what was refused.
        self.gate.stop()
        self.gate.write(self.config.replace("forecast: { model", "forecast: { window: 30m, model"))
        self.gate.start()
        wait_until(lambda: self.gate.get("/v1/plan").json["model"] not in (None, version), "it is in force")
        self.assertNotIn("refused", self.gate.client.get("/readyz?verbose").body)
        self.assertIsNone(self.gate.get("/v1/models").json["models"][0]["misfit"])

    def test_a_detector_serves_where_the_forecast_is_yet_to_be_trained(self):
        self.gate.stop()
        self.gate.write(self.config.replace("forecast: { model: var/model }", "forecast: { model: var/later }"))
        self.gate.start()
        wait_until(self.gate.answers, "it serves")
        own = json.loads((self.bundle / "manifest.json").read_text())["version"]
        wait_until(lambda: self.gate.count("tidelimit_model_info", model="anomaly", version=own) == 1, "the detector is in force")
        self.assertEqual(self.gate.get("/v1/models/traffic").status, 404)
        self.assertIn("var/later: there is no model", self.gate.client.get("/readyz?verbose").body)
        shutil.copytree(self.bundle, self.folder / "gate/var/later")
        wait_until(lambda: self.gate.get("/v1/models/traffic").status == 200, "the forecast, too")
        self.assertNotIn("var/later", self.gate.client.get("/readyz?verbose").body)

    def test_a_forecast_for_other_windows_does_not_take_a_detector_along(self):
        detector = self.folder / "gate/var/detector"
        shutil.copytree(self.bundle, detector)
        self.gate.stop()
        self.gate.write(self.config.replace("anomaly: { model: var/model }", "anomaly: { model: var/detector }"))
        self.gate.start()
        version = self.gate.get("/v1/plan").json["model"]
        log = self.bundle.with_name("traffic.csv")
        for place, *options in ((self.folder / "gate/var/model", "--window", "30m"), (detector, "--preset", "baseline")):
            done = run("train", log, "-o", place, "--epochs", "1", *options)
            self.assertEqual(done.returncode, 0, done.stderr)
        fresh = json.loads((detector / "manifest.json").read_text())["version"]
        wait_until(lambda: self.gate.count("tidelimit_model_info", model="anomaly", version=fresh) == 1, "the detector is taken")
        self.assertEqual(self.gate.get("/v1/plan").json["model"], version)
        self.assertEqual(self.gate.count("tidelimit_model_info", model="traffic", version=version), 1)
        self.assertIn("var/model: it is for window 30m", self.gate.client.get("/readyz?verbose").body)

    def test_a_damaged_forecast_does_not_take_the_detector_along(self):
        self.gate.stop()
        self.gate.write(self.config.replace("anomaly: { model: var/model }", "anomaly: { model: var/detector }"))
        shutil.copytree(self.bundle, self.folder / "gate/var/detector")
        manifest = self.gate.folder / "var/model/manifest.json"
        whole = manifest.read_text()
        manifest.write_text(whole[: len(whole) // 2])
        self.gate.start()
        self.assertIn("var/model: manifest.json: damaged", self.gate.client.get("/readyz?verbose").body)
        self.assertEqual(self.gate.get("/v1/models/anomaly").status, 200)
        self.assertEqual(self.gate.get("/v1/models/traffic").status, 404)
        manifest.write_text(whole)
        wait_until(lambda: self.gate.get("/v1/models/traffic").status == 200, "the forecast, too")


if __name__ == "__main__":
    unittest.main()
