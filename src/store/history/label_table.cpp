#include "store/history/tables.hpp"

namespace tidelimit::store {

Result<void> put_label(Database& db, const engine::LabelRecord& record) {
  return db.execute(
      "INSERT OR REPLACE INTO labels (" TIDELIMIT_LABEL_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)",
      record.target, record.malicious, record.reason, record.by, record.made_at, record.until);
}

Result<void> delete_label(Database& db, const std::string& target) {
  auto deleted = db.execute("DELETE FROM labels WHERE target = ?", target);
  if (!deleted) return deleted;
  if (db.rows_changed() == 0) return fail(Code::not_found, "there is no label on " + target);
  return {};
}

engine::LabelRecord label_of(const Query& row) {
  engine::LabelRecord record;
  record.target = row.text(0);
  record.malicious = row.integer(1) != 0;
  record.reason = row.text(2);
  record.by = row.text(3);
  record.made_at = row.time(4);
  if (!row.is_null(5)) record.until = row.time(5);
  return record;
}

Result<std::vector<engine::LabelRecord>> all_labels(Database& db) {
  return collect(
      db.query("SELECT " TIDELIMIT_LABEL_COLUMNS " FROM labels ORDER BY made_at, target"),
      label_of);
}

Result<void> prune_labels(Database& db, WallTime ended, std::size_t most) {
  return db.execute(
      "DELETE FROM labels WHERE target IN "
      "(SELECT target FROM labels WHERE until IS NOT NULL AND until < ? LIMIT ?)",
      ended, most);
}

}  // namespace tidelimit::store
