#include "store/history/tables.hpp"

namespace tidelimit::store {
namespace {

/// As record_of reads and put_decision writes them.
#define TIDELIMIT_DECISION_COLUMNS                                                           \
  "id, time, client, user, path, method, endpoint, tier, allowed, outcome, reason, rule, "   \
  "verdict, limit_per_minute, base_per_minute, remaining, retry_after_ms, plan_generation, " \
  "explanation, repeats"

// One text per way in, so that each goes by its own index; a further condition filters what it
// finds.
constexpr std::string_view kById =
    "SELECT " TIDELIMIT_DECISION_COLUMNS
    " FROM decisions INDEXED BY decisions_by_id "
    "WHERE id = ?1 AND (?2 = '' OR user = ?2) AND (?3 = '' OR client = ?3) AND time >= ?4 "
    "ORDER BY time DESC, row DESC LIMIT ?5";
constexpr std::string_view kByUser =
    "SELECT " TIDELIMIT_DECISION_COLUMNS
    " FROM decisions INDEXED BY decisions_by_user "
    "WHERE ?1 = '' AND user = ?2 AND user <> '' AND (?3 = '' OR client = ?3) AND time >= ?4 "
    "ORDER BY time DESC, row DESC LIMIT ?5";
constexpr std::string_view kByClient = "SELECT " TIDELIMIT_DECISION_COLUMNS
                                       " FROM decisions INDEXED BY decisions_by_client "
                                       "WHERE ?1 = '' AND ?2 = '' AND client = ?3 AND time >= ?4 "
                                       "ORDER BY time DESC, row DESC LIMIT ?5";
constexpr std::string_view kByTime = "SELECT " TIDELIMIT_DECISION_COLUMNS
                                     " FROM decisions INDEXED BY decisions_by_time "
                                     "WHERE ?1 = '' AND ?2 = '' AND ?3 = '' AND time >= ?4 "
                                     "ORDER BY time DESC, row DESC LIMIT ?5";

std::string_view way_in(const engine::DecisionQuery& query) {
  if (!query.id.empty()) return kById;
  if (!query.user.empty()) return kByUser;
  if (!query.client.empty()) return kByClient;
  return kByTime;
}

engine::DecisionRecord record_of(const Query& row) {
  return {.id = row.text(0),
          .time = row.time(1),
          .client = row.text(2),
          .user = row.text(3),
          .path = row.text(4),
          .method = row.text(5),
          .endpoint = row.text(6),
          .tier = row.text(7),
          .allowed = row.integer(8) != 0,
          .outcome = row.text(9),
          .reason = row.text(10),
          .rule = row.text(11),
          .verdict = row.text(12),
          .limit_per_minute = row.real(13),
          .base_per_minute = row.real(14),
          .remaining = static_cast<std::uint64_t>(row.integer(15)),
          .retry_after_ms = row.real(16),
          .plan_generation = static_cast<std::uint64_t>(row.integer(17)),
          .explanation = row.text(18),
          .repeats = static_cast<std::uint64_t>(row.integer(19))};
}

}  // namespace

Result<SipKey> read_user_name_key(Database& db) {
  const auto key = first_row(db.query("SELECT k0, k1 FROM user_name_key"), [](const Query& row) {
    return SipKey{static_cast<std::uint64_t>(row.integer(0)),
                  static_cast<std::uint64_t>(row.integer(1))};
  });
  if (!key) return tl::unexpected(key.error());
  return key->value_or(SipKey{});
}

Result<void> put_user_name_key(Database& db, const SipKey& key) {
  return db.execute("UPDATE user_name_key SET k0 = ?, k1 = ?", key.k0, key.k1);
}

Result<void> put_decision(Database& db, const engine::DecisionRecord& record) {
  return db.execute("INSERT INTO decisions (" TIDELIMIT_DECISION_COLUMNS
                    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    record.id, record.time, record.client, record.user, record.path, record.method,
                    record.endpoint, record.tier, record.allowed, record.outcome, record.reason,
                    record.rule, record.verdict, record.limit_per_minute, record.base_per_minute,
                    record.remaining, record.retry_after_ms, record.plan_generation,
                    record.explanation, record.repeats);
}

Result<std::vector<engine::DecisionRecord>> find_decisions(Database& db,
                                                           const engine::DecisionQuery& query) {
  return collect(
      db.query(way_in(query), query.id, query.user, query.client, query.since, query.most),
      record_of);
}

Result<void> prune_decisions(Database& db, WallTime before, std::size_t rows_kept,
                             std::size_t most) {
  auto pruned = db.execute(
      "DELETE FROM decisions WHERE row IN "
      "(SELECT row FROM decisions WHERE time < ? ORDER BY time LIMIT ?)",
      before, most);
  if (!pruned) return pruned;
  // Rows are numbered as they come and the oldest go first, so the newest number less the bound is
  // where the surplus ends; no count of millions of rows is needed.
  return db.execute(
      "DELETE FROM decisions WHERE row IN (SELECT row FROM decisions WHERE row <= "
      "(SELECT max(row) FROM decisions) - ? ORDER BY row LIMIT ?)",
      rows_kept, most);
}

}  // namespace tidelimit::store
