#include "store/history/tables.hpp"

namespace tidelimit::store {

namespace {

policy::PlanChange plan_change_of(const Query& row) {
  return {.time = row.time(0),
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

Result<void> put_plan_change(Database& db, const policy::PlanChange& change) {
  return db.execute(
      "INSERT INTO plan_changes (time, endpoint, tier, before_per_minute, after_per_minute, "
      "before_scale, after_scale, rule, cause, shadow) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      change.time, std::string_view(change.endpoint), std::string_view(change.tier),
      change.before_per_minute, change.after_per_minute, change.before_scale, change.after_scale,
      std::string_view(change.rule), std::string_view(change.cause), std::int64_t{change.shadow});
}

Result<std::vector<policy::PlanChange>> plan_changes_since(Database& db, WallTime since) {
  return collect(
      db.query(
          "SELECT time, endpoint, tier, before_per_minute, after_per_minute, before_scale, "
          "after_scale, rule, cause, shadow FROM plan_changes WHERE time >= ? ORDER BY time, id",
          since),
      plan_change_of);
}

Result<void> prune_plan_changes(Database& db, WallTime before, std::size_t most) {
  return db.execute(
      "DELETE FROM plan_changes WHERE id IN "
      "(SELECT id FROM plan_changes WHERE time < ? ORDER BY time LIMIT ?)",
      before, static_cast<std::int64_t>(most));
}

}  // namespace tidelimit::store
