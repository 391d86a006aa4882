"""What operators type against a running gate: why, unblock, shadow-report, mode."""

import json
import socket
import threading
import unittest

from harness import free_port, run, wait_until
from serving import CONFIG, Serving


class ShellTest(Serving):
    def shell(self, *arguments, status=0):
        done = self.gate.shell(*arguments)
        self.assertEqual(done.returncode, status, done)
        return done.stdout if status == 0 else done.stderr

    def test_why_names_the_limit_and_the_reason(self):
        for _ in range(4):
            refused = self.gate.check("203.0.113.1", "/payment/1", user_id="u1")
        words = self.shell("why", "--user", "u1")
        for word in ("denied", "/payment/1", "over_limit", "limit 6 a minute", refused["decision"]):
            self.assertIn(word, words)
        wait_until(lambda: "203.0.113.1: " in self.shell("why", "--client", "203.0.113.1"), "its figures are folded")
        self.assertIn(refused["decision"], self.shell("why", "--id", refused["decision"], "--json"))
        self.assertIn("--user", self.shell("why", status=2))

    def test_why_says_that_an_id_is_unknown(self):
        self.assertEqual(self.shell("why", "--id", "deadbeef", status=1),
                         "tidelimit why: no decision has the id deadbeef; denials and a sample of passes are kept, "
                         "for 24h (`retention.decisions`)\n")
        self.shell("why", "--id", "deadbeef", "--json", status=1)

    def test_why_tells_the_newest_and_counts_the_rest(self):
        for _ in range(20):
            self.gate.check("203.0.113.1", "/payment/1", user_id="u1")
        wait_until(lambda: len(self.gate.get("/v1/decisions?user=u1").json["decisions"]) >= 17, "they are kept")
        words = self.shell("why", "--user", "u1")
        self.assertEqual(words.count("    decision "), 10)
        self.assertRegex(words, r"\.\.\. and \d+ more \(--all prints them\):\n")
        self.assertRegex(words, r"\n +7  denied +over_limit +-\n")
        words = self.shell("why", "--user", "u1", "--all")
        self.assertGreaterEqual(words.count("    decision "), 17)
        self.assertNotIn("more", words)

    def test_what_clients_wrote_does_not_speak_to_the_terminal(self):
        user, shown = "a\x1b[31mRED\nfake line: passed", r"a\x1b[31mRED\x0afake line: passed"
        for _ in range(4):
            self.gate.check("203.0.113.1", "/payment/\x1b[1A", user_id=user)
        words = self.shell("why", "--user", user)
        self.assertIn(f"user {shown}, verdict", words)
        self.assertIn(r"/payment/\x1b[1A  (", words)
        self.assertIn(f"user/{shown} passes", self.shell("unblock", "--user", user))
        self.assertIn(r"by hand\x1b[m", self.shell("mode", "all", "shadow", "--reason", "by hand\x1b[m"))
        self.assertIn(r"by hand\x1b[m", self.shell("mode", "--changes"))

    def test_unblock_and_undo(self):
        self.override("203.0.113.1", action="block", **{"for": "1h"})
        self.assertIn("203.0.113.1 passes until", self.shell("unblock", "--client", "203.0.113.1", "--for", "1h"))
        self.assertTrue(self.gate.check("203.0.113.1")["allowed"])
        self.assertIn("but for a verdict that it ended", self.shell("unblock", "--client", "203.0.113.1", "--undo"))
        self.assertEqual(self.gate.get("/v1/overrides").json["overrides"], [])
        self.shell("unblock", "--user", "u/1 x", "--permanent")
        self.assertEqual(self.gate.get("/v1/overrides").json["overrides"][0]["target"], "user/u/1 x")
        self.assertIn("--for is longer than 7d; shorten it, or say --permanent",
                      self.shell("unblock", "--user", "u1", "--for", "30d", status=2))

    def test_unblock_refuses_what_contradicts_itself(self):
        for options in (("--permanent", "--for", "1h"), ("--undo", "--permanent"), ("--undo", "--for", "1h")):
            self.shell("unblock", "--client", "203.0.113.1", *options, status=2)
        self.assertEqual(self.gate.get("/v1/overrides").json["overrides"], [])

    def test_unblock_says_where_it_is_not_kept(self):
        words = "without `state` the gate forgets it at its next stop"
        self.assertNotIn(words, self.shell("unblock", "--client", "203.0.113.1"))
        self.gate.stop()
        self.gate.write("\n".join(line for line in CONFIG.splitlines() if not line.startswith("state:")))
        self.gate.start()
        self.assertIn(words, self.shell("unblock", "--client", "203.0.113.1"))

    def test_a_shadow_report_over_no_request_is_no_proof(self):
        done = self.gate.shell("shadow-report", "--since", "1h")
        self.assertEqual(done.returncode, 1)
        self.assertIn("no request in that time", done.stderr)
        self.assertIn("no request, so nothing is shown", done.stdout)
        self.assertNotIn("within the bound", done.stdout)

    def test_shadow_report_says_what_a_label_says(self):
        self.shell("mode", "all", "shadow", "--for", "1h")
        for client in ("203.0.113.1", "203.0.113.2"):
            for _ in range(5):
                self.gate.check(client, "/payment/1")
        for client, word in (("203.0.113.1", "malicious"), ("203.0.113.2", "not_malicious")):
            self.gate.call("PUT", f"/v1/labels/{client}", {"label": word})
        told = self.gate.shell("shadow-report", "--max-harm", "60%").stdout
        self.assertRegex(told, r"203\.0\.113\.1 .* malicious \(label\) ")
        self.assertRegex(told, r"203\.0\.113\.2 .* not_malicious \(label\) ")
        self.assertNotIn("normal (label)", told)

    def test_shadow_report_names_who_would_have_been_denied(self):
        self.shell("mode", "all", "shadow", "--for", "1h")
        for _ in range(5):  # three at once are allowed
            self.assertTrue(self.gate.check("203.0.113.1", "/payment/1", user_id="u1")["allowed"])
        words = self.shell("shadow-report", status=1)  # at once: what waits to be written is counted
        self.assertEqual(words, "", "above the bound is no error")
        words = self.shell("shadow-report", "--since", "1h", "--max-harm", "60%")
        for word in ("user/u1", "payment", "over_limit", "(base limit)", "2 would have been denied", "within the bound"):
            self.assertIn(word, words)
        self.assertEqual(self.gate.shell("shadow-report", "--max-harm", "0.01%").returncode, 1)
        self.assertIn("is no share", self.shell("shadow-report", "--max-harm", "many", status=2))
        self.assertIn('--max-harm: "1" is no share: write 1% or 0.01', self.shell("shadow-report", "--max-harm", "1", status=2))
        self.assertEqual(self.gate.get("/v1/shadow", token=False).status, 401)

    def test_shadow_report_says_how_many_rows_it_leaves_out(self):
        self.shell("mode", "all", "shadow", "--for", "1h")
        for user in range(23):
            for _ in range(4):
                self.gate.check("203.0.113.1", "/payment/1", user_id=f"u{user}")
        words = self.shell("shadow-report", "--max-harm", "60%")
        self.assertTrue(words.endswith("\n... and 3 more (--rows 23 prints them)\n"), words)
        self.assertNotIn("more", self.shell("shadow-report", "--max-harm", "60%", "--rows", "23"))

    def test_a_rule_that_is_only_watched_does_not_excuse_what_it_would_block(self):
        self.gate.write(CONFIG.replace("odd-tool, when", "odd-tool, mode: shadow, when")
                        .replace("verdict: suspicious, limit: 10/min", "action: block"))
        wait_until(lambda: "shadow" in next(line for line in self.shell("mode").splitlines() if "rule/odd-tool" in line),
                   "the rule is watched")
        clients = ["203.0.113.1", "203.0.113.2"]
        for client in clients:
            failed = {"client_ip": client, "path": "/browse/1", "status": 404, "user_agent": "PostmanRuntime/7.32"}
            for _ in range(25):
                self.gate.check(client, "/browse/1", user_agent="PostmanRuntime/7.32")
            self.gate.client.call("POST", "/v1/report", [failed] * 25)
        wait_until(lambda: len(self.gate.get("/v1/verdicts").json["verdicts"]) == 2, "there are verdicts")
        before = self.gate.get("/v1/shadow").json["would_deny"]
        for client in clients:
            for _ in range(10):
                self.assertTrue(self.gate.check(client, "/browse/1")["allowed"])
        found = self.gate.get("/v1/shadow?part=rule/odd-tool").json
        self.assertEqual(found["would_deny"] - before, 20)
        self.assertEqual(found["harmed_requests"], found["would_deny"])
        self.assertEqual(found["principals_harmed"], 2)
        self.assertEqual([row["verdict"] for row in found["by_principal"]], ["malicious (watched)"] * 2)
        self.assertIs(type(found["requests"]), int)
        kept = self.gate.get(f"/v1/decisions?client={clients[0]}").json["decisions"]
        self.assertEqual({one["verdict"] for one in kept if one["outcome"] == "shadow_deny"}, {"malicious"})
        done = self.gate.shell("shadow-report", "--part", "rule/odd-tool")
        self.assertEqual(done.returncode, 1)
        self.assertIn("ABOVE the bound", done.stdout)
        # The operator knows one of them.
        self.assertEqual(self.gate.call("PUT", f"/v1/labels/{clients[0]}", {"label": "malicious", "reason": "seen"}).status, 200)
        found = self.gate.get("/v1/shadow?part=rule/odd-tool").json
        self.assertEqual(found["principals_harmed"], 1)
        self.assertEqual([(row["principal"], row["verdict"]) for row in found["by_principal"]],
                         [(clients[1], "malicious (watched)"), (clients[0], "malicious (label)")])

    def test_a_shadow_report_in_which_denials_were_dropped_is_no_proof(self):
        self.shell("mode", "all", "shadow", "--for", "1h")
        self.override("203.0.113.1", action="block", **{"for": "1h"})
        self.gate.flood(20_000, path="/payment/1", user_id="u{}")  # more kinds than there is room for
        self.assertGreater(self.gate.count("tidelimit_decision_records_dropped_total"), 0, "or it was too slow a flood")
        wait_until(lambda: self.gate.get("/v1/shadow").json["would_deny"] > 0, "some are kept")
        self.assertIn("too fast to be kept", self.shell("shadow-report", "--max-harm", "100%", status=1))
        done = self.gate.shell("shadow-report", "--max-harm", "100%")
        self.assertIn("not known, some were not kept", done.stdout)
        found = json.loads(self.gate.shell("shadow-report", "--max-harm", "100%", "--json").stdout)
        self.assertGreater(found["dropped"], 0)
        self.assertIsNotNone(found["last_dropped"])
        self.assertFalse(found["complete"])
        found = self.gate.get("/v1/decisions").json
        self.assertGreater(found["dropped"], 0)
        self.assertFalse(found["complete"])
        self.assertIn("not all is here", self.shell("why", "--user", "u1"))
        wait_until(lambda: "decisions come too fast to be kept" in self.gate.get("/readyz?verbose").body, "told")

    def test_a_flood_of_one_client_hides_no_denial_of_another(self):
        self.gate.flood(20_000, path="/payment/1", user_id="flood")
        denied = [self.gate.check("203.0.113.9", "/payment/1", user_id="u1")["decision"] for _ in range(20)][3:]
        found = self.gate.get("/v1/decisions?user=u1").json
        self.assertEqual([d["decision"] for d in found["decisions"] if not d["allowed"]], denied[::-1])
        self.assertEqual((found["dropped"], found["complete"]), (0, True))
        found = self.gate.get("/v1/decisions?user=flood").json["decisions"]
        self.assertEqual(sum(1 + d["repeats"] for d in found if not d["allowed"]), 20_000 - 3)
        self.assertRegex(self.shell("why", "--user", "flood", "--all"), r"    and \d+ more like it within a second\n")
        self.assertEqual(self.gate.count("tidelimit_decision_records_dropped_total"), 0)

    def test_users_with_a_long_beginning_in_common_are_told_apart(self):
        a, b = (f"CN=alice,OU={'x' * 60},O=Example{one}" for one in "AB")
        self.override("user/" + a, action="block", reason="ticket 7", **{"for": "1h"})
        self.assertFalse(self.gate.check("203.0.113.1", "/payment/1", user_id=a)["allowed"])
        self.assertTrue(self.gate.check("203.0.113.2", "/payment/1", user_id=b)["allowed"])
        words = self.shell("why", "--user", a)
        self.assertRegex(words, rf"user {a[:64]}…[0-9a-f]{{16}}, ")
        self.assertIn("ticket 7", words)
        self.assertNotIn("denied", self.shell("why", "--user", b))
        name = self.gate.get("/v1/decisions?client=203.0.113.1").json["decisions"][0]["user"]
        self.assertEqual(self.shell("why", "--user", name), words)

    def test_mode(self):
        self.assertIn("all       enforce", self.shell("mode"))
        self.assertIn("all       shadow", self.shell("mode", "all", "shadow", "--for", "1h"))
        self.assertEqual(self.gate.get("/v1/mode").json["all"], "shadow")
        self.shell("mode", "all", status=2)
        for word in ("anomaly", "anomalies"):
            self.assertIn("anomaly   off", self.shell("mode", word, "off"))
            self.assertEqual(self.gate.get("/v1/mode").json["anomaly"], "off")
            self.shell("mode", word, "configured")
            self.assertIn("no request in that time", self.shell("shadow-report", "--part", word, status=1))

    def test_mode_of_one_part(self):
        self.assertIn("enforce 30 %", self.shell("mode", "endpoint/payment", "0.3"))
        words = self.shell("mode", "endpoint/payment", "25%", "--for", "1h", "--reason", "a try")
        self.assertRegex(words, r"endpoint/payment +enforce 25 %, until 20[-\dT:]*(\.\d{1,3})?Z, by .*: a try "
                                r"\(configured: enforce\)")
        parts = {part["part"]: part for part in self.gate.get("/v1/modes").json["parts"]}
        self.assertEqual((parts["endpoint/payment"]["mode"], parts["endpoint/payment"]["enforced_ratio"]), ("enforce", 0.25))
        wait_until(lambda: [limit for limit in self.gate.get("/v1/plan").json["limits"]
                            if limit["endpoint"] == "payment" and limit["enforced_ratio"] == 0.25 and limit["mode_until"]],
                   "the plan knows of it")
        let_in = sum(all(self.gate.check("203.0.113.1", "/payment/1", user_id=f"u{user}")["allowed"] for _ in range(5))
                     for user in range(80))
        self.assertTrue(40 <= let_in <= 75, f"{let_in} of 80 users are only watched")
        wait_until(lambda: self.gate.get("/v1/shadow?part=endpoint/payment").json["would_deny"] == 2 * let_in,
                   "what they would have been denied is kept")
        self.assertEqual(self.gate.get("/v1/shadow?part=endpoint/browse").json["would_deny"], 0)
        self.assertIn("a try", self.shell("mode", "--changes"))
        self.shell("mode", "endpoint/payment", "configured")
        self.assertNotIn("until", self.shell("mode"))
        for part, mode, word in (("endpoint/pay", "shadow", "endpoint/payment"), ("rule/99", "shadow", "rule/99"),
                                 ("endpoint/x", "shadow", 'unknown part "endpoint/x"; there are: forecast, '),
                                 ("all", "0%", "share"), ("all", "5", "like 5%"), ("all", "1", "like 1%"), ("all", "loud", "configured")):
            refused = self.gate.shell("mode", part, mode)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(word, refused.stderr)
            self.assertNotIn("reason", refused.stderr)

    def test_no_gate_no_token(self):
        lost = run("mode", "--url", f"http://127.0.0.1:{free_port()}", "--token-file",
                   self.gate.folder / "var/admin.token")
        self.assertEqual(lost.returncode, 1)
        self.assertIn("is the gate running", lost.stderr)
        lost = run("mode", "--url", f"http://127.0.0.1:{self.gate.http_port}", "--token-file", "/nowhere/token")
        self.assertIn("/nowhere/token", lost.stderr)
        self.assertNotEqual(lost.returncode, 0)

    def test_what_answers_no_http_is_no_gate(self):
        def greet():
            caller, _ = server.accept()
            with caller:
                caller.recv(4096)
                caller.sendall(b"220 mail here\r\n")

        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            threading.Thread(target=greet, daemon=True).start()
            lost = run("mode", "--url", url, "--token-file", self.gate.folder / "var/admin.token")
        self.assertEqual(lost.returncode, 1)
        self.assertIn(f"{url}: the answer is no HTTP; is it a tidelimit gate?", lost.stderr)


if __name__ == "__main__":
    unittest.main()
