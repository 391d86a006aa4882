#include "store/history/schema.hpp"

#include <array>
#include <fmt/format.h>

namespace tidelimit::store {
namespace {

// Step i takes a file from version i to i + 1. A released step is never edited: a change of layout
// is a new step at the end. Times are nanoseconds since the epoch, UTC. Where a table has no rowid,
// the columns of its key come first: otherwise quick_check of SQLite 3.40 takes them for NULL, and
// the file for damaged.
constexpr std::array kSteps = {
    R"sql(
-- demand per endpoint and window; open_window holds the one that is still running
CREATE TABLE windows (
  start INTEGER NOT NULL, step INTEGER NOT NULL, endpoint TEXT NOT NULL,
  requests REAL NOT NULL, premium REAL NOT NULL, errors REAL NOT NULL, responses REAL NOT NULL,
  latency_ms_sum REAL NOT NULL, malicious REAL NOT NULL, late REAL NOT NULL,
  observed INTEGER NOT NULL,
  PRIMARY KEY (start, step, endpoint)
) WITHOUT ROWID;
CREATE TABLE open_window (
  start INTEGER NOT NULL, step INTEGER NOT NULL, endpoint TEXT NOT NULL,
  requests REAL NOT NULL, premium REAL NOT NULL, errors REAL NOT NULL, responses REAL NOT NULL,
  latency_ms_sum REAL NOT NULL, malicious REAL NOT NULL, late REAL NOT NULL,
  observed INTEGER NOT NULL,
  PRIMARY KEY (start, step, endpoint)
) WITHOUT ROWID;

-- a verdict is one client's, by one rule, from one time on; renewing moves its end
CREATE TABLE verdicts (
  client_hi INTEGER NOT NULL, client_lo INTEGER NOT NULL, rule TEXT NOT NULL,
  from_time INTEGER NOT NULL, until INTEGER NOT NULL,
  client_name TEXT NOT NULL, kind TEXT NOT NULL, action TEXT NOT NULL,
  limit_count INTEGER, limit_period INTEGER, score REAL NOT NULL,
  part TEXT NOT NULL, mode TEXT NOT NULL, reasons TEXT NOT NULL,
  PRIMARY KEY (client_hi, client_lo, rule, from_time)
) WITHOUT ROWID;
CREATE INDEX verdicts_by_end ON verdicts (until);

CREATE TABLE overrides (
  target TEXT PRIMARY KEY, action TEXT NOT NULL, limit_count INTEGER, limit_period INTEGER,
  reason TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL, until INTEGER
) WITHOUT ROWID;
CREATE TABLE override_audit (
  id INTEGER PRIMARY KEY, time INTEGER NOT NULL, change TEXT NOT NULL, target TEXT NOT NULL,
  made_by TEXT NOT NULL, action TEXT, limit_count INTEGER, limit_period INTEGER, reason TEXT,
  until INTEGER
);
CREATE INDEX override_audit_by_time ON override_audit (time);

CREATE TABLE plan_changes (
  id INTEGER PRIMARY KEY, time INTEGER NOT NULL, endpoint TEXT NOT NULL, tier TEXT NOT NULL,
  before_per_minute REAL NOT NULL, after_per_minute REAL NOT NULL,
  before_scale REAL NOT NULL, after_scale REAL NOT NULL,
  rule TEXT NOT NULL, cause TEXT NOT NULL, shadow INTEGER NOT NULL
);
CREATE INDEX plan_changes_by_time ON plan_changes (time);

CREATE TABLE decisions (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL, time INTEGER NOT NULL,
  client TEXT NOT NULL, user TEXT NOT NULL, path TEXT NOT NULL, method TEXT NOT NULL,
  endpoint TEXT NOT NULL, tier TEXT NOT NULL, allowed INTEGER NOT NULL, outcome TEXT NOT NULL,
  reason TEXT NOT NULL, rule TEXT NOT NULL, verdict TEXT NOT NULL,
  limit_per_minute REAL NOT NULL, base_per_minute REAL NOT NULL, remaining INTEGER NOT NULL,
  retry_after_ms REAL NOT NULL, plan_generation INTEGER NOT NULL, explanation TEXT NOT NULL
);
CREATE INDEX decisions_by_id ON decisions (id);
CREATE INDEX decisions_by_time ON decisions (time);
CREATE INDEX decisions_by_client ON decisions (client, time);
CREATE INDEX decisions_by_user ON decisions (user, time) WHERE user <> '';

CREATE TABLE forecasts (
  made_at INTEGER NOT NULL, endpoint TEXT NOT NULL, horizon INTEGER NOT NULL,
  q05 REAL NOT NULL, q10 REAL NOT NULL, q50 REAL NOT NULL, q90 REAL NOT NULL, q95 REAL NOT NULL,
  naive REAL NOT NULL, usual REAL, source TEXT NOT NULL, note TEXT NOT NULL,
  PRIMARY KEY (made_at, endpoint)
) WITHOUT ROWID;
)sql",
    R"sql(
-- what shadow mode would have denied, summed by the hour: decisions themselves go after a day
CREATE TABLE shadow_denials (
  hour INTEGER NOT NULL, principal TEXT NOT NULL, endpoint TEXT NOT NULL, tier TEXT NOT NULL,
  reason TEXT NOT NULL, rule TEXT NOT NULL, verdict TEXT NOT NULL,
  requests INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (hour, principal, endpoint, tier, reason, rule, verdict)
) WITHOUT ROWID;
)sql",
    R"sql(
-- what the operator says of a client, over the model
CREATE TABLE labels (
  target TEXT PRIMARY KEY, malicious INTEGER NOT NULL, reason TEXT NOT NULL,
  made_by TEXT NOT NULL, made_at INTEGER NOT NULL, until INTEGER
) WITHOUT ROWID;
-- every feature's part in the score, beside the words
ALTER TABLE verdicts ADD COLUMN features TEXT NOT NULL DEFAULT '[]';
)sql",
    R"sql(
-- modes set by hand; mode NULL: as configured again. The latest of each part is in force
CREATE TABLE modes (
  id INTEGER PRIMARY KEY, part TEXT NOT NULL, mode TEXT, share REAL NOT NULL,
  reason TEXT NOT NULL, made_by TEXT NOT NULL, made_at INTEGER NOT NULL, until INTEGER
);
CREATE INDEX modes_by_part ON modes (part, id);
CREATE INDEX modes_by_time ON modes (made_at);
)sql",
    R"sql(
-- configurations that took effect, and the earlier one that holds in place of the file's, if any
CREATE TABLE configurations (
  fingerprint TEXT PRIMARY KEY, text TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE configuration_hold (
  fingerprint TEXT NOT NULL, over TEXT NOT NULL, reason TEXT NOT NULL, made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL
);
)sql",
    R"sql(
-- all windows that are open, as counted until as_of; for `missed` of it nobody listened. Of those
-- saved before, whatever has passed since is forgiven
ALTER TABLE open_window ADD COLUMN as_of INTEGER NOT NULL DEFAULT 0;
ALTER TABLE open_window ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
UPDATE open_window SET as_of = start + step, missed = CASE observed WHEN 0 THEN step ELSE 0 END;
ALTER TABLE open_window DROP COLUMN observed;
)sql",
    R"sql(
-- which configuration was in force when one first took effect; of those known, the one that came
-- before it
ALTER TABLE configurations ADD COLUMN before TEXT NOT NULL DEFAULT '';
UPDATE configurations SET before = coalesce((SELECT c.fingerprint FROM configurations c
  WHERE c.first < configurations.first ORDER BY c.first DESC LIMIT 1), '');
)sql",
    R"sql(
-- why a verdict is only reported. Earlier versions said so among the reasons alone
ALTER TABLE verdicts ADD COLUMN withheld TEXT NOT NULL DEFAULT 'no';
UPDATE verdicts SET withheld = CASE
  WHEN reasons LIKE '%"not enforced: the budget of new verdicts is spent"%' THEN 'budget'
  WHEN reasons LIKE '%"not enforced: %' THEN 'protection'
  ELSE 'no' END WHERE mode = 'shadow';
)sql",
    R"sql(
-- what has changed: the limit on each principal, their total, or what is shed
ALTER TABLE plan_changes ADD COLUMN of TEXT NOT NULL DEFAULT 'limit';
)sql",
    R"sql(
-- denials that a decision stands for besides itself
ALTER TABLE decisions ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
-- of the hash that tells users with a long beginning in common apart
CREATE TABLE user_name_key (k0 INTEGER NOT NULL, k1 INTEGER NOT NULL);
INSERT INTO user_name_key VALUES (random(), random());
)sql",
    R"sql(
-- where each rule left each limit, however long ago: the last change of either kind, and the last
-- one that tightened
CREATE TABLE plan_standing (
  endpoint TEXT NOT NULL, tier TEXT NOT NULL, of TEXT NOT NULL, rule TEXT NOT NULL,
  shadow INTEGER NOT NULL, tightened INTEGER NOT NULL,
  id INTEGER NOT NULL, time INTEGER NOT NULL,
  before_per_minute REAL NOT NULL, after_per_minute REAL NOT NULL,
  before_scale REAL NOT NULL, after_scale REAL NOT NULL, cause TEXT NOT NULL,
  PRIMARY KEY (endpoint, tier, of, rule, shadow, tightened)
) WITHOUT ROWID;
INSERT INTO plan_standing SELECT endpoint, tier, of, rule, shadow,
  after_scale < before_scale AS tightened, max(id), time, before_per_minute, after_per_minute,
  before_scale, after_scale, cause
  FROM plan_changes GROUP BY endpoint, tier, of, rule, shadow, tightened;
)sql",
    R"sql(
-- the rule on figures that raised a verdict; '' of the model's, and of earlier versions'
ALTER TABLE verdicts ADD COLUMN source TEXT NOT NULL DEFAULT '';
)sql",
    R"sql(
-- all lengths that stored windows have, or had
CREATE TABLE window_lengths (step INTEGER PRIMARY KEY) WITHOUT ROWID;
INSERT INTO window_lengths SELECT DISTINCT step FROM windows;
)sql"};

Result<void> require_ours(Database& database) {
  const auto id = database.number("PRAGMA application_id");
  if (!id) return tl::unexpected(id.error());
  if (*id == kApplicationId) return {};
  const auto tables = database.number("SELECT count(*) FROM sqlite_master");
  if (!tables) return tl::unexpected(tables.error());
  if (*id == 0 && *tables == 0) return {};
  return fail(Code::failed_precondition,
              database.path().string() +
                  ": a SQLite file of another program, which is left alone; name another `state`");
}

}  // namespace

int schema_version() {
  return static_cast<int>(kSteps.size());
}

Result<void> migrate(Database& database) {
  if (auto ours = require_ours(database); !ours) return ours;
  const auto version = database.number("PRAGMA user_version");
  if (!version) return tl::unexpected(version.error());
  if (*version < 0 || *version > schema_version()) {
    return fail(Code::failed_precondition,
                fmt::format("{}: written by a newer tidelimit (version {} of its layout, this "
                            "program knows {}); run that one, or name another `state`",
                            database.path().string(), *version, schema_version()));
  }
  for (auto next = *version; next < schema_version(); ++next) {
    auto step = database.transaction([&] {
      return database.script(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}; {}",
                                         kApplicationId, next + 1,
                                         kSteps[static_cast<std::size_t>(next)]));
    });
    if (!step) return step;
  }
  return {};
}

}  // namespace tidelimit::store
