#include "store/history/tables.hpp"

namespace tidelimit::store {

using limiter::Action;

std::optional<std::int64_t> count_column(const std::optional<Rate>& rate) {
  if (!rate) return std::nullopt;
  return static_cast<std::int64_t>(rate->count);
}

std::optional<std::int64_t> period_column(const std::optional<Rate>& rate) {
  if (!rate) return std::nullopt;
  return rate->period.count();
}

std::optional<Rate> rate_of(const Query& row, int count_column) {
  const auto count = row.integer(count_column);
  const auto period = row.integer(count_column + 1);
  if (count < 1 || period < 1) return std::nullopt;
  return Rate{static_cast<std::uint64_t>(count), Nanos{period}};
}

Result<void> put_override(Database& db, const engine::OverrideRecord& record) {
  const std::string_view action = limiter::to_string(record.action);
  auto put =
      db.execute("INSERT OR REPLACE INTO overrides (" TIDELIMIT_OVERRIDE_COLUMNS
                 ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                 record.target, action, count_column(record.limit), period_column(record.limit),
                 record.reason, record.by, record.made_at, record.until);
  if (!put) return put;
  return db.execute(
      "INSERT INTO override_audit (time, change, target, made_by, action, limit_count, "
      "limit_period, reason, until) VALUES (?, 'put', ?, ?, ?, ?, ?, ?, ?)",
      record.made_at, record.target, record.by, action, count_column(record.limit),
      period_column(record.limit), record.reason, record.until);
}

Result<void> delete_override(Database& db, const std::string& target, const std::string& by,
                             WallTime now) {
  auto deleted = db.execute("DELETE FROM overrides WHERE target = ?", target);
  if (!deleted) return deleted;
  if (db.rows_changed() == 0) return fail(Code::not_found, "there is no override for " + target);
  return db.execute(
      "INSERT INTO override_audit (time, change, target, made_by) VALUES (?, 'delete', ?, ?)", now,
      target, by);
}

engine::OverrideRecord override_of(const Query& row, int first) {
  engine::OverrideRecord record;
  record.target = row.text(first);
  record.action =
      enum_of(row.text(first + 1), {Action::none, Action::allow, Action::limit, Action::block});
  record.limit = rate_of(row, first + 2);
  record.reason = row.text(first + 4);
  record.by = row.text(first + 5);
  record.made_at = row.time(first + 6);
  if (!row.is_null(first + 7)) record.until = row.time(first + 7);
  return record;
}

Result<std::vector<engine::OverrideRecord>> all_overrides(Database& db) {
  return collect(
      db.query("SELECT " TIDELIMIT_OVERRIDE_COLUMNS " FROM overrides ORDER BY made_at, target"),
      [](const Query& row) { return override_of(row, 0); });
}

Result<void> prune_overrides(Database& db, WallTime ended, WallTime before, std::size_t most) {
  auto pruned = db.execute(
      "DELETE FROM overrides WHERE target IN "
      "(SELECT target FROM overrides WHERE until IS NOT NULL AND until < ? LIMIT ?)",
      ended, most);
  if (!pruned) return pruned;
  return db.execute(
      "DELETE FROM override_audit WHERE id IN "
      "(SELECT id FROM override_audit WHERE time < ? ORDER BY time LIMIT ?)",
      before, most);
}

}  // namespace tidelimit::store
