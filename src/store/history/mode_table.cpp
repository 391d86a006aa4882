#include "store/history/tables.hpp"

namespace tidelimit::store {

engine::ModeRecord mode_of(const Query& row) {
  using limiter::Mode;
  engine::ModeRecord record;
  record.part = row.text(0);
  if (!row.is_null(1))
    record.mode = policy::ModeFor{enum_of(row.text(1), {Mode::off, Mode::shadow, Mode::enforce}),
                                  row.real(2)};
  record.reason = row.text(3);
  record.by = row.text(4);
  record.made_at = row.time(5);
  if (!row.is_null(6)) record.until = row.time(6);
  return record;
}

Result<void> put_mode(Database& db, const engine::ModeRecord& record) {
  std::optional<std::string_view> mode;
  if (record.mode) mode = limiter::to_string(record.mode->mode);
  return db.execute("INSERT INTO modes (" TIDELIMIT_MODE_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?)",
                    record.part, mode, record.mode ? record.mode->share : 1.0, record.reason,
                    record.by, record.made_at, record.until);
}

Result<std::vector<engine::ModeRecord>> latest_modes(Database& db) {
  return collect(
      db.query("SELECT " TIDELIMIT_MODE_COLUMNS
               " FROM modes WHERE id IN (SELECT max(id) FROM modes GROUP BY part) ORDER BY id"),
      mode_of);
}

Result<std::vector<engine::ModeRecord>> modes_since(Database& db, WallTime since) {
  return collect(
      db.query("SELECT " TIDELIMIT_MODE_COLUMNS " FROM modes WHERE made_at >= ? ORDER BY id",
               since),
      mode_of);
}

Result<void> prune_modes(Database& db, WallTime before, std::size_t most) {
  return db.execute(
      "DELETE FROM modes WHERE id IN (SELECT id FROM modes WHERE made_at < ? AND id NOT IN "
      "(SELECT max(id) FROM modes GROUP BY part) ORDER BY id LIMIT ?)",
      before, most);
}

}  // namespace tidelimit::store
