"""What operators change while the real binary runs: overrides, labels and modes, behind the token."""

import signal
import unittest

from harness import wait_until
from serving import CONFIG, Serving


class TokenTest(Serving):
    def test_token_file_is_made_for_its_owner_alone(self):
        self.assertEqual((self.gate.folder / "var/admin.token").stat().st_mode & 0o777, 0o600)

    def test_changes_and_named_reads_need_the_token(self):
        guarded = [("GET", "/v1/verdicts"), ("GET", "/v1/clients/203.0.113.1"), ("GET", "/v1/decisions"),
                   ("GET", "/v1/overrides"), ("PUT", "/v1/overrides/203.0.113.1"), ("PUT", "/v1/mode"),
                   ("DELETE", "/v1/overrides/203.0.113.1")]
        for method, path in guarded:
            answer = self.gate.call(method, path, "{}" if method == "PUT" else None, token=False)
            self.assert_problem(answer, 401, "Bearer")
            self.assertIn("Bearer", answer.headers["WWW-Authenticate"])
            wrong = self.gate.client.call(method, path, None, {"Authorization": "Bearer wrong-wrong-wrong-wrong"})
            self.assertEqual(wrong.status, 401)
        for path in ("/v1/plan", "/v1/forecasts", "/v1/history", "/v1/mode"):
            self.assertEqual(self.gate.get(path, token=False).status, 200, path)

    def test_a_new_token_is_taken_up(self):
        token = self.gate.folder / "var/admin.token"
        token.write_text("# two people\nann:a-token-of-ann-12345\nbob:a-token-of-bob-12345\n")
        bearer = {"Authorization": "Bearer a-token-of-ann-12345"}
        wait_until(lambda: self.gate.client.get("/v1/verdicts", bearer).status == 200, "the new token opens")
        put = self.gate.client.call("PUT", "/v1/overrides/203.0.113.1",
                                    {"action": "block", "for": "1h", "reason": "x"}, bearer)
        self.assertEqual(put.json["by"], "ann")

    def test_a_token_file_that_is_removed_is_not_made_anew(self):
        token = self.gate.folder / "var/admin.token"
        kept = token.read_text()
        token.unlink()
        wait_until(lambda: "is gone" in self.gate.client.get("/readyz?verbose").body, "it is named")
        self.assertFalse(token.exists())
        bearer = {"Authorization": "Bearer " + kept.strip()}
        self.assertEqual(self.gate.client.get("/v1/verdicts", bearer).status, 200, "the old one stays")
        token.write_text(kept)
        token.chmod(0o600)
        wait_until(lambda: "is gone" not in self.gate.client.get("/readyz?verbose").body, "and well again")
        self.assertEqual(self.gate.client.get("/v1/verdicts", bearer).status, 200)


    def test_a_token_file_that_a_reload_names_is_missed_where_it_is_none(self):
        self.gate.write(CONFIG.replace("admin: { token_file: var/admin.token }", ""))
        old = {"Authorization": "Bearer " + self.gate.token}
        wait_until(lambda: self.gate.client.get("/v1/verdicts", old).status == 401, "no token opens any more")
        self.gate.write(CONFIG.replace("var/admin.token", "var/other.token"))
        wait_until(lambda: "var/other.token is gone" in self.gate.client.get("/readyz?verbose").body, "it is named")


class OverrideTest(Serving):
    def test_block_limit_and_allow(self):
        put = self.override("203.0.113.1", action="block", **{"for": "1h"}).json
        self.assertEqual((put["target"], put["action"], put["by"], put["permanent"]),
                         ("203.0.113.1", "block", "admin", False))
        answer = self.gate.check("203.0.113.1")
        self.assertEqual((answer["allowed"], answer["reason"]), (False, "override"))
        self.override("10.1.0.0/16", action="limit", limit="2/min", **{"for": "1h"})
        self.assertEqual([self.gate.check("10.1.2.3")["allowed"] for _ in range(3)], [True, True, False])
        self.override("user/u1", action="allow", permanent=True)
        for _ in range(6):
            answer = self.gate.check("203.0.113.1", "/payment/1", user_id="u1")
        self.assertEqual((answer["allowed"], answer["reason"]), (True, "override"))
        self.assertEqual(len(self.gate.get("/v1/overrides").json["overrides"]), 3)
        self.assertEqual(self.gate.get("/v1/overrides/10.1.0.0/16").json["limit"], "2/min")
        self.assertEqual(self.gate.call("DELETE", "/v1/overrides/203.0.113.1").status, 204)
        self.assertTrue(self.gate.check("203.0.113.1")["allowed"])
        self.assert_problem(self.gate.call("DELETE", "/v1/overrides/203.0.113.1"), 404)

    def test_an_ipv6_address_stands_for_its_64(self):
        made = self.override("2001:db8::b", action="block", reason="ticket 12", **{"for": "1h"}).json
        self.assertEqual(made["target"], "2001:db8::/64")
        refused = self.gate.check("2001:db8::a")
        self.assertEqual((refused["allowed"], refused["reason"]), (False, "override"))
        self.override("2001:db8::/32", action="limit", limit="2/min", **{"for": "1h"})
        found, = self.gate.get(f"/v1/decisions?id={refused['decision']}").json["decisions"]
        self.assertEqual(found["explanation"], "override of 2001:db8::/64 by admin: ticket 12")
        self.assertEqual(self.gate.get("/v1/overrides/2001:db8::c").json["action"], "block")
        self.override("2001:db8::c", action="allow", **{"for": "1h"})
        self.assertEqual(len(self.gate.get("/v1/overrides").json["overrides"]), 2, "in place of the block")
        self.assertEqual(self.gate.call("DELETE", "/v1/overrides/2001:db8::a").status, 204)
        self.assert_problem(self.gate.call("PUT", "/v1/overrides/2001:db8:3::/96", {"action": "block", "for": "1h"}),
                            400, "2001:db8:3::/64")

    def test_bad_overrides_are_refused_by_name(self):
        def put(**body):
            return self.gate.call("PUT", "/v1/overrides/203.0.113.1", body)

        self.assert_problem(put(action="ban", **{"for": "1h"}), 400, "ban", "block")
        self.assert_problem(put(action="block"), 400, '"for" is missing')
        self.assert_problem(put(action="block", **{"for": "8d"}), 400, "7d")
        self.assert_problem(put(action="limit", limit="10", **{"for": "1h"}), 400, '"limit"')
        self.assert_problem(put(action="block", reasn="x", **{"for": "1h"}), 400, "reasn", "reason")
        self.assert_problem(self.gate.call("PUT", "/v1/overrides/203.0.113.300", {"action": "block", "for": "1h"}), 400)
        self.assertTrue(self.gate.check("203.0.113.1")["allowed"])

    def test_labels_act_at_once_and_outlive_kill_9(self):
        def put(client, **body):
            return self.gate.call("PUT", f"/v1/labels/{client}", body)

        self.assert_problem(put("203.0.113.1", label="bad"), 400, "bad", "not_malicious")
        self.assert_problem(put("203.0.113.1", reason="x"), 400, '"label" is missing')
        self.assert_problem(put("203.0.113.1", label="malicious", **{"for": "soon"}), 400, '"for"')
        self.assert_problem(put("10.0.0.0/8", label="malicious"), 400, "no IP address")
        self.assertEqual(self.gate.client.call("PUT", "/v1/labels/203.0.113.1", {"label": "malicious"}).status, 401)

        made = put("203.0.113.1", label="malicious", reason="ticket 12").json
        self.assertEqual((made["client"], made["label"], made["by"], made["until"]),
                         ("203.0.113.1", "malicious", "admin", None))
        self.assertIn(self.gate.check("203.0.113.1")["verdict"], ("malicious",))
        put("2001:db8::5", label="not_malicious", **{"for": "1h"})
        self.gate.stop(signal.SIGKILL)
        self.gate.start()
        self.assertEqual([row["client"] for row in self.gate.get("/v1/labels").json["labels"]],
                         ["203.0.113.1", "2001:db8::/64"])
        self.assertEqual(self.gate.get("/v1/labels?format=csv").body,
                         "client_ip,label\n203.0.113.1,1\n2001:db8::,0\n")
        self.assertEqual(self.gate.check("203.0.113.1")["verdict"], "malicious")
        verdict = self.gate.get("/v1/verdicts").json["verdicts"][0]
        self.assertEqual(verdict["reasons"], ["labelled malicious by admin: ticket 12"])
        self.assertEqual(self.gate.call("DELETE", "/v1/labels/203.0.113.1").status, 204)
        self.assertEqual(self.gate.check("203.0.113.1")["verdict"], "normal")
        self.assert_problem(self.gate.call("DELETE", "/v1/labels/203.0.113.1"), 404)
        self.assert_problem(self.gate.get("/v1/labels/203.0.113.1"), 404)

    def test_overrides_outlive_kill_9(self):
        self.assertEqual(self.override("203.0.113.1", action="block", **{"for": "1h"}).status, 200)
        self.assertEqual(self.override("user/u1", action="allow", permanent=True).status, 200)
        self.gate.stop(signal.SIGKILL)  # the very next moment: what was answered is on the disk
        self.gate.start()
        self.assertEqual(self.gate.check("203.0.113.1")["reason"], "override")
        self.assertEqual(self.gate.check("203.0.113.1", user_id="u1")["reason"], "override")
        self.assertEqual(self.gate.call("DELETE", "/v1/overrides/user/u1").status, 204)
        self.gate.stop(signal.SIGKILL)
        self.gate.start()
        self.assertEqual([row["target"] for row in self.gate.get("/v1/overrides").json["overrides"]], ["203.0.113.1"])


class ModeTest(Serving):
    def test_shadow_changes_no_answer_and_counts(self):
        self.assertEqual(self.gate.call("PUT", "/v1/mode", {"all": "shadow", "for": "1h", "reason": "test"}).json["all"],
                         "shadow")
        for _ in range(5):
            answer = self.gate.auth("203.0.113.1", "/payment/1")
            self.assertEqual(answer.status, 200)
            self.assertNotIn("RateLimit", answer.headers)
        self.assertEqual(self.gate.count("tidelimit_decisions_total", outcome="shadow_deny", reason="over_limit"), 2)
        self.gate.call("PUT", "/v1/mode", {"all": "enforce"})
        self.assertEqual(self.gate.auth("203.0.113.1", "/payment/1").status, 429)

    def test_off_passes_everything(self):
        self.override("203.0.113.1", action="block", **{"for": "1h"})
        self.gate.call("PUT", "/v1/mode", {"all": "off"})
        self.assertTrue(self.gate.check("203.0.113.1")["allowed"])

    def test_bad_modes(self):
        self.assert_problem(self.gate.call("PUT", "/v1/mode", {"all": "loud"}), 400, "loud", "shadow")
        self.assert_problem(self.gate.call("PUT", "/v1/mode", {"al": "off"}), 400, '"al"', '"all"')
        self.assert_problem(self.gate.call("PUT", "/v1/mode", {"for": "1h"}), 400, "forecast")


if __name__ == "__main__":
    unittest.main()
