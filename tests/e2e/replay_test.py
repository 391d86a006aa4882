"""`tidelimit replay` and `tidelimit explain` as an operator runs them, on logs made by hand, generated, and real."""

import gzip
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from harness import BINARY, SOURCE

REAL_LOGS = SOURCE.parent / "shared" / "data" / "logs"

SHOP = """
mode: {mode}
tiers: [PRM, STD]
identity: {{ user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }}
endpoints:
  - {{ name: payment, match: "/payment/**", limits: {{ PRM: 300/min, STD: 100/min }} }}
  - {{ name: browse, match: "/browse/**", limits: {{ PRM: 300/min, STD: {browse} }} }}
rules:
  - {{ name: attacker, when: {{ verdict: malicious }}, then: {{ action: block, for: 15m }} }}
  - {{ name: odd-tool, when: {{ user_agent: "Postman*", error_rate: 0.5, requests: 20 }}, then: {{ verdict: suspicious, limit: 10/min, for: 10m }} }}
"""


def run(*arguments, status=0, stdin=None):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, input=stdin, timeout=240)
    if done.returncode != status:
        raise AssertionError(f"{arguments}: status {done.returncode}, not {status}\n{done.stderr[-2000:]}")
    return done


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def shop(self, name="shop.yaml", mode="enforce", browse="100/min"):
        return self.write(name, SHOP.format(mode=mode, browse=browse))

    def busy_log(self, name="busy.csv"):
        """One client asks 150 times within one and a half seconds, where 100 a minute are allowed."""
        rows = [f"{1_795_000_000 + i / 100:.2f},192.0.2.1,/browse/1,200" for i in range(150)]
        return self.write(name, "\n".join(["timestamp,client_ip,path,status", *rows]) + "\n")

    def replay(self, *arguments, **more):
        return json.loads(run("replay", *arguments, "--json", **more).stdout)

    def assert_adds_up(self, report):
        self.assertEqual(report["allowed"] + report["denied"], report["requests"])
        self.assertEqual(sum(report["by_reason"].values()), report["denied"])
        cells = [cell for tiers in report["by_endpoint"].values() for cell in tiers.values()]
        self.assertEqual(sum(cell["allowed"] for cell in cells), report["allowed"])
        self.assertEqual(sum(cell["denied"] for cell in cells), report["denied"])


class Replay(Folder):
    def test_counts_what_a_limit_denies(self):
        report = self.replay(self.busy_log(), "--config", self.shop())
        self.assertEqual(report["requests"], 150)
        self.assertEqual(report["by_endpoint"]["browse"]["STD"]["allowed"], 102)
        self.assertEqual(report["by_reason"], {"over_limit": 48})
        self.assertEqual(report["harmed"]["examples"][0]["client"], "192.0.2.1")
        self.assertGreater(report["requests_per_second"], 0)
        self.assert_adds_up(report)

    def nginx_log(self, name, fields):
        """The same in the words of deploy/nginx, each line with the next of these fields."""
        return self.write(name, "".join(
            json.dumps({"msec": f"{1_795_000_000 + i / 100:.3f}", "client_ip": "192.0.2.1", "method": "GET",
                        "request_uri": "/browse/1", "status": "200", "request_time": "0.010",
                        **fields[i % len(fields)]}) + "\n"
            for i in range(150)))

    def test_charges_no_limit_for_what_the_gate_was_never_asked_about(self):
        shop = self.shop()
        answered = {"asked": "1", "gate": "", "own_denial": "false"}
        own = {**answered, "asked": "0", "status": "400", "request_time": "0.000"}
        log = self.nginx_log("nginx.log", [answered, own, answered])
        done = run("replay", log, "--config", shop, "--json")
        report = json.loads(done.stdout)
        self.assertEqual((report["requests"], report["denied"]), (100, 0))
        self.assert_adds_up(report)
        note = "50 of 150 requests were answered by the gateway, which never asked tidelimit"
        self.assertIn(note, done.stderr)
        against = self.replay(log, "--config", shop, "--against", self.shop("narrow.yaml", browse="50/min"))
        self.assertEqual(against["requests"], 100)
        self.assertIn(note, run("inspect", log).stdout)
        inspected = json.loads(run("inspect", log, "--json").stdout)
        self.assertEqual((inspected["requests"], inspected["never_asked"]), (150, 50))
        self.assertEqual(inspected["endpoints"]["browse"]["requests"], 100)
        suggested = json.loads(run("suggest", log, "-o", self.folder / "suggested.yaml", "--json").stdout)
        self.assertEqual(suggested["requests"], 100)

    def test_decides_what_other_lines_are_of(self):
        shop = self.shop()
        down = {"asked": "1", "gate": "down", "own_denial": "false"}
        others = {
            "down": [down], "unprotected": [{"asked": "0", "gate": "", "own_denial": "false"}],
            "foreign": [{"gate": "B12", "asked": "yes"}, {"gate": 0, "asked": 0}, {"gate": {"asked": "0"}, "asked": ["0"]}]}
        for name, fields in others.items():
            done = run("replay", self.nginx_log(name, fields), "--config", shop, "--json")
            report = json.loads(done.stdout)
            self.assertEqual((report["requests"], report["denied"]), (150, 48), name)
            self.assertNotIn("never asked", done.stderr, name)

    def test_inspect_counts_the_order_alike(self):
        times = [60, 20, 30, 40, 70, 10, 80]
        rows = [f"{1_795_000_000 + t},192.0.2.1,/browse/1" for t in times]
        log = self.write("mixed.csv", "\n".join(["timestamp,client_ip,path", *rows]) + "\n")
        inspected = json.loads(run("inspect", log, "--json").stdout)
        replayed = self.replay(log, "--config", self.shop())
        for report in (inspected, replayed):
            self.assertEqual(report["out_of_order"], 4)
            self.assertEqual(report["first"], "2026-11-18T11:06:50Z")
            self.assertEqual(report["last"], "2026-11-18T11:08:00Z")

    def test_reads_standard_input_and_counts_unreadable_lines(self):
        text = self.busy_log().read_text() + "garbage\n"
        report = self.replay("-", "--config", self.shop(), stdin=text)
        self.assertEqual((report["requests"], report["unreadable"]), (150, 1))
        run("replay", "-", "--config", self.shop(), "--strict", stdin=text, status=2)

    def test_strict_refuses_what_cannot_be_read_as_bad_input(self):
        good = self.busy_log().read_text()
        log = self.write("broken.csv", good + "garbage\n")
        for command in (["replay", log, "--config", self.shop()], ["inspect", log], ["train", log, "-o", self.folder / "m"]):
            said = run(*command, "--strict", status=2).stderr
            self.assertIn(f"{log}:152: not as many columns as the header: garbage", said)
            self.assertIn("leave out --strict", said)
        self.assertFalse((self.folder / "m").exists())
        cut = self.folder / "cut.csv.gz"
        cut.write_bytes(gzip.compress(good.encode() * 20)[:-400])
        said = run("inspect", cut, "--strict", status=2).stderr
        self.assertIn(f"{cut}: the gzip stream", said)
        self.assertIn("leave out --strict", said)

    def test_rotated_files_are_read_in_the_order_of_their_times(self):
        def day(n):
            return "".join(
                f'192.0.2.{n} - - [{n:02}/Jan/2026:00:00:{i:02} +0000] "GET /browse/{i} HTTP/1.1" 200 5 "-" "-"\n' for i in range(60)
            )

        whole = self.write("whole.txt", day(1) + day(2) + day(3))
        self.write("access.log", day(3))
        self.write("access.log.1", day(2))
        (self.folder / "access.log.2.gz").write_bytes(gzip.compress(day(1).encode()))
        rotated = self.folder / "access.log*"
        done = run("inspect", rotated, "--json")
        self.assertIn(
            f"note: the inputs are read in the order of their times: {self.folder}/access.log.2.gz, "
            f"{self.folder}/access.log.1, {self.folder}/access.log\n",
            done.stderr,
        )
        self.assertEqual(json.loads(done.stdout)["out_of_order"], 0)
        named = [self.folder / name for name in ("access.log", "access.log.2.gz", "access.log.1")]
        expected = self.replay(whole, "--config", self.shop())
        for inputs in ([rotated], named):
            report = self.replay(*inputs, "--config", self.shop())
            for figure in ("requests", "by_endpoint", "by_reason", "first", "last"):
                self.assertEqual(report[figure], expected[figure], figure)
        # Standard input keeps its place, and nothing is said where nothing changes.
        done = run("inspect", self.folder / "access.log.1", "-", "--json", stdin=day(1))
        self.assertEqual(json.loads(done.stdout)["requests"], 120)
        self.assertNotIn("order", done.stderr)

    def test_one_wrong_clock_does_not_carry_everything_with_it(self):
        rows = [f"{1_795_000_000 + 60 * i},192.0.2.{i % 200},/browse/1,200" for i in range(3000)]
        honest = self.write("honest.csv", "\n".join(["timestamp,client_ip,path,status", *rows]) + "\n")
        for name, wrong in (("future", "2099-01-01T00:00:00Z"), ("past", "1970-01-01T00:00:00Z")):
            log = self.write(f"{name}.csv", honest.read_text().replace("\n1795060000,", f"\n{wrong},"))
            inspected = json.loads(run("inspect", log, "--json").stdout)
            self.assertEqual((inspected["lines"], inspected["requests"], inspected["unreadable"]), (3000, 2999, 1))
            self.assertEqual((inspected["first"][:4], inspected["last"][:4]), ("2026", "2026"))
            done = run("replay", log, "--config", self.shop(), "--json")
            report = json.loads(done.stdout)
            self.assertEqual((report["requests"], report["unreadable"]), (2999, 1))
            self.assertEqual((report["first"][:4], report["last"][:4]), ("2026", "2026"))
            self.assertIn("a time far from all others (a wrong clock?)", done.stderr)
            self.assertIn(f"{log}:1002: {wrong},192.0.2.0,", done.stderr)
            said = run("inspect", log, "--strict", status=2).stderr
            self.assertIn(f"{log}:1002: a time far from all others", said)
            trained = run("train", log, "-o", self.folder / f"{name}-model", "--epochs", 1)
            self.assertIn("trained on 2026-", trained.stdout)

    def test_shadow_denies_nothing(self):
        shadow = self.shop(mode="shadow")
        report = self.replay(self.busy_log(), "--config", shadow)
        self.assertEqual((report["denied"], report["would_deny"]), (0, 48))
        self.assertEqual(report["would_deny_by_reason"], {"over_limit": 48})
        self.assertIn("would have been denied", run("replay", self.busy_log(), "--config", shadow).stdout)
        self.assertEqual(self.replay(self.busy_log(), "--config", shadow, "--enforce")["denied"], 48)
        page = self.folder / "report.html"
        run("replay", self.busy_log(), "--config", shadow, "--report", page)
        self.assertIn("</i>would be denied over the limit</span>", page.read_text())
        run("replay", self.busy_log(), "--config", self.shop(), "--report", page)
        self.assertIn("</i>over the limit</span>", page.read_text())

    def test_shadow_counts_every_reading_of_a_path_as_enforce_does(self):
        def config(mode):
            limit = "limits: { STD: 2/min }"
            return self.write(f"{mode}.yaml", f"mode: {mode}\nendpoints:\n  - {{ name: a, match: /a/**, {limit} }}\n"
                              f"  - {{ name: b, match: /b/**, {limit} }}\n  - {{ name: other, {limit} }}\n")

        for plain, odd in (("/a/1", "/b/#/../../a/1"), ("/b/1", "/b/..;/c")):
            log = self.write("odd.log", "".join(
                f'192.0.2.1 - - [22/Dec/2016:16:30:0{i} +0000] "GET {path} HTTP/1.1" 200 5 "-" "x"\n'
                for i, path in enumerate([plain] * 2 + [odd] * 3)))
            for mode, key in (("enforce", "denied"), ("shadow", "would_deny")):
                with self.subTest(path=odd, mode=mode):
                    report = self.replay(log, "--config", config(mode))
                    self.assertEqual(report[key], 3)
                    self.assertEqual(report["rules"]["limits"][key], 3)
                    self.assertEqual(report["harmed"]["requests"], 3)

    def test_a_path_that_is_denied_at_another_endpoint_is_counted_there(self):
        log = self.write("odd.log", "".join(
            f'192.0.2.1 - - [22/Dec/2016:16:30:0{i} +0000] "GET /browse/..%2f..%2fetc%2fpasswd HTTP/1.1" 200 5 "-" "x"\n'
            for i in range(10)))
        config = self.write("odd.yaml", "mode: enforce\nendpoints:\n  - { name: browse, match: /browse/** }\n"
                            "  - { name: search, match: /search/**, limits: { STD: 1/d } }\n")
        cells = self.replay(log, "--config", config)["by_endpoint"]
        self.assertEqual((cells["other"]["STD"]["allowed"], cells["search"]["STD"]["denied"]), (1, 9))

    def users_log(self, name, seconds, latency):
        """Twenty a second of 200 users, each answered within `latency(second)` milliseconds."""
        return self.write(name, "timestamp,client_ip,user_id,user_tier,path,status,latency_ms\n" + "".join(
            f"{1_795_000_000 + i / 20:.2f},192.0.2.{i % 200},u{i % 200},STD,/browse/1,200,{latency(i // 20)}\n"
            for i in range(seconds * 20)))

    def what_moved(self, log, config):
        """The episodes of totals or of shedding; the words and the page say the same."""
        page = self.folder / "moved.html"
        words = run("replay", log, "--config", config, "--report", page).stdout
        return self.replay(log, "--config", config), words, page.read_text()

    def test_tells_of_totals_that_division_sets(self):
        config = self.write("divide.yaml", "mode: enforce\ntiers: [STD]\nendpoints:\n"
                            "  - { name: browse, match: /browse/**, limits: { STD: { rate: 300/min, total: 100/s } } }\n"
                            "upstreams: [ { name: core, capacity: 10/s, endpoints: [browse] } ]\n")
        report, words, page = self.what_moved(self.users_log("crowd.csv", 180, lambda _: 20), config)
        self.assertGreater(report["by_reason"]["reduced_capacity"], 500)
        totals = [change for change in report["plan_changes"] if change["of"] == "total"]
        self.assertTrue(totals)
        self.assertEqual({change["before_scale"] for change in totals}, {None})
        self.assertEqual(report["rules"]["capacity"]["plan_changes"], len([c for c in report["plan_changes"] if c["rule"]]))
        episode = next(e for e in report["episodes"] if e["of"] == "total")
        self.assertEqual(episode["base_per_minute"], 6000)
        self.assertAlmostEqual(episode["lowest_per_minute"], 540, delta=60)
        self.assertRegex(words, r"browse STD total: 100/s -> [\d.]+/s, 2026-\S+ to .*, by capacity\n +core can take")
        self.assertRegex(words, r"What moved \(limits \d+, totals 1, shed 0; \d+ steps\)")
        self.assertRegex(words, r"browse +STD .* 300/min, 100/s in total\n")
        self.assertRegex(words, r"u\d+ .*  [\d.]+/s in total +capacity")
        self.assertTrue(all(p["limit_in_total"] for p in report["harmed"]["examples"]))
        self.assertIn("<b>browse: totals</b>", page)
        self.assertIn("<td>total</td>", page)

    def test_tells_of_what_is_shed(self):
        config = self.write("shed.yaml", "mode: shadow\ntiers: [STD]\nendpoints:\n"
                            "  - { name: browse, match: /browse/**, priority: low, limits: { STD: 300/min } }\n"
                            "rules: [ { name: over, when: { queueing: 100ms }, then: { action: shed } } ]\n")
        log = self.users_log("slow.csv", 1800, lambda second: 900 if 900 <= second < 1200 else 30)
        report, words, page = self.what_moved(log, config)
        self.assertGreater(report["would_deny_by_reason"]["load_shed"], 500)
        shed = [change for change in report["plan_changes"] if change["of"] == "shed"]
        self.assertTrue(shed)
        self.assertEqual({change["before_per_minute"] for change in shed}, {None})
        episode = next(e for e in report["episodes"] if e["of"] == "shed")
        self.assertLess(episode["lowest_scale"], 0.9)
        self.assertTrue(episode["cause"])
        self.assertEqual((episode["rule"], episode["shadow"]), ("over", True))
        self.assertRegex(words, r"browse STD shed: 0 % -> \d+ %, 2026-\S+ to .*, by over \(shadow\)\n")
        self.assertIn("<b>browse: shed</b>", page)
        self.assertIn("<td>shed</td>", page)

    def test_what_is_only_watched_is_told_from_what_is_in_force(self):
        rules = "".join(
            f"  - {{ name: {name}, mode: {mode}, when: {{ calendar: {{ from: 2026-11-18T11:{minute}:00Z, for: 5m }} }}, "
            f"then: {{ endpoints: [browse], tiers: [STD], scale: {scale} }} }}\n"
            for name, mode, minute, scale in (("sale", "enforce", "07", 0.8), ("trial", "shadow", "08", 0.2)))
        config = self.write("two.yaml", "mode: enforce\ntiers: [STD]\nendpoints:\n"
                            "  - { name: browse, match: /browse/**, limits: { STD: 300/min } }\nrules:\n" + rules)
        report, words, page = self.what_moved(self.users_log("two.csv", 1200, lambda _: 20), config)
        self.assertEqual({(e["rule"], e["shadow"], e["lowest_per_minute"]) for e in report["episodes"]},
                         {("sale", False, 240), ("trial", True, 60)})
        self.assertRegex(words, r"300/min -> 240/min, .*, by sale\n")
        self.assertRegex(words, r"300/min -> 60/min, .*, by trial \(shadow\)\n")
        self.assertIn("</i>STD in shadow</span>", page)

    def test_tells_a_verdict_that_is_only_reported_from_a_gate_in_shadow(self):
        rows = [f"{1_795_000_000 + i},{client},/account/{i},404,{agent}" for i in range(240)
                for client, agent in (("192.0.2.8", "scraper"), ("192.0.2.9", "tool"))]
        log = self.write("tools.csv", "\n".join(["timestamp,client_ip,path,status,user_agent", *rows]) + "\n")
        rules = ("endpoints: [ { name: account, match: /account/** } ]\nrules:\n"
                 "  - { name: scraper, when: { user_agent: scraper, requests: 20 }, then: { action: block, for: 1m } }\n"
                 "  - { name: tool, mode: shadow, when: { user_agent: tool, requests: 20 }, then: { limit: 10/min, for: 1m } }\n")
        for mode, does in (("enforce", ("block", "10/min (only reported)")),
                           ("shadow", ("would block", "10/min (only reported)"))):
            with self.subTest(mode):
                page = self.folder / "report.html"
                words = run("replay", log, "--config", self.write("rules.yaml", f"mode: {mode}\n{rules}"), "--report", page).stdout
                self.assertIn("Verdicts (2, on 2 clients)", words)
                self.assertIn("<b>2</b><span>verdicts</span><em>on 2 clients", page.read_text())
                for client, what in zip(("192.0.2.8", "192.0.2.9"), does):
                    self.assertRegex(words, rf"{re.escape(client)} +\w+ +{re.escape(what)}  ")
                    self.assertIn(f"<td>{what}</td>", page.read_text())

    def test_a_tool_with_errors_is_held(self):
        rows = [f"{1_795_000_000 + i},192.0.2.9,/account/{i},{404 if i % 4 else 200},PostmanRuntime/7" for i in range(240)]
        log = self.write("tool.csv", "\n".join(["timestamp,client_ip,path,status,user_agent", *rows]) + "\n")
        report = self.replay(log, "--config", self.shop())
        self.assertEqual([v["client"] for v in report["verdicts"]], ["192.0.2.9"])
        self.assertEqual(report["verdicts"][0]["verdict"], "suspicious")
        self.assertTrue(report["verdicts"][0]["reasons"])
        self.assertGreater(report["by_reason"]["client_limited"], 100)
        self.assertEqual(report["harmed"]["examples"], [])

    def test_against_itself_nothing_differs(self):
        shop = self.shop()
        report = self.replay(self.busy_log(), "--config", shop, "--against", shop)
        self.assertEqual((report["difference"]["allow_to_deny"], report["difference"]["deny_to_allow"]), (0, 0))
        self.assertEqual(report["against"]["denied"], report["denied"])

    def test_against_another_says_which_requests(self):
        tight = self.shop("tight.yaml", browse="50/min")
        report = self.replay(self.busy_log(), "--config", tight, "--against", self.shop())
        difference = report["difference"]
        self.assertEqual(difference["allow_to_deny"], 51)
        self.assertEqual(difference["by_endpoint"]["browse"]["STD"], {"allow_to_deny": 51, "deny_to_allow": 0})
        self.assertEqual(difference["examples"][0]["path"], "/browse/1")

    def test_examples_of_another_are_in_order_of_time(self):
        rows = [f"{1_795_000_000 + i / 100:.2f},192.0.2.1,/{('browse', 'payment')[i % 2]}/1,200" for i in range(300)]
        log = self.write("both.csv", "\n".join(["timestamp,client_ip,path,status", *rows]) + "\n")
        none = self.write("none.yaml", "mode: enforce\nendpoints:\n  - { name: a, match: /browse/** }\n"
                          "  - { name: b, match: /payment/** }\n")
        few = self.write("few.yaml", none.read_text().replace("/** }", "/**, limits: { STD: 5/min } }"))
        page = self.folder / "against.html"
        told = run("replay", log, "--config", few, "--against", none, "--report", page).stdout
        for found in ([e["time"] for e in self.replay(log, "--config", few, "--against", none)["difference"]["examples"]],
                      re.findall(r"allow -> deny +(\S+)  192", told)):
            self.assertGreater(len(found), 3)
            self.assertEqual(found, sorted(found))

    def test_is_the_same_every_time(self):
        log = self.folder / "generated.csv"
        run("generate", "-o", log, "--days", "1", "--seed", "5")
        first, second = (self.replay(log, "--config", self.shop()) for _ in range(2))
        del first["requests_per_second"], second["requests_per_second"]
        self.assertEqual(first, second)
        self.assert_adds_up(first)
        self.assertGreater(first["denied"], 0)

    def test_writes_one_page_that_needs_nothing_else(self):
        page = self.folder / "report.html"
        run("replay", self.busy_log(), "--config", self.shop(), "--against", self.shop("b.yaml", browse="50/min"),
            "--report", page)
        html = page.read_text()
        self.assertTrue(html.startswith("<!doctype html>"))
        self.assertIn("<svg", html)
        self.assertIsNone(re.search(r"(src|href)=", html))
        self.assertEqual([p.name for p in self.folder.glob("report*")], ["report.html"])
        run("replay", self.busy_log(), "--config", self.shop(), "--report", page)  # over its own
        self.assertNotEqual(page.read_text(), html)

    def test_the_page_tells_what_is_denied_from_what_would_be(self):
        page, log = self.folder / "report.html", self.busy_log()
        both = self.write("both.csv", log.read_text() + re.sub("/browse/", "/payment/", log.read_text().split("\n", 1)[1]))
        config = self.write("half.yaml", "mode: enforce\nendpoints:\n"
                            "  - { name: browse, match: /browse/**, limits: { STD: 100/min } }\n"
                            "  - { name: payment, match: /payment/**, mode: shadow, limits: { STD: 50/min } }\n")
        report = self.replay(both, "--config", config, "--report", page)
        self.assertGreater(report["denied"], 0)
        self.assertGreater(report["would_deny"], 0)
        self.assertIn(f"<b>{report['denied']}</b><span>denied</span>", page.read_text())
        self.assertIn(f"<b>{report['would_deny']}</b><span>would be denied</span>", page.read_text())

    def test_a_rate_is_shown_in_the_unit_of_the_configuration(self):
        page = self.folder / "report.html"
        for rate in ("100/h", "100/min", "1000/d", "2/s"):
            with self.subTest(rate):
                page.unlink(missing_ok=True)
                text = run("replay", self.busy_log(), "--config", self.shop(browse=rate), "--report", page).stdout
                number, unit = rate.split("/")
                shown = f"{int(number):,}/{unit}"
                self.assertRegex(text, rf"browse +STD .* {shown}\n", "table of endpoints")
                self.assertRegex(text, rf"192.0.2.1 .* {shown} ", "examples")
                self.assertIn(f">{shown}<", page.read_text())

    def test_says_where_no_model_judged_anybody(self):
        page = self.folder / "report.html"
        text = run("replay", self.busy_log(), "--config", self.shop(), "--report", page).stdout
        self.assertIn("no model judged them", text)
        self.assertNotIn("good principals", page.read_text())
        self.assertIn("no model judged who is good", page.read_text())

    def test_says_what_is_wrong(self):
        log = self.busy_log()
        for arguments, words in [
            (["nowhere.log", "--config", self.shop()], "nowhere.log"),
            ([log, "--config", "nowhere.yaml"], "nowhere.yaml"),
            ([log], "--config"),
            ([log, "--config", self.write("bad.yaml", "endpoints: [ { name: a, limits: { STD: 5/fortnight } } ]")], "bad.yaml:1"),
            ([log, "--config", self.shop(), "--model", self.folder / "none"], "none"),
            ([self.write("empty.csv", ""), "--config", self.shop()], "empty"),
            ([self.write("windows.csv", "timestamp,value\n2026-01-01T00:00:00Z,5\n2026-01-01T00:15:00Z,6\n"),
              "--config", self.shop()], "windows"),
        ]:
            with self.subTest(words):
                done = run("replay", *arguments, status=2)
                self.assertIn(words, done.stderr)
                self.assertEqual(done.stdout, "")

    def test_real_logs(self):
        logs = sorted(REAL_LOGS.glob("*.log.gz")) if REAL_LOGS.is_dir() else []
        if not logs:
            self.skipTest("the real logs are not here")
        for log in logs:
            with self.subTest(log.name):
                config = self.write("real.yaml", "mode: enforce\nendpoints: [ { name: other, limits: { STD: 60/min } } ]\n")
                report = self.replay(log, "--config", config)
                lines = json.loads(run("inspect", log, "--json").stdout)["lines"]
                self.assertEqual(report["requests"] + report["unreadable"], lines)
                self.assert_adds_up(report)


class Explain(Folder):
    def test_says_why_a_client_was_judged(self):
        log, labels, bundle = (self.folder / name for name in ("access.csv", "labels.csv", "model"))
        run("generate", "-o", log, "--days", "2", "--seed", "3", "--labels", labels)
        config = self.shop()
        run("train", log, "--config", config, "--preset", "baseline", "-o", bundle)
        report = self.replay(log, "--config", config, "--model", bundle)
        judged = [v for v in report["verdicts"] if v["verdict"] == "malicious"]
        self.assertTrue(judged, "no attacker was found")
        client = judged[0]["client"]
        told = json.loads(run("explain", log, "--model", bundle, "--config", config, "--client", client, "--json").stdout)
        self.assertEqual(told["verdict"], "malicious")
        self.assertEqual(told["verdicts"][0]["from"], judged[0]["from"])
        self.assertEqual(told["reasons"], told["verdicts"][0]["reasons"])
        self.assertGreater(told["score"], told["threshold"])
        self.assertGreaterEqual(sum(look["evidence"] for look in told["evidence"]), 2)
        words = run("explain", log, "--model", bundle, "--client", client).stdout
        self.assertIn("malicious", words)
        self.assertIn("usual", words)
        hasty = self.write("hasty.csv", "timestamp,client_ip,method,path,status,user_agent\n" + "".join(
            f"{1_795_000_000 + i / 7:.2f},192.0.2.77,GET,/browse/{i},{404 if i % 10 == 0 else 200},python-requests/2.32\n"
            for i in range(840)))
        words = run("explain", hasty, "--model", bundle, "--client", "192.0.2.77").stdout
        self.assertIn("no verdict was raised", words)
        self.assertIn("alarm, no harm yet", words)
        self.assertRegex(words, r"harm begins, for this model, at \d+ requests a minute .* in 3 of the last five minutes")
        done = run("explain", log, "--model", bundle, "--client", "192.0.2.250", status=2)
        self.assertIn("no request in the input comes from 192.0.2.250", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
