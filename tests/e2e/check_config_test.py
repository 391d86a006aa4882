"""What `check-config` shows of a valid file: limits, capacities, rules and signals, as the gate would take them."""

import json
import pathlib
import tempfile
import unittest

from harness import run

CONFIG = """\
endpoints:
  - { name: api,  match: "/api/**",  capacity: 100/s, limits: { STD: 100/min } }
  - { name: pay,  match: "/pay/**",  cost: 3, limits: { STD: 100/min } }
  - { name: cart, match: "/cart/**", limits: { STD: 100/min } }
  - { name: web,  match: "/web/**",  capacity: { learned: { ceiling: 50/s } } }
upstreams:
  - { name: shop, capacity: 500/s, endpoints: [pay, cart] }
signals: { cpu: pushed }
rules:
  - { name: past, when: { calendar: { from: "2020-01-01T18:00:00Z", for: 6h } }, then: { scale: 0.5 } }
  - { name: hot,  when: { cpu: 0.8 }, then: { scale: 0.5 } }
"""


class CheckConfig(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "gate.yaml"
        self.file.write_text(CONFIG)

    def test_what_is_divided_and_by_what(self):
        shown = run("check-config", self.file).stdout
        rows = [line.split("  ") for line in shown.splitlines()]
        cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
        self.assertIn(["api", "100/s", "itself"], cells)
        self.assertIn(["web", "learned, at most 50/s", "itself"], cells)
        self.assertIn(["shop", "500/s", "pay (cost 3), cart"], cells)
        self.assertIn(["capacity", "enforce", "claims of capacities", "divide by fair shares"], cells)
        self.assertRegex(shown, r"\nmemory: at most \d+ MiB in tables: buckets 64, clients \d+\ncpu: pushed")
        self.assertTrue(shown.endswith("cpu: pushed (PUT /v1/signals/cpu)\n"), shown)

    def test_what_a_log_wrote_into_a_pattern_does_not_reach_the_terminal(self):
        self.file.write_text(CONFIG.replace('match: "/api/**"', r'match: "/\x1b[8mx\x07/**"'))
        shown = run("check-config", self.file).stdout
        self.assertIn(r"/\x1b[8mx\x07/**", shown)
        self.assertNotIn("\x1b", shown)

    def test_a_planned_time_that_is_over_is_a_warning(self):
        warning = f'{self.file}:10: rule "past": its planned time is over: remove it, or plan it anew'
        self.assertEqual(run("check-config", self.file).stderr, warning + " (warning)\n")
        report = json.loads(run("check-config", self.file, "--json").stdout)
        self.assertEqual(report, {"valid": True, "errors": [], "warnings": [warning]})
        self.file.write_text(CONFIG.replace("2020-01-01", "2200-01-01"))
        self.assertEqual(json.loads(run("check-config", self.file, "--json").stdout)["warnings"], [])

    def test_a_folder_in_the_place_of_a_file_is_a_mistake(self):
        place = self.file.parent / "var"
        place.mkdir()
        for key, line in (("state", "state: var"), ("admin.token_file", "admin: { token_file: var }")):
            self.file.write_text(CONFIG + line + "\n")
            checked = run("check-config", self.file)
            self.assertEqual(checked.returncode, 2)
            self.assertEqual(checked.stderr, f"{self.file}:{CONFIG.count(chr(10)) + 1}: {key}: {place} is a folder: name a file\n")

    def test_a_model_that_is_not_there_or_is_damaged_is_a_warning(self):
        self.file.write_text("forecast: { model: model }\n" + CONFIG.replace("2020-01-01", "2200-01-01"))
        model = self.file.parent / "model"
        checked = run("check-config", self.file)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertEqual(checked.stderr, f"{self.file}:1: {model}: there is no model (tidelimit train makes one); "
                                         "a gate starts without it (warning)\n")
        model.mkdir()
        (model / "manifest.json").write_text("{}")
        checked = run("check-config", self.file)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        self.assertIn(f"{self.file}:1: {model}", checked.stderr)
        self.assertIn("a gate starts without models (warning)", checked.stderr)


if __name__ == "__main__":
    unittest.main()
