#include "store/history/configuration_table.hpp"

namespace tidelimit::store {

Result<void> put_configuration(Database& db, const engine::ConfigurationRecord& record,
                               std::size_t most) {
  auto put = db.execute(
      "INSERT INTO configurations (fingerprint, text, first, last, before) VALUES (?1, ?2, ?3, ?4, "
      "coalesce((SELECT fingerprint FROM configurations WHERE fingerprint <> ?1 "
      "ORDER BY last DESC, fingerprint LIMIT 1), '')) "
      "ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
      record.fingerprint, record.text, record.first, record.last);
  if (!put) return put;
  return db.execute(
      "DELETE FROM configurations WHERE fingerprint NOT IN "
      "(SELECT fingerprint FROM configurations ORDER BY last DESC, fingerprint LIMIT ?)",
      most);
}

engine::ConfigurationRecord configuration_of(const Query& row) {
  return {row.text(0), row.text(1), row.time(2), row.time(3), row.text(4)};
}

Result<std::vector<engine::ConfigurationRecord>> all_configurations(Database& db) {
  return collect(db.query("SELECT fingerprint, text, first, last, before FROM configurations "
                          "ORDER BY last DESC, fingerprint"),
                 configuration_of);
}

Result<void> put_hold(Database& db, const engine::ConfigurationHold* hold) {
  if (auto ended = db.execute("DELETE FROM configuration_hold"); !ended || hold == nullptr)
    return ended;
  return db.execute(
      "INSERT INTO configuration_hold (fingerprint, over, reason, made_by, made_at) "
      "VALUES (?, ?, ?, ?, ?)",
      hold->fingerprint, hold->over, hold->reason, hold->by, hold->made_at);
}

Result<std::optional<engine::ConfigurationHold>> find_hold(Database& db) {
  return first_row(
      db.query("SELECT fingerprint, over, reason, made_by, made_at FROM configuration_hold"),
      [](const Query& row) {
        return engine::ConfigurationHold{row.text(0), row.text(1), row.text(2), row.text(3),
                                         row.time(4)};
      });
}

}  // namespace tidelimit::store
