"""A gate through reloads, stops, restarts and kill -9."""

import contextlib
import os
import re
import signal
import socket
import sqlite3
import unittest

from harness import EndToEnd, wait_until
from serving import CONFIG, Serving


class ReloadTest(Serving):
    changed = CONFIG.replace("STD: { rate: 6/min, burst: 3 }", "STD: { rate: 6/min, burst: 1 }")

    def limit_holds(self):
        burst = [row["burst"] for row in self.gate.get("/v1/plan").json["limits"]
                 if (row["endpoint"], row["tier"]) == ("payment", "STD")]
        return burst == [1]

    def test_on_sighup_at_once(self):
        self.gate.write(self.changed)
        self.gate.process.send(signal.SIGHUP)
        wait_until(self.limit_holds, "the new limit is in force")
        self.assertEqual([self.gate.check(path="/payment/1")["allowed"] for _ in range(2)], [True, False])

    def test_an_endpoint_taken_away_by_mistake_keeps_the_counts_of_its_window(self):
        for _ in range(3):
            self.gate.check(path="/payment/1")
        names = lambda: {row["endpoint"] for row in self.gate.get("/v1/plan").json["limits"]}
        self.gate.write(re.sub(r"  - { name: payment.*\n", "", CONFIG))
        self.gate.process.send(signal.SIGHUP)
        wait_until(lambda: "payment" not in names(), "payment is gone")
        self.gate.write(CONFIG)
        self.gate.process.send(signal.SIGHUP)
        wait_until(lambda: "payment" in names(), "payment is back")
        self.gate.check(path="/payment/1")
        wait_until(lambda: self.stored("payment") == 4, "all four are counted")

    def test_and_back_to_the_one_before_until_the_file_changes(self):
        first = self.gate.get("/v1/configs").json["in_force"]
        self.gate.write(self.changed)
        wait_until(lambda: self.gate.get("/v1/configs").json["in_force"] != first, "the new one is in force")
        back = self.gate.shell("configs", "--return-to", first, "--reason", "ticket 7")
        self.assertEqual(back.returncode, 0, back)
        self.assertRegex(back.stdout, first + r" .*in force, held")
        self.assertIn("ticket 7", back.stdout)
        self.assertEqual(self.gate.get("/v1/configs").json["in_force"], first)
        self.assertIn("rate: 6/min", self.gate.shell("configs", first).stdout)
        self.assertEqual(self.gate.shell("configs", "--release").returncode, 0)
        self.assertNotEqual(self.gate.get("/v1/configs").json["in_force"], first)
        unknown = self.gate.shell("configs", "--return-to", "0123456789ab")
        self.assertNotEqual(unknown.returncode, 0)
        self.assertIn(first, unknown.stderr)

    def test_the_ways_back_are_open_while_the_file_is_not_valid(self):
        first = self.gate.get("/v1/configs").json["in_force"]
        in_force = lambda: self.gate.get("/v1/configs").json["in_force"]
        self.gate.write(self.changed)
        wait_until(lambda: in_force() != first, "the new one is in force")
        self.gate.write(self.changed.replace("rate: 6/min", "rate: 6/fortnight"))
        wait_until(lambda: self.gate.count("tidelimit_config_last_reload_successful") == 0, "the refusal is counted")
        self.assertEqual(self.gate.shell("mode", "all", "shadow").returncode, 0)
        back = self.gate.shell("configs", "--return-to", first, "--reason", "ticket 9")
        self.assertEqual(back.returncode, 0, back)
        self.assertRegex(back.stdout, first + r" .*in force, held")
        self.assertEqual(in_force(), first)
        self.gate.write("endpoints: [")
        wait_until(lambda: self.gate.count("tidelimit_config_last_reload_successful") == 0, "that is refused, too")
        self.assertEqual(in_force(), first)
        lost = self.gate.shell("mode")
        self.assertEqual(lost.returncode, 2)
        self.assertIn("tidelimit.yaml:1: ", lost.stderr)
        self.assertIn("--url URL --token-file FILE", lost.stderr)
        self.gate.write(self.changed)
        wait_until(lambda: in_force() != first, "the mended file is in force")

    def test_on_change(self):
        self.gate.write(self.changed)
        wait_until(self.limit_holds, "the new limit is in force")

    def test_a_bad_file_is_refused_and_the_old_one_stays(self):
        self.gate.write(self.changed.replace("rate: 6/min", "rate: 6/fortnight"))
        wait_until(lambda: self.gate.count("tidelimit_config_last_reload_successful") == 0, "the refusal is counted")
        self.assertEqual([self.gate.check(path="/payment/1")["allowed"] for _ in range(4)], [True, True, True, False])
        words = self.gate.client.get("/readyz?verbose").body
        self.assertIn("tidelimit.yaml:", words)
        self.assertIn("fortnight", words)
        self.assertEqual(self.gate.client.get("/readyz").status, 200)
        self.assertIn("fortnight", self.gate.process.output())
        self.gate.write(self.changed)
        wait_until(self.limit_holds, "the mended file is in force")
        self.assertEqual(self.gate.count("tidelimit_config_last_reload_successful"), 1)
        self.assertNotIn("fortnight", self.gate.client.get("/readyz?verbose").body)


    def test_a_pipe_in_its_place_is_refused_and_hangs_nothing(self):
        """Whoever opens a pipe waits for its other end."""
        for file in (self.gate.folder / "tidelimit.yaml", self.gate.folder / "var/admin.token"):
            kept = file.with_suffix(".kept")
            file.rename(kept)
            os.mkfifo(file, 0o600)
            wait_until(lambda: "no regular file" in self.gate.client.get("/readyz?verbose").body, "the refusal is named")
            file.unlink()
            kept.rename(file)
            wait_until(lambda: "no regular file" not in self.gate.client.get("/readyz?verbose").body, "it is taken again")
        self.gate.write(self.changed)
        wait_until(self.limit_holds, "the new limit is in force")


class StopTest(Serving):
    def test_sigterm_ends_it_well(self):
        self.gate.check()
        self.assertEqual(self.gate.stop(signal.SIGTERM), 0)
        self.assertIn("stopped", self.gate.log.read_text())

    def test_what_the_open_window_counts_is_stored_to_the_last_request(self):
        self.gate.check()
        wait_until(lambda: self.stored("browse") == 1, "the first is stored, and the next save is seconds away")
        for _ in range(4):
            self.gate.check()
        self.assertEqual(self.gate.stop(signal.SIGTERM), 0)
        self.assertEqual(self.stored("browse"), 5)

    def test_what_is_under_way_is_finished(self):
        """A request whose body is still on its way when the gate is told to stop is answered all the same."""
        body = b'{"client_ip":"203.0.113.1","path":"/browse/1","status":200}'
        with socket.create_connection(("127.0.0.1", self.gate.http_port), timeout=30) as peer:
            peer.sendall(b"POST /v1/report HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:10])
            # Behind another answer on the same loop, so that the first half has been read.
            self.assertEqual(self.gate.client.get("/healthz").status, 200)
            self.gate.process.send(signal.SIGTERM)
            wait_until(lambda: "stopping" in self.gate.process.output(), "it has been told")
            peer.sendall(body[10:])
            # Whether the answer announces the end depends on which of the two the loop saw first; it ends.
            answer = b""
            while piece := peer.recv(65536):
                answer += piece
        self.assertIn(b" 200 ", answer.split(b"\r\n")[0])
        self.assertTrue(answer.endswith(b'{"accepted":1}\n') or b'"accepted":' in answer, answer)
        self.assertEqual(self.gate.stop(), 0)


class StateTest(Serving):
    def setUp(self):
        super().setUp()
        self.state = self.gate.folder / "var/tidelimit.db"
        self.assertEqual(self.override("203.0.113.9", action="block", permanent=True).status, 200)

    def blocked(self):
        return {row["target"] for row in self.gate.get("/v1/overrides").json["overrides"]}

    def test_cut_under_the_gate_it_is_begun_anew_with_what_is_in_force(self):
        os.truncate(self.state, 0)
        wait_until(lambda: "cut or written over" in self.gate.client.get("/readyz?verbose").body, "that is named")
        wait_until(lambda: self.override("203.0.113.10", action="block", permanent=True).status == 200, "a fresh one")
        self.assertEqual(self.gate.stop(signal.SIGTERM), 0)
        self.gate.start()
        self.assertEqual(self.blocked(), {"203.0.113.9", "203.0.113.10"})
        self.assertIn("nothing is degraded", self.gate.client.get("/readyz?verbose").body)

    def test_emptied_while_the_gate_is_down_it_is_named(self):
        self.assertEqual(self.gate.stop(signal.SIGTERM), 0)
        os.truncate(self.state, 0)
        self.gate.start()
        wait_until(lambda: "was damaged" in self.gate.client.get("/readyz?verbose").body, "that is named")


class RestartTest(EndToEnd):
    # The shortest window there is: one closes within 90 s.
    config = CONFIG.replace("endpoints:", "forecast: { window: 1m, history: 10m, horizon: 1m }\nendpoints:", 1)

    def windows(self, gate):
        """Requests of browse by the start of their closed window, of one that was only partly listened to as well."""
        with contextlib.closing(sqlite3.connect(gate.folder / "var/tidelimit.db")) as db:
            return dict(db.execute("SELECT start, requests FROM windows WHERE endpoint = 'browse' AND requests > 0"))

    def test_windows_survive_restart_and_kill_9(self):
        gate = self.start_gate(self.config)
        for i in range(7):
            gate.check(f"203.0.113.{i}", "/browse/1")
        self.assertEqual(gate.stop(signal.SIGTERM), 0)  # with the window still open
        gate.start()
        gate.check("203.0.113.8", "/browse/1")
        before = wait_until(lambda: sum(self.windows(gate).values()) >= 8 and self.windows(gate),
                            "the windows are closed", 150)
        self.assertEqual(sum(before.values()), 8)
        endpoints = {"payment", "browse", "login", "other"}  # forecast a moment after their windows have closed
        wait_until(lambda: {f["endpoint"] for f in gate.get("/v1/forecasts").json["forecasts"]} == endpoints, "all of them")
        gate.stop(signal.SIGKILL)
        gate.start()
        self.assertEqual(self.windows(gate), before)
        # It forecasts at once, from what is stored.
        self.assertEqual({row["endpoint"] for row in gate.get("/v1/forecasts").json["forecasts"]},
                         endpoints)


class LimitsTest(EndToEnd):
    """What principals have used of their limits outlives the gate."""

    config = CONFIG.replace("STD: 120/min", "STD: { rate: 20/d, burst: 20 }")
    emission = 24 * 3600 // 20

    def setUp(self):
        super().setUp()
        self.gate = self.start_gate(self.config)
        self.kept = self.gate.folder / "var/tidelimit.db.buckets"

    def spend(self, count, **who):
        return [self.gate.check(path="/browse/1", **who)["allowed"] for _ in range(count)]

    def assert_five_are_left(self, **who):
        self.assertEqual(self.spend(6, **who), [True] * 5 + [False])
        denied = self.gate.auth("203.0.113.1", "/browse/1", **{"x_" + name: value for name, value in who.items()})
        self.assertEqual(denied.status, 429)
        wait = int(denied.headers["Retry-After"])
        # What dripped back while the gate was away counts; nothing else does.
        self.assertTrue(self.emission - 120 < wait <= self.emission, denied)
        told = dict(part.split("=") for part in denied.headers["RateLimit"].split(";")[1:])
        self.assertEqual((told["r"], int(told["t"])), ("0", wait))

    def restarted(self):
        return self.gate.count("tidelimit_buckets_restored"), self.gate.count("tidelimit_buckets_restore_successful")

    def test_over_a_stop(self):
        self.assertEqual(self.restarted(), (0, 1))
        for who in ({}, {"user_id": "ana"}):
            self.assertEqual(self.spend(15, **who), [True] * 15)
        self.assertEqual(self.gate.stop(signal.SIGTERM), 0)
        self.assertEqual(self.kept.stat().st_mode & 0o7777, 0o600)
        self.gate.start()
        self.assertEqual(self.restarted(), (2, 1))
        for who in ({}, {"user_id": "ana"}):
            self.assert_five_are_left(**who)
        self.assertEqual(self.spend(1, user_id="bob"), [True])

    def test_over_kill_9(self):
        self.assertEqual(self.spend(15, user_id="ana"), [True] * 15)
        wait_until(lambda: self.gate.count("tidelimit_buckets_saved") == 1, "they are saved", 40)
        self.gate.stop(signal.SIGKILL)
        self.assertEqual(self.kept.stat().st_mode & 0o7777, 0o600)
        self.gate.start()
        self.assert_five_are_left(user_id="ana")

    def test_ids_of_decisions_never_come_twice(self):
        ids = set()
        for start in range(3):
            self.spend(21)
            ids.add(self.gate.auth("203.0.113.1", "/browse/1").headers["X-Tidelimit-Decision"])
            self.gate.stop(signal.SIGTERM)
            self.gate.start()
        self.assertEqual(len(ids), 3)

    def test_a_changed_limit_holds_at_once(self):
        for _ in range(3):
            self.gate.check(path="/payment/1")  # 6/min: the next but one would pass in 20 s
        self.gate.stop(signal.SIGTERM)
        self.gate.write(self.config.replace("STD: { rate: 6/min, burst: 3 }", "STD: { rate: 6000/min, burst: 100 }"))
        self.gate.start()
        wait_until(lambda: self.gate.check(path="/payment/1")["allowed"], "the wider limit lets it through", 5)

    def test_damage_is_named_and_the_gate_starts(self):
        self.spend(15)
        self.gate.stop(signal.SIGTERM)
        whole = self.kept.read_bytes()
        self.kept.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        self.gate.start()
        self.assertEqual(self.restarted(), (0, 0))
        self.assertRegex(self.gate.process.output(), "limits begin anew.*tidelimit.db.buckets: is damaged")
        self.assertEqual(self.spend(20), [True] * 20)
        self.gate.stop(signal.SIGTERM)
        self.gate.start()
        self.assertEqual(self.restarted(), (1, 1))

    def test_a_rehearsal_leaves_them_alone(self):
        self.spend(15)
        self.gate.stop(signal.SIGTERM)
        before = self.kept.read_bytes()
        self.gate.start("--rehearse", "2026-11-24T17:45:00Z@120")
        self.assertEqual(self.spend(20), [True] * 20)
        self.gate.stop(signal.SIGTERM)
        self.assertEqual(self.kept.read_bytes(), before)


if __name__ == "__main__":
    unittest.main()
