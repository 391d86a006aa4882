"""A gate that serves, with the configuration and the words that tests of its calls share."""

import contextlib
import sqlite3

from harness import EndToEnd

CONFIG = """
mode: enforce
listen: { http: HTTP, syslog: SYSLOG }
identity: { user_header: x-user-id, tier_header: x-user-tier, default_tier: STD }
tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", priority: high, limits: { PRM: 300/min, STD: { rate: 6/min, burst: 3 } } }
  - { name: browse, match: "/browse/**", priority: low, limits: { PRM: 300/min, STD: 120/min } }
  - { name: login, match: /login, methods: [POST], limits: { client: { rate: 6/min, burst: 2 } } }
rules:
  - { name: odd-tool, when: { user_agent: "Postman*", error_rate: 0.5, requests: 20 },
      then: { verdict: suspicious, limit: 10/min, for: 10m } }
admin: { token_file: var/admin.token }
state: var/tidelimit.db
"""


class Serving(EndToEnd):
    def setUp(self):
        super().setUp()
        self.gate = self.start_gate(CONFIG)

    def assert_problem(self, answer, status, *words):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(answer.json["status"], status)
        for word in words:
            self.assertIn(word, answer.json["detail"])

    def stored(self, endpoint):
        """Requests of the open window, as the state has them."""
        with contextlib.closing(sqlite3.connect(self.gate.folder / "var/tidelimit.db")) as db:
            return db.execute("SELECT total(requests) FROM open_window WHERE endpoint = ?", (endpoint,)).fetchone()[0]

    def override(self, target, **body):
        return self.gate.call("PUT", f"/v1/overrides/{target}", {"reason": "test", **body})
