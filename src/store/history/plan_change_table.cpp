#include "store/history/tables.hpp"

namespace tidelimit::store {

namespace {

policy::PlanChange::Of read_of(std::string_view word) {
  for (const auto of : {policy::PlanChange::Of::total, policy::PlanChange::Of::shed})
    if (word == to_string(of)) return of;
  return policy::PlanChange::Of::limit;
}

policy::PlanChange plan_change_of(const Query& row) {
  return {.of = read_of(row.text(10)),
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
  auto put =
      db.execute("INSERT INTO plan_changes (" TIDELIMIT_PLAN_CHANGE_COLUMNS
                 ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 change.time, std::string_view(change.endpoint), std::string_view(change.tier),
                 change.before_per_minute, change.after_per_minute, change.before_scale,
                 change.after_scale, std::string_view(change.rule), std::string_view(change.cause),
                 std::int64_t{change.shadow}, std::string_view(to_string(change.of)));
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
                          query.since, query.until, static_cast<std::int64_t>(query.most)),
                 plan_change_of);
}

Result<void> prune_plan_changes(Database& db, WallTime before, std::size_t rows_kept,
                                std::size_t most) {
  auto pruned = db.execute(
      "DELETE FROM plan_changes WHERE id IN "
      "(SELECT id FROM plan_changes WHERE time < ? ORDER BY time LIMIT ?)",
      before, static_cast<std::int64_t>(most));
  if (!pruned) return pruned;
  // As of decisions: see prune_decisions.
  return db.execute(
      "DELETE FROM plan_changes WHERE id IN (SELECT id FROM plan_changes WHERE id <= "
      "(SELECT max(id) FROM plan_changes) - ? ORDER BY id LIMIT ?)",
      static_cast<std::int64_t>(rows_kept), static_cast<std::int64_t>(most));
}

}  // namespace tidelimit::store
