#include "store/history/tables.hpp"

namespace tidelimit::store {
namespace {

constexpr Nanos kHour = std::chrono::hours{1};

std::string principal_of(const engine::DecisionRecord& record) {
  return record.user.empty() ? record.client : "user/" + record.user;
}

// Every request that arrived, in windows that ended since then; the running one among them.
Result<double> arrived_since(Database& db, WallTime since) {
  auto rows = db.query(
      "SELECT total(requests + malicious) FROM "
      "(SELECT start, step, requests, malicious FROM windows UNION ALL "
      "SELECT start, step, requests, malicious FROM open_window) WHERE start + step > ?",
      since);
  const auto more = rows.step();
  if (!more) return tl::unexpected(more.error());
  return rows.real(0);
}

Result<void> read_sums(Database& db, engine::ShadowSummary& summary) {
  auto rows = db.query(
      "SELECT total(requests), total(CASE verdict WHEN 'normal' THEN requests END), "
      "count(DISTINCT principal), count(DISTINCT CASE verdict WHEN 'normal' THEN principal END) "
      "FROM shadow_denials WHERE hour >= ?",
      summary.since);
  const auto more = rows.step();
  if (!more) return tl::unexpected(more.error());
  summary.denied = static_cast<std::uint64_t>(rows.real(0));
  summary.harmed = static_cast<std::uint64_t>(rows.real(1));
  summary.principals = static_cast<std::uint64_t>(rows.integer(2));
  summary.principals_harmed = static_cast<std::uint64_t>(rows.integer(3));
  return {};
}

}  // namespace

Result<void> count_shadow_denial(Database& db, const engine::DecisionRecord& record) {
  if (record.outcome != "shadow_deny") return {};
  const WallTime hour = std::chrono::floor<std::chrono::hours>(record.time);
  return db.execute(
      "INSERT INTO shadow_denials (hour, principal, endpoint, tier, reason, rule, verdict, "
      "requests, first, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8) "
      "ON CONFLICT DO UPDATE SET requests = requests + 1, first = min(first, excluded.first), "
      "last = max(last, excluded.last)",
      hour, std::string_view(principal_of(record)), std::string_view(record.endpoint),
      std::string_view(record.tier), std::string_view(record.reason), std::string_view(record.rule),
      std::string_view(record.verdict), record.time);
}

Result<engine::ShadowSummary> shadow_summary_since(Database& db, WallTime since, std::size_t most) {
  engine::ShadowSummary summary;
  summary.since = std::chrono::floor<std::chrono::hours>(since);
  const auto arrived = arrived_since(db, summary.since);
  if (!arrived) return tl::unexpected(arrived.error());
  summary.arrived = *arrived;
  if (auto read = read_sums(db, summary); !read) return tl::unexpected(read.error());
  auto rows = db.query(
      "SELECT principal, endpoint, tier, reason, rule, verdict, sum(requests) AS denied, "
      "min(first), max(last) FROM shadow_denials WHERE hour >= ? "
      "GROUP BY principal, endpoint, tier, reason, rule, verdict "
      "ORDER BY verdict = 'normal' DESC, denied DESC, principal, endpoint LIMIT ?",
      summary.since, static_cast<std::int64_t>(most));
  while (true) {
    const auto more = rows.step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return summary;
    summary.by_principal.push_back({.principal = rows.text(0),
                                    .endpoint = rows.text(1),
                                    .tier = rows.text(2),
                                    .reason = rows.text(3),
                                    .rule = rows.text(4),
                                    .verdict = rows.text(5),
                                    .requests = static_cast<std::uint64_t>(rows.integer(6)),
                                    .first = rows.time(7),
                                    .last = rows.time(8)});
  }
}

Result<void> prune_shadow_denials(Database& db, WallTime before, std::size_t most) {
  return db.execute(
      "DELETE FROM shadow_denials WHERE (hour, principal, endpoint, tier, reason, rule, verdict) "
      "IN (SELECT hour, principal, endpoint, tier, reason, rule, verdict FROM shadow_denials "
      "WHERE hour < ? ORDER BY hour LIMIT ?)",
      before - kHour, static_cast<std::int64_t>(most));
}

}  // namespace tidelimit::store
