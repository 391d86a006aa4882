#include "store/history/tables.hpp"

namespace tidelimit::store {

namespace {

policy::PlanChange plan_change_of(const Query& row) {
  using Of = policy::PlanChange::Of;
  return {.of = enum_of(row.text(10), {Of::limit, Of::total, Of::shed}),
          .time = row.time(0),
          .endpoint = row.text(1),
          .tier = row.text(2),
          .before_per_minute = row.real(3),
          .after_per_minute = row.real(4),
          .before_scale = row.real(5),
          .after_scale = row.real(6),
          .rule = row.text(7),
          .cause = row.text(8),
          .shadow = row.integer(9) != 0};
}

}  // namespace

/// As plan_change_of reads them.
#define TIDELIMIT_PLAN_CHANGE_COLUMNS                                                            \
  "time, endpoint, tier, before_per_minute, after_per_minute, before_scale, after_scale, rule, " \
  "cause, shadow, of"

Result<void> put_plan_change(Database& db, const policy::PlanChange& change) {
  auto put = db.execute("INSERT INTO plan_changes (" TIDELIMIT_PLAN_CHANGE_COLUMNS
                        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        change.time, change.endpoint, change.tier, change.before_per_minute,
                        change.after_per_minute, change.before_scale, change.after_scale,
                        change.rule, change.cause, change.shadow, to_string(change.of));
  if (!put) return put;
  return db.execute(
      "INSERT OR REPLACE INTO plan_standing (" TIDELIMIT_PLAN_CHANGE_COLUMNS
      ", id, tightened) SELECT " TIDELIMIT_PLAN_CHANGE_COLUMNS
      ", id, after_scale < before_scale FROM plan_changes WHERE id = last_insert_rowid()");
}

Result<std::vector<policy::PlanChange>> read_plan_standing(Database& db) {
  return collect(
      db.query("SELECT " TIDELIMIT_PLAN_CHANGE_COLUMNS " FROM plan_standing ORDER BY id"),
      plan_change_of);
}

Result<std::vector<policy::PlanChange>> find_plan_changes(Database& db,
                                                          const engine::PlanChangeQuery& query) {
  return collect(db.query("SELECT " TIDELIMIT_PLAN_CHANGE_COLUMNS
                          " FROM (SELECT * FROM plan_changes WHERE time >= ? AND time < ? ORDER BY "
                          "time DESC, id DESC LIMIT ?) "
                          "ORDER BY time, id",
                          query.since, query.until, query.most),
                 plan_change_of);
}

Result<void> prune_plan_changes(Database& db, WallTime before, std::size_t rows_kept,
                                std::size_t most) {
  auto pruned = db.execute(
      "DELETE FROM plan_changes WHERE id IN "
      "(SELECT id FROM plan_changes WHERE time < ? ORDER BY time LIMIT ?)",
      before, most);
  if (!pruned) return pruned;
  // As of decisions: see prune_decisions.
  return db.execute(
      "DELETE FROM plan_changes WHERE id IN (SELECT id FROM plan_changes WHERE id <= "
      "(SELECT max(id) FROM plan_changes) - ? ORDER BY id LIMIT ?)",
      rows_kept, most);
}

}  // namespace tidelimit::store
