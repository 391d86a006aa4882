"""`tidelimit suggest` as an operator runs it: what it draws is a configuration, and one that leaves customers alone."""

import csv
import json
import pathlib
import subprocess
import tempfile
import unittest

from harness import BINARY, SOURCE

REAL_LOGS = SOURCE.parent / "shared" / "data" / "logs"


def run(*arguments, status=0, stdin=None):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, input=stdin, timeout=240)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: status {done.returncode}, not {status}\n{done.stderr[-2000:]}")
    return done


class Suggest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.log = cls.folder / "shop.csv"
        cls.labels = cls.folder / "labels.csv"
        run("generate", "-o", cls.log, "--days", 4, "--seed", 11, "--labels", cls.labels)

    def suggest(self, *arguments, name="drawn.yaml", output=None, **more):
        file = self.folder / name
        return file, run("suggest", *arguments, "-o", file if output is None else output, **more)

    def halves(self):
        """The first two days and the last two, each a log of its own."""
        lines = self.log.read_text().splitlines()
        middle = len(lines) // 2
        early, late = self.folder / "early.csv", self.folder / "late.csv"
        early.write_text("\n".join(lines[:middle]) + "\n")
        late.write_text("\n".join([lines[0], *lines[middle:]]) + "\n")
        return early, late

    def test_what_it_draws_is_valid_and_denies_nothing_yet(self):
        file, done = self.suggest(self.log)
        text = file.read_text()
        self.assertIn("mode: shadow", text)
        for endpoint in ("payment", "browse", "search", "login", "account"):
            self.assertIn(f'match: "/{endpoint}/**"', text)
            self.assertIn(endpoint, done.stdout)
        checked = run("check-config", file)
        self.assertIn("mode shadow", checked.stdout)

    def test_customers_of_later_days_do_not_meet_the_limits(self):
        early, late = self.halves()
        file, _ = self.suggest(early, name="early.yaml")
        limits_alone = self.folder / "enforced.yaml"
        limits_alone.write_text(file.read_text().split("rules:")[0].replace("mode: shadow", "mode: enforce"))
        report = json.loads(run("replay", late, "--config", limits_alone, "--enforce", "--json").stdout)
        with self.labels.open() as rows:
            malicious = {row["client_ip"] for row in csv.DictReader(rows) if row["label"] == "1"}
        with late.open() as rows:
            good = sum(row["client_ip"] not in malicious for row in csv.DictReader(rows))
        self.assertGreater(report["denied"], 100, "attackers meet the limits")
        harmed = sum(cell["denied"] for cell in report["by_endpoint"]["payment"].values())
        self.assertLess(harmed, good * 0.0005)

    def test_every_limit_says_why(self):
        _, done = self.suggest(self.log, "--json", name="why.yaml")
        drawn = json.loads(done.stdout)
        self.assertEqual(drawn["principal"], "user")
        payment = next(endpoint for endpoint in drawn["endpoints"] if endpoint["name"] == "payment")
        self.assertEqual(payment["priority"], "high")
        for limit in payment["limits"].values():
            self.assertGreaterEqual(limit["limit_per_minute"], limit["needed_per_minute"] * drawn["headroom"])
            self.assertLessEqual(limit["touched_share"], 0.001)
            self.assertIn("stay within", limit["why"])

    def test_equal_logs_give_equal_files_from_a_pipe_too(self):
        file, _ = self.suggest(self.log, name="one.yaml")
        piped, _ = self.suggest("-", name="two.yaml", stdin=self.log.read_text())
        self.assertEqual(file.read_text(), piped.read_text())

    def test_it_writes_over_its_own_files_alone(self):
        file, _ = self.suggest(self.log, name="again.yaml")
        drawn = file.read_text()
        self.suggest(self.log, name="again.yaml")
        file.write_text("mode: enforce\nendpoints: []\n")
        _, refused = self.suggest(self.log, name="again.yaml", status=2)
        self.assertIn("was not drawn by suggest", refused.stderr)
        self.assertEqual(file.read_text(), "mode: enforce\nendpoints: []\n")
        self.suggest(self.log, "--force", name="again.yaml")
        self.assertEqual(file.read_text(), drawn)

    def test_what_was_edited_since_is_kept(self):
        file, _ = self.suggest(self.log, name="edited.yaml")
        edited = file.read_text().replace("mode: shadow", "mode: enforce")
        file.write_text(edited)
        run("check-config", file)
        _, refused = self.suggest(self.log, name="edited.yaml", status=2)
        self.assertIn("was edited since suggest drew it", refused.stderr)
        self.assertIn("--force", refused.stderr)
        self.assertEqual(file.read_text(), edited)
        self.suggest(self.log, "--force", name="edited.yaml")
        self.assertIn("mode: shadow", file.read_text())

    def test_it_prints_where_no_file_is_named(self):
        file, _ = self.suggest(self.log, name="written.yaml")
        _, printed = self.suggest(self.log, name="ignored.yaml", output="-")
        self.assertEqual(printed.stdout, file.read_text())
        self.assertIn("tidelimit.yaml", printed.stderr)
        _, refused = self.suggest(self.log, "--json", name="ignored.yaml", output="-", status=2)
        self.assertIn("name a file with -o", refused.stderr)
        _, refused = self.suggest(self.log, name="ignored.yaml", output="", status=2)
        self.assertIn("--output: is empty", refused.stderr)
        self.assertFalse(pathlib.Path("-").exists())

    def test_what_has_no_paths_is_refused(self):
        windows = self.folder / "windows.csv"
        windows.write_text("timestamp,endpoint,requests\n2026-01-01T00:00:00Z,payment,3\n")
        file, refused = self.suggest(windows, name="none.yaml", status=2)
        self.assertIn("ready windows", refused.stderr)
        self.assertFalse(file.exists())
        empty = self.folder / "empty.csv"
        empty.write_text("")
        self.suggest(empty, name="none.yaml", status=2)
        self.assertFalse(file.exists())

    def test_a_log_without_users_is_limited_by_address(self):
        log = self.folder / "plain.log"
        log.write_text(
            "".join(
                f'192.0.2.{i % 50} - - [10/Oct/2026:13:{i // 60 % 60:02}:{i % 60:02} +0000] "GET /api/v1/items/{i} HTTP/1.1" 200 5\n'
                for i in range(3000)
            )
        )
        file, done = self.suggest(log, name="plain.yaml")
        self.assertIn('match: "/api/v1/items/**"', file.read_text())
        self.assertIn("limits are per address", done.stdout)
        self.assertNotIn("user_header", file.read_text())

    def test_tiers_that_no_configuration_can_name_are_left_out(self):
        log = self.folder / "tiers.csv"
        rows = [f"{1_795_000_000 + i},192.0.2.{i % 9},/x/{i},{tier}" for i in range(90) for tier in ("gold", "a b", "client")]
        log.write_text("\n".join(["timestamp,client_ip,path,user_tier", *rows]) + "\n")
        file, done = self.suggest(log, name="tiers.yaml")
        self.assertIn('tiers: ["gold"]', file.read_text())
        self.assertIn("2 tiers of the log have names", done.stdout)
        run("check-config", file)

    def test_paths_that_are_called_like_a_tier_or_a_word_of_the_configuration(self):
        log = self.folder / "words.csv"
        rows = [f"{1_795_000_000 + i},192.0.2.{i % 9},/{path}/{i},STD"
                for i in range(90) for path in ("STD", "default", "any", "same", "other")]
        rows.append("1795000001,192.0.2.1,/x,timeout")
        log.write_text("\n".join(["timestamp,client_ip,path,user_tier", *rows]) + "\n")
        file, done = self.suggest(log, name="words.yaml")
        for path in ("STD", "default", "any", "same", "other"):
            self.assertIn(f'name: "{path}_"', file.read_text())
        run("check-config", file)
        found = json.loads(run("inspect", log, "--json").stdout)["endpoints"]
        self.assertEqual(set(found), {"STD_", "default_", "any_", "same_", "other_", "other"})

    def csv_log(self, name, rows):
        """A log of rows (seconds, address, user, tier, path), written in the order of their times."""
        log = self.folder / name
        lines = [f"{1_795_000_000 + second},{address},{user},{tier},{path}"
                 for second, address, user, tier, path in sorted(rows)]
        log.write_text("\n".join(["timestamp,client_ip,user_id,user_tier,path", *lines]) + "\n")
        return log

    def test_a_file_that_is_named_twice_is_warned_of(self):
        log = self.csv_log("twice.csv", [(i, f"192.0.2.{i % 9}", "", "STD", "/x") for i in range(90)])
        link = self.folder / "linked.csv"
        link.unlink(missing_ok=True)
        link.symlink_to(log)
        for again in (log, self.folder / "twi*.csv", link):
            _, done = self.suggest(log, again, "--force", name="twice.yaml")
            self.assertIn("is named twice", done.stderr)
        for command in (("replay", "--config", self.folder / "twice.yaml"), ("inspect",)):
            self.assertIn(f"{log} is named twice", run(*command, log, log).stderr)
        _, done = self.suggest(log, "--force", name="twice.yaml")
        self.assertNotIn("is named twice", done.stderr)

    @unittest.skipUnless(REAL_LOGS.is_dir(), "no real logs beside the checkout: ../shared/data/logs")
    def test_real_logs(self):
        for log in sorted(REAL_LOGS.glob("*.gz")):
            with self.subTest(log.name):
                file, _ = self.suggest(log, name=log.name + ".yaml")
                run("check-config", file)


if __name__ == "__main__":
    unittest.main(verbosity=2)
