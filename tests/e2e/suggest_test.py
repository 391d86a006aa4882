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
            self.assertGreaterEqual(limit["needed_per_minute"], limit["needed_at_99_per_minute"])
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
        rows = [f"{1_795_000_000 + i},192.0.2.{i % 9},/{path}/{i},std"
                for i in range(90) for path in ("std", "default", "any", "same", "other")]
        rows.append("1795000001,192.0.2.1,/x,timeout")
        log.write_text("\n".join(["timestamp,client_ip,path,user_tier", *rows]) + "\n")
        file, done = self.suggest(log, name="words.yaml")
        for path in ("std", "default", "any", "same", "other"):
            self.assertIn(f'name: "{path}_"', file.read_text())
        run("check-config", file)
        found = json.loads(run("inspect", log, "--json").stdout)["endpoints"]
        self.assertEqual(set(found), {"std_", "default_", "any_", "same_", "other_", "other"})

    def csv_log(self, name, rows):
        """A log of rows (seconds, address, user, tier, path), written in the order of their times."""
        log = self.folder / name
        lines = [f"{1_795_000_000 + second},{address},{user},{tier},{path}"
                 for second, address, user, tier, path in sorted(rows)]
        log.write_text("\n".join(["timestamp,client_ip,user_id,user_tier,path", *lines]) + "\n")
        return log

    def refused_by_replay(self, log, file):
        """Of the limits alone: what rules and verdicts do besides is none of theirs."""
        limits_alone = self.folder / ("limits-" + file.name)
        limits_alone.write_text(file.read_text().split("rules:")[0])
        report = json.loads(run("replay", log, "--config", limits_alone, "--enforce", "--json").stdout)
        return report["denied"]

    def test_it_says_in_requests_what_the_limits_would_refuse(self):
        households = [(60 * minute + who % 60, f"192.0.2.{who % 250}", f"u{who}", "STD", "/item/1")
                      for who in range(1200) for minute in (who % 50, who % 50 + 1)]
        partner = [(second, "203.0.113.200", "partner", "STD", "/item/2") for second in range(0, 3000, 2)]
        log = self.csv_log("partner.csv", households + partner)
        file, done = self.suggest(log, "--json", name="partner.yaml")
        drawn = json.loads(done.stdout)
        good = drawn["well_behaved"]
        self.assertEqual(good["requests"], len(households) + len(partner))
        self.assertGreater(good["refused"], 800)
        self.assertEqual(good["refused"], drawn["endpoints"][0]["limits"]["STD"]["refused"])
        self.assertEqual(good["touched"], 1)
        self.assertEqual(good["refused"], self.refused_by_replay(log, file))
        heavy = [warning for warning in drawn["warnings"] if "partner" in warning]
        self.assertEqual(len(heavy), 1)
        self.assertIn("give it a tier of its own", heavy[0])
        self.assertIn("# WARNING: " + heavy[0], file.read_text())
        _, table = self.suggest(log, "--force", name="partner.yaml")
        self.assertIn("warning: " + heavy[0], table.stdout)
        self.assertIn("would refuse", table.stdout)

    def test_what_it_says_of_all_traffic_is_what_replay_finds(self):
        file, done = self.suggest(self.log, "--json", name="tried.yaml")
        drawn = json.loads(done.stdout)
        self.assertGreater(drawn["odd"]["refused"], 100)
        self.assertEqual(drawn["well_behaved"]["refused"] + drawn["odd"]["refused"],
                         self.refused_by_replay(self.log, file))

    def test_a_user_in_two_tiers_has_one_need(self):
        rows = [(600 * who + 3 * i, f"192.0.2.{who}", f"u{who}", ("PRM", "STD")[i % 2], "/x")
                for who in range(100) for i in range(16)]
        log = self.csv_log("two.csv", rows)
        file, done = self.suggest(log, "--json", name="two.yaml")
        limits = json.loads(done.stdout)["endpoints"][0]["limits"]
        for tier in ("PRM", "STD"):
            self.assertEqual(limits[tier]["needed_per_minute"], 16)
            self.assertEqual(limits[tier]["touched"], 0)
        self.assertEqual(self.refused_by_replay(log, file), 0)

    def test_a_log_out_of_order_gives_the_limits_of_a_sorted_one(self):
        rows = [(60 * i, "192.0.2.1", "", "STD", "/x") for i in range(60)]
        rows += [(60 * i + 1, "192.0.2.2", "", "STD", "/x") for i in range(60)]
        log = self.csv_log("sorted.csv", rows)
        head, *lines = log.read_text().splitlines()
        mixed = self.folder / "mixed.csv"
        mixed.write_text("\n".join([head, *lines[:20], *reversed(lines[20:])]) + "\n")
        file, _ = self.suggest(log, "--json", name="sorted.yaml")
        disordered, done = self.suggest(mixed, "--json", name="mixed.yaml")
        limits = file.read_text().split("endpoints:")[1]
        self.assertEqual(disordered.read_text().split("endpoints:")[1], limits)
        self.assertIn("were put in order", disordered.read_text())
        self.assertEqual(json.loads(done.stdout)["late"], 0)

    def test_what_can_not_be_put_in_order_is_said_beside_the_figures(self):
        rows = [(60 * i, "192.0.2.1", "", "STD", "/x") for i in range(600)]
        log = self.csv_log("long.csv", rows)
        head, *lines = log.read_text().splitlines()
        log.write_text("\n".join([head, *lines[300:], *lines[:300]]) + "\n")
        file, done = self.suggest(log, name="long.yaml")
        for text in (file.read_text(), done.stdout):
            self.assertIn("sort the input by time", text)

    def test_missed_attackers_that_set_a_limit_are_named(self):
        rows = [(60 * (i % 7) + who % 60, f"192.0.2.{who % 250}", f"u{who}", "STD", "/browse")
                for who in range(1500) for i in range(3)]
        rows += [(second, f"198.51.100.{who}", "", "STD", "/browse") for who in range(3)
                 for second in range(40)]
        log = self.csv_log("missed.csv", rows)
        file, done = self.suggest(log, "--json", name="missed.yaml")
        drawn = json.loads(done.stdout)
        limit = drawn["endpoints"][0]["limits"]["STD"]
        self.assertEqual((limit["needed_at_99_per_minute"], limit["needed_per_minute"]), (1, 40))
        self.assertEqual(limit["limit_per_minute"], 60, "the formula stays")
        warning = next(w for w in drawn["warnings"] if "is set by few" in w)
        for part in ("browse STD: 60/min", "198.51.100.0 (40 a minute)", "--share 99 draws 10/min"):
            self.assertIn(part, warning)
        self.assertIn("# WARNING: " + warning, file.read_text())

    def test_of_few_the_busiest_sets_the_limit_and_that_is_said(self):
        log = self.csv_log("few.csv", [(i, f"192.0.2.{i % 9}", "", "STD", "/x") for i in range(90)])
        file, done = self.suggest(log, name="few.yaml")
        self.assertIn("(of so few that is the busiest)", file.read_text())
        self.assertIn("Of fewer than 1000 addresses 99.9 % are all", done.stdout)
        self.assertIn("no limits, for nobody came here: what no endpoint above matches passes", file.read_text())

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
