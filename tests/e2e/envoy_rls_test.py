"""Envoy's rate limit service of the real gate, called as Envoy calls it, through gRPC's C core; and the Envoy configuration
that comes with it, held against what the service understands."""

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import grpc
import yaml

import harness

# The messages are generated anew by protoc for Python, so both ends read the definitions with other code.
GENERATED = tempfile.TemporaryDirectory()
sys.path.insert(0, GENERATED.name)
PROTO = harness.SOURCE / "proto"
subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={GENERATED.name}",
                *(str(file.relative_to(PROTO)) for file in (PROTO / "envoy").rglob("*.proto"))], check=True)
from envoy.service.ratelimit.v3 import rls_pb2  # pylint: disable=wrong-import-position
from envoy.type.v3 import ratelimit_unit_pb2 as units  # pylint: disable=wrong-import-position

Response = rls_pb2.RateLimitResponse
OK, OVER = Response.OK, Response.OVER_LIMIT

CONFIG = """
listen: { http: HTTP, grpc: GRPC }
mode: MODE
identity: { default_tier: STD }
tiers: [PRM, STD]
endpoints:
  - { name: login,  match: "/login",     limits: { PRM: 60/min, STD: LOGIN } }
  - { name: browse, match: "/browse/**", limits: { PRM: 300/min, STD: 100/min } }
  - { name: held,   match: "/held",      concurrency: { STD: 1 } }
  - { name: tried,  match: "/tried/**",  mode: shadow, limits: { STD: 1/min } }
admin: { token_file: var/admin.token }
state: tidelimit.db
"""


def config(mode="enforce", login="3/min", more=""):
    return CONFIG.replace("MODE", mode).replace("LOGIN", login) + more


def descriptor(hits=None, limit=None, **entries):
    made = {"entries": [{"key": key.encode(), "value": value.encode() if isinstance(value, str) else value}
                        for key, value in entries.items()]}
    if hits is not None:
        made["hits_addend"] = {"value": hits}
    if limit is not None:
        made["limit"] = {"requests_per_unit": limit[0], "unit": limit[1]}
    return made


def login(address="203.0.113.1", **more):
    return descriptor(remote_address=address, path="/login", **more)


class Calls(harness.EndToEnd):
    """A gate, and calls to its rate limit service."""

    def begin(self, text):
        self.gate = self.start_gate(text)
        channel = grpc.insecure_channel(f"127.0.0.1:{self.gate.grpc_port}")
        self.addCleanup(channel.close)
        self.should_rate_limit = channel.unary_unary(
            "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit",
            request_serializer=rls_pb2.RateLimitRequest.SerializeToString,
            response_deserializer=Response.FromString)

    def call(self, *descriptors, domain="tidelimit", hits=0):
        request = rls_pb2.RateLimitRequest(domain=domain.encode(), descriptors=descriptors, hits_addend=hits)
        response = self.should_rate_limit(request, timeout=harness.PATIENCE)
        self.assertNotEqual(response.overall_code, Response.UNKNOWN)
        self.assertEqual(len(response.statuses), len(descriptors))
        return response

    def codes(self, *descriptors, **more):
        return [status.code for status in self.call(*descriptors, **more).statuses]

    def refusal(self, *descriptors, **more):
        with self.assertRaises(grpc.RpcError) as caught:
            self.call(*descriptors, **more)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        return caught.exception.details()

    def metric(self, line):
        for text in self.gate.client.get("/metrics").body.splitlines():
            if text.startswith(line + " "):
                return float(text.rsplit(" ", 1)[1])
        return None


class RateLimitService(Calls):
    def test_passes_until_the_limit_and_then_says_why_and_when(self):
        self.begin(config())
        for left in (2, 1, 0):
            response = self.call(login())
            self.assertEqual(response.overall_code, OK)
            status = response.statuses[0]
            self.assertEqual((status.code, status.limit_remaining), (OK, left))
            self.assertEqual((status.current_limit.requests_per_unit, status.current_limit.unit,
                              status.current_limit.name), (3, Response.RateLimit.MINUTE, "login-STD"))
        denied = self.call(login())
        self.assertEqual(denied.overall_code, OVER)
        self.assertGreater(denied.statuses[0].duration_until_reset.seconds, 0)
        headers = {header.key: header.value for header in denied.response_headers_to_add}
        self.assertEqual(headers["x-tidelimit-reason"], "over_limit")
        self.assertEqual(headers["ratelimit-policy"], '"login-STD";q=3;w=60')
        self.assertGreater(int(headers["retry-after"]), 0)
        self.assertIn(b"quota-exceeded", denied.raw_body)
        self.assertEqual(self.codes(login("203.0.113.2")), [OK], "others have a bucket of their own")
        # Found again under the id that the client was given.
        harness.wait_until(
            lambda: headers["x-tidelimit-decision"] in self.gate.get("/v1/decisions?client=203.0.113.1&since=1h").body,
            "the denial is kept")
        self.assertEqual(self.metric(
            'tidelimit_decisions_total{endpoint="login",tier="STD",outcome="deny",reason="over_limit"}'), 1)
        self.assertGreater(self.metric("tidelimit_decision_seconds_count"), 4)

    def test_users_and_tiers_are_taken_from_the_calls_other_descriptors(self):
        self.begin(config())
        both = [descriptor(remote_address="203.0.113.1", path="/login"), descriptor(user_id="ada", tier="PRM")]
        response = self.call(*both)
        self.assertEqual([s.current_limit.name for s in response.statuses], ["login-PRM", "login-PRM"])
        self.assertEqual([s.limit_remaining for s in response.statuses], [59, 59], "one bucket, charged once")
        self.assertEqual(self.metric(
            'tidelimit_decisions_total{endpoint="login",tier="PRM",outcome="allow",reason="ok"}'), 1)

    def test_several_descriptors_are_charged_all_or_none(self):
        self.begin(config())
        self.assertEqual(self.codes(login(hits=3)), [OK])
        mixed = [descriptor(remote_address="203.0.113.1", path="/browse/1"), login(), descriptor(generic_key="x")]
        response = self.call(*mixed)
        self.assertEqual(response.overall_code, OVER)
        self.assertEqual([s.code for s in response.statuses][:2], [OK, OVER])
        self.assertEqual(response.statuses[0].limit_remaining, 100, "nothing was charged")

    def test_requests_in_flight_are_limited_once_a_call(self):
        self.begin(config())
        held = descriptor(remote_address="203.0.113.1", path="/held")
        self.assertEqual(self.codes(held, descriptor(user_agent="x", path="/held"), login()), [OK, OK, OK])
        denied = self.call(held)
        self.assertEqual((denied.overall_code, denied.statuses[0].code), (OVER, OVER))
        self.assertEqual(denied.statuses[0].duration_until_reset.seconds, 1)
        headers = {header.key: header.value for header in denied.response_headers_to_add}
        self.assertEqual(headers["ratelimit-policy"], '"held-STD-concurrency";q=1;qu="concurrent-requests"')
        self.assertEqual(headers["retry-after"], "1")
        self.assertIn(b'"rule":"concurrency"', denied.raw_body)
        self.gate.client.call("POST", "/v1/report",
                              {"client_ip": "203.0.113.1", "path": "/held", "status": 200})
        self.assertEqual(self.codes(login(hits=3), held), [OVER, OK], "two are left of the login's three")
        self.assertEqual(self.codes(held), [OK], "and the refused call held nothing")

    def test_hits_stand_on_both_levels_and_zero_only_asks(self):
        self.begin(config())
        for _ in range(5):
            response = self.call(login(hits=0))
            self.assertEqual((response.overall_code, response.statuses[0].limit_remaining), (OK, 3))
        self.assertEqual(self.call(login(), hits=2).statuses[0].limit_remaining, 1)
        self.assertEqual(self.codes(login(), hits=2), [OVER])
        self.assertEqual(self.codes(login(hits=1), hits=2), [OK])
        self.assertEqual(self.codes(login(hits=0)), [OVER])

    def test_a_descriptor_may_bring_its_own_limit(self):
        self.begin(config())
        five = login(limit=(5, units.HOUR))
        passed = [self.call(five) for _ in range(5)]
        self.assertEqual([r.statuses[0].limit_remaining for r in passed], [4, 3, 2, 1, 0])
        limit = passed[0].statuses[0].current_limit
        self.assertEqual((limit.requests_per_unit, limit.unit), (5, Response.RateLimit.HOUR))
        self.assertEqual(self.codes(five), [OVER])
        for limit, policy in (((5, units.HOUR), "q=5;w=3600"), ((0, units.SECOND), "q=0;w=1"),
                              ((1000, units.DAY), "q=1000;w=86400"), ((9, units.YEAR), "q=9;w=31536000")):
            headers = {header.key: header.value for header in self.call(login(limit=limit)).response_headers_to_add}
            self.assertEqual(headers["ratelimit-policy"], '"login-STD";' + policy)
        self.assertEqual(self.codes(login()), [OK], "the plan's own limit was not touched")
        self.assertEqual(self.codes(login(limit=(0, units.DAY))), [OVER])
        self.assertIn("its limit has no unit", self.refusal(login(limit=(5, units.UNKNOWN))))

    def test_waits_are_told_as_long_as_they_are_and_as_a_week_where_none_helps(self):
        self.begin(config())

        def denied(**more):
            response = self.call(login("203.0.113.9", **more))
            self.assertEqual(response.overall_code, OVER)
            headers = {header.key: header.value for header in response.response_headers_to_add}
            return response.statuses[0].duration_until_reset.seconds, int(headers["retry-after"]), response.raw_body

        self.assertEqual(self.codes(login("203.0.113.9", limit=(1, units.YEAR))), [OK])
        reset, retry, body = denied(limit=(1, units.YEAR))
        self.assertAlmostEqual(reset, 365 * 86400, delta=20)
        self.assertEqual(retry, reset)
        self.assertIn(b"try again after", body)
        reset, retry, body = denied(limit=(5, units.HOUR), hits=6)
        self.assertEqual((reset, retry), (7 * 86400, 7 * 86400))
        self.assertIn(b"waiting does not help", body)

    def test_a_blocked_client_is_over_every_limit(self):
        self.begin(config())
        put = self.gate.call("PUT", "/v1/overrides/203.0.113.1", {"action": "block", "reason": "test", "for": "1h"})
        self.assertIn(put.status, (200, 201, 204))
        harness.wait_until(lambda: self.codes(login(hits=0)) == [OVER], "the override holds")
        denied = self.call(login())
        self.assertIn("override", [header.value for header in denied.response_headers_to_add])
        self.assertEqual(self.codes(login("203.0.113.2")), [OK])

    def test_shadow_changes_nothing(self):
        self.begin(config())
        for _ in range(3):
            response = self.call(descriptor(remote_address="203.0.113.1", path="/tried/1"))
            self.assertEqual(response, Response(overall_code=OK, statuses=[Response.DescriptorStatus(code=OK)]))
        self.assertEqual(self.metric(
            'tidelimit_decisions_total{endpoint="tried",tier="STD",outcome="shadow_deny",reason="over_limit"}'), 2)

    def test_a_gate_in_shadow_denies_nobody(self):
        self.begin(config(mode="shadow"))
        self.assertEqual([self.codes(login()) for _ in range(5)], [[OK]] * 5)
        self.assertEqual(len(self.call(login()).response_headers_to_add), 0)

    def test_an_unknown_domain_passes_and_is_counted(self):
        self.begin(config())
        for _ in range(9):
            self.assertEqual(self.codes(login(), login(), domain="shop"), [OK, OK])
        self.assertEqual(self.metric('tidelimit_unmatched_total{kind="domain"}'), 9)

    def test_calls_that_make_no_sense_are_invalid(self):
        self.begin(config())
        self.assertIn("domain", self.refusal(login(), domain=""))
        self.assertIn("there is none", self.refusal())
        self.assertIn("descriptors[1]: it has no entries", self.refusal(login(), {}))
        self.assertIn("no IP address", self.refusal(login("everyone")))
        self.assertEqual(self.codes(descriptor(remote_address="2001:db8::1", path=b"/login\xff", user_agent=b"\xff")),
                         [OK], "bytes that are no text are no way round")

    def test_calls_are_counted_by_how_they_ended(self):
        self.begin(config())
        for _ in range(3):
            self.codes(login())
        self.refusal()
        method = 'service="envoy.service.ratelimit.v3.RateLimitService",method="ShouldRateLimit"'
        self.assertEqual(self.metric(f'tidelimit_grpc_calls_total{{{method},code="OK"}}'), 3)
        self.assertEqual(self.metric(f'tidelimit_grpc_calls_total{{{method},code="INVALID_ARGUMENT"}}'), 1)

    def test_names_of_entries_and_limits_change_with_the_configuration(self):
        self.begin(config())
        self.assertEqual(self.codes(login(hits=3)), [OK])
        self.gate.write(config(login="30/min", more='ratelimit: { entries: { path: ":path" } }\n'))
        renamed = descriptor(remote_address="203.0.113.5", **{":path": "/login"})
        harness.wait_until(lambda: self.call(renamed).statuses[0].current_limit.requests_per_unit == 30,
                           "the new configuration holds")


SHOP = """
domain: shop
descriptors:
  - key: path
    value: /login
    rate_limit: { unit: minute, requests_per_unit: LOGIN, name: login }
    descriptors:
      - { key: user, rate_limit: { unit: hour, requests_per_unit: 2 } }
      - { key: user, value: root, rate_limit: { unlimited: true } }
      - { key: user_id, rate_limit: { unit: hour, requests_per_unit: 1 } }
  - { key: coupon, rate_limit: { unit: day, requests_per_unit: 1 } }
  - { key: files, value: "*.pdf", share_threshold: true, rate_limit: { unit: week, requests_per_unit: 3 } }
  - { key: tried, shadow_mode: true, rate_limit: { unit: day, requests_per_unit: 1 } }
  - { key: banned, value: "yes", rate_limit: { unit: day, requests_per_unit: 0 } }
  - { key: special, rate_limit: { unit: second, requests_per_unit: 50, replaces: [ { name: login } ] } }
  - { key: open }
"""


class Domains(Calls):
    """Files of envoyproxy/ratelimit, served as they are."""

    def begin_shop(self, mode="enforce", window="gcra", login="3"):
        self.files = self.folder / "ratelimit"
        self.files.mkdir()
        self.shop = self.files / "shop.yaml"
        self.shop.write_text(SHOP.replace("LOGIN", login))
        self.begin(config(mode=mode, more=f"ratelimit: {{ domains: ['{self.files}/*.yaml'], window: {window} }}\n"))

    def ask(self, *descriptors, domain="shop", hits=0):
        return self.call(*descriptors, domain=domain, hits=hits)

    def over(self, *descriptors, **more):
        return self.ask(*descriptors, **more).overall_code == OVER

    def test_each_descriptor_meets_the_limit_that_matches_all_of_it(self):
        self.begin_shop()
        login = descriptor(path="/login")
        passed = [self.ask(login) for _ in range(3)]
        self.assertEqual([p.statuses[0].limit_remaining for p in passed], [2, 1, 0])
        limit = passed[0].statuses[0].current_limit
        self.assertEqual((limit.requests_per_unit, limit.unit, limit.name), (3, Response.RateLimit.MINUTE, "login"))
        denied = self.ask(login)
        self.assertEqual((denied.overall_code, denied.statuses[0].code, denied.statuses[0].limit_remaining), (OVER, OVER, 0))
        self.assertEqual(denied.statuses[0].duration_until_reset.seconds, 20, "one of three a minute")
        headers = {header.key: header.value for header in denied.response_headers_to_add}
        self.assertEqual(headers, {"retry-after": "20", "ratelimit-policy": '"login";q=3;w=60', "ratelimit": '"login";r=0;t=20'})
        ada = descriptor(path="/login", user="ada")
        self.assertEqual([self.over(ada) for _ in range(3)], [False, False, True])
        self.assertFalse(self.over(descriptor(path="/login", user="bob")), "each value has a count of its own")
        root = self.ask(descriptor(path="/login", user="root")).statuses[0]
        self.assertEqual((root.code, root.limit_remaining, root.HasField("current_limit")), (OK, 2**32 - 1, False))
        none = self.ask(descriptor(path="/login", user="ada", more="x"), descriptor(path="/else"), descriptor(open="x"))
        self.assertEqual(none, Response(overall_code=OK, statuses=[Response.DescriptorStatus(code=OK)] * 3))
        self.assertTrue(self.over(descriptor(banned="yes")))
        self.assertFalse(self.over(descriptor(banned="no")))
        self.assertEqual([self.over(descriptor(files=name)) for name in ("a.pdf", "b.pdf", "c.pdf", "d.pdf", "e.txt")],
                         [False, False, False, True, False])
        metric = 'tidelimit_descriptor_decisions_total{domain="shop",descriptor="path=/login",outcome="%s"}'
        self.assertEqual((self.metric(metric % "allow"), self.metric(metric % "deny")), (3, 1))
        self.assertIsNone(self.metric('tidelimit_descriptor_decisions_total{domain="shop",descriptor="open",outcome="allow"}'))

    def test_a_call_charges_all_of_its_limits_or_none(self):
        self.begin_shop()
        login, ada = descriptor(path="/login"), descriptor(path="/login", user="ada")
        self.assertFalse(self.over(ada, hits=2))
        for _ in range(4):
            refused = self.ask(login, ada)
            self.assertEqual([s.code for s in refused.statuses], [OK, OVER])
            self.assertEqual(refused.statuses[0].limit_remaining, 3)
        self.assertEqual(self.ask(login, descriptor(hits=0, path="/login")).statuses[0].limit_remaining, 2)
        self.assertEqual(self.ask(descriptor(hits=0, path="/login"), hits=5).statuses[0].limit_remaining, 2)
        self.assertTrue(self.over(descriptor(hits=3, path="/login")))

    def test_shadow_mode_replaces_and_limits_of_the_caller(self):
        self.begin_shop()
        tried = [self.ask(descriptor(tried="x"), descriptor(path="/login", user="ada")) for _ in range(2)]
        self.assertEqual([[s.code for s in t.statuses] for t in tried], [[OK, OK]] * 2)
        self.assertEqual([t.statuses[1].limit_remaining for t in tried], [1, 0])
        self.assertEqual(self.metric(
            'tidelimit_descriptor_decisions_total{domain="shop",descriptor="tried",outcome="shadow_deny"}'), 1)
        special = [self.ask(descriptor(path="/login"), descriptor(special="1")) for _ in range(5)]
        self.assertEqual({s.overall_code for s in special}, {OK})
        self.assertFalse(special[0].statuses[0].HasField("current_limit"), "another stands in for it")
        self.assertFalse(self.over(descriptor(path="/login")))
        own = descriptor(path="/login", limit=(1, units.HOUR))
        self.assertEqual([self.over(own), self.over(own)], [False, True])
        self.assertIn("its limit has no unit", self.refuse(descriptor(path="/login", limit=(1, units.UNKNOWN))))

    def refuse(self, *descriptors):
        return self.refusal(*descriptors, domain="shop")

    def test_windows_count_exactly_and_end_together(self):
        self.begin_shop(window="fixed", login="3")
        user = descriptor(path="/login", user="ada")
        self.assertEqual([self.over(user) for _ in range(3)], [False, False, True])
        left = 3600 - time.time() % 3600
        self.assertAlmostEqual(self.ask(user).statuses[0].duration_until_reset.seconds, left, delta=3)
        second = descriptor(path="/else", limit=(2, units.SECOND))
        for _ in range(3):
            while not 0.02 < time.time() % 1 < 0.3:
                time.sleep(0.01)
            self.assertEqual([self.over(second) for _ in range(3)], [False, False, True])
            time.sleep(0.5)

    def test_windows_go_on_over_a_restart_to_the_last_hit(self):
        self.begin_shop(window="fixed")
        month = (1000, units.MONTH)
        before = self.ask(descriptor(hits=601, path="/login", limit=month)).statuses[0]
        self.gate.stop(signal.SIGTERM)
        self.gate.start()

        def peek():
            with contextlib.suppress(grpc.RpcError):  # the channel has yet to connect again
                return self.ask(descriptor(hits=0, path="/login", limit=month)).statuses[0]
        after = harness.wait_until(peek, "the gate is reached")
        self.assertEqual((before.limit_remaining, after.limit_remaining), (399, 399))
        self.assertAlmostEqual(before.duration_until_reset.seconds, after.duration_until_reset.seconds, delta=60)

    def served_with_costs_told_afterwards(self, window):
        self.begin_shop(window=window)
        asks, costs = (descriptor(hits=hits, files="a.pdf") for hits in (0, 2))
        served = 0
        while served < 10 and not self.over(asks):
            served += 1
            self.over(costs)
        return served

    def test_costs_told_afterwards_limit_in_windows(self):
        self.assertEqual(self.served_with_costs_told_afterwards("fixed"), 2)

    def test_costs_told_afterwards_limit_where_quota_drips(self):
        self.assertEqual(self.served_with_costs_told_afterwards("gcra"), 2)

    def test_what_was_counted_in_another_unit_means_nothing(self):
        self.begin_shop(window="fixed", login="1000")
        login, peek = descriptor(path="/login"), descriptor(hits=0, path="/login")
        self.assertFalse(self.over(login))
        self.shop.write_text(SHOP.replace("unit: minute, requests_per_unit: LOGIN", "unit: second, requests_per_unit: 70"))
        harness.wait_until(lambda: self.ask(peek).statuses[0].current_limit.requests_per_unit == 70, "the new limit holds")
        self.assertFalse(self.over(login))

    def test_hits_are_not_given_back(self):
        self.begin_shop()
        self.assertIn("is_negative_hits", self.refuse(descriptor(path="/login") | {"is_negative_hits": True}))

    def test_descriptors_that_share_the_last_of_a_bucket_pass_alike(self):
        self.begin_shop()
        ada = descriptor(path="/login", user="ada")
        self.assertFalse(self.over(ada))
        both = self.ask(ada, ada)
        self.assertEqual((both.overall_code, [s.code for s in both.statuses]), (OK, [OK, OK]))
        self.assertEqual([s.limit_remaining for s in both.statuses], [0, 0])
        metric = 'tidelimit_descriptor_decisions_total{domain="shop",descriptor="path=/login > user",outcome="deny"}'
        self.assertFalse(self.metric(metric))
        self.assertTrue(self.over(ada))
        self.assertEqual(self.metric(metric), 1)

    def test_a_gate_in_shadow_denies_nobody_and_counts(self):
        self.begin_shop(mode="shadow")
        for _ in range(5):
            answer = self.ask(descriptor(path="/login"))
            self.assertEqual(answer, Response(overall_code=OK, statuses=[Response.DescriptorStatus(code=OK)]))
        self.assertEqual(self.metric(
            'tidelimit_descriptor_decisions_total{domain="shop",descriptor="path=/login",outcome="shadow_deny"}'), 2)

    def shell(self, *arguments, status=0):
        done = self.gate.shell(*arguments)
        self.assertEqual(done.returncode, status, done)
        return done.stdout

    def test_commands_tell_what_they_leave_out(self):
        self.begin_shop(mode="shadow")
        self.codes(login())
        self.assertIn("0 limits asked", self.shell("shadow-report", "--since", "1h"))
        for _ in range(5):
            self.ask(descriptor(path="/login"), descriptor(tried="x"))
        report = self.shell("shadow-report", "--since", "1h", "--max-harm", "10%", status=1)
        self.assertIn("10 limits asked, 2 would have denied\nharm 20.0000 % (at most 10.0000 %): ABOVE the bound", report)
        self.shell("shadow-report", "--since", "1h", "--max-harm", "20%")
        self.shell("shadow-report", "--since", "1h", "--max-harm", "10%", "--without-domains")
        self.shell("shadow-report", "--since", "1h", "--part", "endpoint/login")
        why = self.shell("why", "--user", "bob")
        self.assertIn("but for ratelimit.domains", why)
        self.assertIn("0 of 10 were denied and 2 would have been", why)
        self.assertIn("no override lifts limits of ratelimit.domains", self.shell("unblock", "--user", "bob"))

    def test_a_share_is_enforced_for_the_same_users_here_and_there_and_the_others_are_watched(self):
        self.begin_shop(mode="{ enforce: 20% }")
        users = [f"u{i}" for i in range(500)]

        def denied(domain, rest, name="user_id", limit=None):
            asked = [descriptor(limit=limit, **rest, **{name: user}) for user in users]
            for one in asked:
                self.codes(one, domain=domain)
            return {user for user, one in zip(users, asked) if self.call(one, domain=domain).overall_code == OVER}

        in_it = denied("tidelimit", {"path": "/login"}, limit=(1, units.HOUR))
        self.assertAlmostEqual(len(in_it), 100, delta=40)
        self.assertEqual(denied("shop", {"path": "/login"}), in_it)
        self.assertEqual(self.metric(
            'tidelimit_descriptor_decisions_total{domain="shop",descriptor="path=/login > user_id",outcome="deny"}'), len(in_it))
        self.assertEqual(self.metric(
            'tidelimit_descriptor_decisions_total{domain="shop",descriptor="path=/login > user_id",outcome="shadow_deny"}'),
            500 - len(in_it))
        outside = next(user for user in users if user not in in_it)
        self.assertEqual(self.ask(descriptor(path="/login", user_id=outside)),
                         Response(overall_code=OK, statuses=[Response.DescriptorStatus(code=OK)]), "as in shadow mode")
        others = denied("shop", {}, name="coupon")
        self.assertAlmostEqual(len(others), 100, delta=40)
        self.gate.call("PUT", "/v1/mode", {"all": {"enforce": "1%"}})
        harness.wait_until(lambda: len(denied("shop", {}, name="coupon")) < 25, "a smaller share holds")
        self.assertLessEqual(denied("shop", {}, name="coupon"), others)

    def test_files_change_while_it_runs_and_bad_ones_are_refused(self):
        self.begin_shop()
        login = descriptor(path="/login")
        self.assertFalse(self.over(login, hits=3))
        self.assertFalse(self.over(login, domain="other"), "no such domain")
        self.shop.write_text(SHOP.replace("LOGIN", "300"))
        harness.wait_until(lambda: self.ask(descriptor(hits=0, path="/login")).statuses[0].current_limit.requests_per_unit == 300,
                           "the new limit holds")
        (self.files / "other.yaml").write_text("domain: other\ndescriptors: [ { key: path, rate_limit: { unit: day, requests_per_unit: 0 } } ]\n")
        harness.wait_until(lambda: self.over(login, domain="other"), "a new file is a new domain")
        (self.files / "bad.yaml").write_text("domain: shop\n")
        harness.wait_until(lambda: "already: put both into one file" in self.gate.get("/readyz?verbose").body, "it is named")
        self.assertTrue(self.over(login, domain="other"), "the old ones stay")
        self.assertEqual(self.metric("tidelimit_config_last_reload_successful"), 0)


class Deployed(harness.EndToEnd):
    """deploy/envoy: what its filter and actions would send is what the gate understands."""

    FOLDER = harness.SOURCE / "deploy/envoy"
    ROUTED = {":path": "/browse/7", ":method": "GET", "user-agent": "curl/8"}

    def setUp(self):
        super().setUp()
        envoy = yaml.safe_load((self.FOLDER / "envoy.yaml").read_text())["static_resources"]
        self.clusters = {cluster["name"]: cluster for cluster in envoy["clusters"]}
        self.manager = envoy["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
        self.filters = {one["name"]: one["typed_config"] for one in self.manager["http_filters"]}
        self.limit = self.filters["envoy.filters.http.ratelimit"]

    def port_of(self, cluster):
        endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
        return endpoint["address"]["socket_address"]["port_value"]

    def descriptors(self, headers, address="203.0.113.1"):
        """What Envoy makes of the actions for such a request."""
        made = []
        for limit in self.manager["route_config"]["virtual_hosts"][0]["rate_limits"]:
            entries, whole = {}, True
            for action in limit["actions"]:
                (kind, options), = action.items()
                if kind == "remote_address":
                    entries["remote_address"] = address
                    continue
                self.assertEqual(kind, "request_headers")
                value = headers.get(options["header_name"])
                if value is not None:
                    entries[options["descriptor_key"]] = value
                else:
                    whole = whole and options.get("skip_if_absent", False)
            if whole:
                made.append(descriptor(**entries))
        return made

    def test_the_gates_address_is_the_clusters(self):
        gate = yaml.safe_load((self.FOLDER / "tidelimit.yaml").read_text())
        cluster = self.clusters[self.limit["rate_limit_service"]["grpc_service"]["envoy_grpc"]["cluster_name"]]
        self.assertEqual(gate["listen"]["grpc"], f"127.0.0.1:{self.port_of(cluster)}")
        self.assertEqual(cluster["health_checks"][0]["grpc_health_check"]["service_name"],
                         "envoy.service.ratelimit.v3.RateLimitService")
        self.assertEqual(list(self.filters)[-1], "envoy.filters.http.router")
        removed = [mutation["remove"] for extension in self.manager["early_header_mutation_extensions"]
                   for mutation in extension["typed_config"]["mutations"]]
        self.assertEqual(set(removed), {"x-user-id", "x-user-tier"}, "a client could say who it is")

    def test_its_descriptors_meet_the_limits_they_mean(self):
        gate = self.start_gate((self.FOLDER / "tidelimit.yaml").read_text()
                               .replace("127.0.0.1:8080", "HTTP").replace("127.0.0.1:8081", "GRPC"))
        channel = grpc.insecure_channel(f"127.0.0.1:{gate.grpc_port}")
        self.addCleanup(channel.close)
        call = channel.unary_unary("/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit",
                                   request_serializer=rls_pb2.RateLimitRequest.SerializeToString,
                                   response_deserializer=Response.FromString)

        def ask(headers):
            descriptors = self.descriptors(headers)
            self.assertEqual(len(descriptors), 1, "no header is missed")
            request = rls_pb2.RateLimitRequest(domain=self.limit["domain"].encode(), descriptors=descriptors)
            status, = call(request, timeout=harness.PATIENCE).statuses
            return status.current_limit.name, status.limit_remaining

        self.assertEqual(ask(self.ROUTED), ("browse-STD", 99))
        self.assertEqual(ask({":path": "/browse/7", ":method": "GET"}), ("browse-STD", 98))
        premium = {**self.ROUTED, "x-user-id": "ada", "x-user-tier": "PRM"}
        self.assertEqual(ask(premium), ("browse-PRM", 299))
        self.assertEqual(ask({**premium, ":path": "/payment/1"}), ("payment-PRM", 299))


if __name__ == "__main__":
    unittest.main()
