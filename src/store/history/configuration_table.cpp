#include "store/history/configuration_table.hpp"

namespace tidelimit::store {

Result<void> put_configuration(Database& db, const engine::ConfigurationRecord& record,
                               std::size_t most) {
  auto put = db.execute(
      "INSERT INTO configurations (fingerprint, text, first, last, before) VALUES (?1, ?2, ?3, ?4, "
      "coalesce((SELECT fingerprint FROM configurations WHERE fingerprint <> ?1 "
      "ORDER BY last DESC, fingerprint LIMIT 1), '')) "
      "ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
      std::string_view(record.fingerprint), std::string_view(record.text), record.first,
      record.last);
  if (!put) return put;
  return db.execute(
      "DELETE FROM configurations WHERE fingerprint NOT IN "
      "(SELECT fingerprint FROM configurations ORDER BY last DESC, fingerprint LIMIT ?)",
      static_cast<std::int64_t>(most));
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
      std::string_view(hold->fingerprint), std::string_view(hold->over),
      std::string_view(hold->reason), std::string_view(hold->by), hold->made_at);
}

Result<std::optional<engine::ConfigurationHold>> find_hold(Database& db) {
  auto rows =
      db.query("SELECT fingerprint, over, reason, made_by, made_at FROM configuration_hold");
  const auto more = rows.step();
  if (!more) return tl::unexpected(more.error());
  if (!*more) return std::nullopt;
  return engine::ConfigurationHold{rows.text(0), rows.text(1), rows.text(2), rows.text(3),
                                   rows.time(4)};
}

}  // namespace tidelimit::store
