"""`tidelimit import-config` as an operator runs it: what it draws is what `serve` takes, and what it can't say it names."""

import pathlib
import subprocess
import tempfile
import unittest

from harness import BINARY, SOURCE

EXAMPLE = SOURCE / "deploy/envoy/ratelimit.yaml"


def run(*arguments, status=0):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          timeout=60, check=False)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: status {done.returncode}, not {status}\n{done.stderr[-2000:]}")
    return done


class ImportConfig(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        file = self.folder / name
        file.write_text(text)
        return file

    def test_the_example_becomes_a_valid_configuration(self):
        done = run("import-config", EXAMPLE)
        file = self.write("tidelimit.yaml", done.stdout)
        checked = run("check-config", file)
        rows = {line.split()[0]: line for line in checked.stdout.splitlines() if line}
        self.assertIn("1000/min, total 50/s", rows["browse"])
        self.assertIn("300/min, total 50/s", rows["browse"])
        self.assertIn("shadow", rows["login"])
        self.assertIn("10/min", rows["login"])
        self.assertEqual(checked.stderr, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), 3, done.stderr)
        self.assertIn(f'{EXAMPLE}:5: descriptor "path=/browse/*": it counted all tiers together', done.stderr)
        self.assertIn('"user_id=partner-7"', done.stderr)
        self.assertIn('PUT /v1/overrides/user/partner-7 {"action":"limit","limit":"5000/d"', done.stderr)
        self.assertIn('"generic_key=reports"', done.stderr)
        for line in lines:
            self.assertIn(line, done.stdout, "comments say it too")

    def test_several_domains_become_one_file_and_nothing_is_written_over(self):
        more = self.write("more.yaml", "domain: api\ndescriptors:\n"
                          "  - { key: path, value: /api/*, share_threshold: true, rate_limit: { unit: second, requests_per_unit: 9 } }\n")
        out = self.folder / "tidelimit.yaml"
        self.assertEqual(run("import-config", EXAMPLE, more, "-o", out).stdout, "")
        self.assertIn("api", run("check-config", out).stdout)
        run("import-config", EXAMPLE, "-o", out)
        self.assertNotIn("/api/**", out.read_text(), "what it drew itself it writes over")
        edited = out.read_text().replace("mode: shadow", "mode: enforce")
        out.write_text(edited)
        self.assertIn("was edited since import-config drew it", run("import-config", EXAMPLE, "-o", out, status=2).stderr)
        self.assertEqual(out.read_text(), edited)
        out.write_text("endpoints: []\n")
        self.assertIn("was not drawn by import-config", run("import-config", EXAMPLE, "-o", out, status=2).stderr)
        self.assertEqual(out.read_text(), "endpoints: []\n")
        run("import-config", EXAMPLE, "-o", out, "--force")
        run("check-config", out)

    def test_mistakes_name_file_line_and_mend(self):
        out = self.folder / "tidelimit.yaml"
        for name, text, says in (
            ("typo", "domain: a\ndescriptors:\n  - { key: k, ratelimit: {} }\n", ':3: unknown key "ratelimit"'),
            ("kind", "domain: a\ndescriptors:\n  - { key: k, rate_limit: { unit: fortnight, requests_per_unit: 1 } }\n",
             ':3: descriptor "k": rate_limit.unit: "fortnight" is no unit; known are second, minute'),
            ("yaml", "domain: a\ndescriptors: [ { key: k }\n", "not readable as YAML: a [ before this is not closed"),
            ("empty", "", ":1: the file is empty: at least domain is needed"),
            ("bytes", "domain: \0\1\n", "not readable as YAML"),
        ):
            with self.subTest(name):
                file = self.write(name + ".yaml", text)
                done = run("import-config", file, "-o", out, status=2)
                self.assertIn(f"{file}:", done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertFalse(out.exists())
        self.assertIn("No such file", run("import-config", self.folder / "none.yaml", status=2).stderr)
        self.assertIn("is a folder", run("import-config", self.folder, status=2).stderr)
        self.assertIn("stands in", run("import-config", EXAMPLE, EXAMPLE, status=2).stderr)
        self.assertIn("write WORD=KEY", run("import-config", EXAMPLE, "--word", "uri", status=2).stderr)
        run("import-config", status=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
