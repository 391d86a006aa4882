#include <fmt/format.h>
#include <fmt/ranges.h>

#include "store/history/tables.hpp"

namespace tidelimit::store {
namespace {

constexpr Nanos kHour = std::chrono::hours{1};
constexpr Nanos kLongestWindow = std::chrono::hours{24};

std::string principal_of(const engine::DecisionRecord& record) {
  return record.user.empty() ? record.client : "user/" + record.user;
}

// Every request that arrived, in windows that ended since then; the running one among them. No
// window is longer than a day, which spares a look at years of them.
Result<double> arrived_since(Database& db, WallTime since) {
  const auto arrived =
      first_row(db.query("SELECT total(requests + malicious) FROM "
                         "(SELECT start, step, requests, malicious FROM windows UNION ALL "
                         "SELECT start, step, requests, malicious FROM open_window) "
                         "WHERE start > ?1 AND start + step > ?2",
                         since - kLongestWindow, since),
                [](const Query& row) { return row.real(0); });
  if (!arrived) return tl::unexpected(arrived.error());
  return arrived->value_or(0);
}

/// A query as the parameters ?1 to ?4 of the statements below.
struct Filter {
  WallTime since{};
  std::string_view endpoint;
  std::optional<std::string> rules;  ///< a JSON array
  std::int64_t by_verdict = 0;
};

#define TIDELIMIT_SHADOW_FILTER                                    \
  "WHERE hour >= ?1 AND (?2 = '' OR endpoint = ?2) "               \
  "AND (?3 IS NULL OR rule IN (SELECT value FROM json_each(?3))) " \
  "AND (?4 = 0 OR reason IN ('client_blocked', 'client_limited')) "

// The rows asked for, with their `harm`: whether what they count is (ShadowSummary::harmed), by
// what stands behind the verdict (excuse.hpp). A label tells also of what was denied before it was
// given, and no verdict excuses what it would itself deny by the rules that are asked for.
#define TIDELIMIT_SHADOW_ROWS                                                                  \
  "(SELECT *, coalesce(1 - label, "                                                            \
  "CASE WHEN verdict LIKE '% (label)' THEN 0 "                                                 \
  "WHEN verdict = 'normal' OR verdict LIKE '% (watched)' THEN 1 "                              \
  "ELSE ?3 IS NOT NULL AND reason IN ('client_blocked', 'client_limited') END) AS harm "       \
  "FROM (SELECT *, (SELECT malicious FROM labels WHERE target = principal "                    \
  "AND (until IS NULL OR until > last)) AS label FROM shadow_denials " TIDELIMIT_SHADOW_FILTER \
  ")) "

#define TIDELIMIT_ADD_TO_ROW                                            \
  "ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, " \
  "first = min(first, excluded.first), last = max(last, excluded.last)"

#define TIDELIMIT_TO_FOLD "WHERE principal <> ?1 AND principal NOT IN (SELECT target FROM labels) "

/// Where a batch of rows ends, in the order of their key.
struct Place {
  WallTime hour{};
  std::string principal;
};
Place place_of(const Query& row) {
  return {row.time(0), row.text(1)};
}

Filter filter_of(const engine::ShadowQuery& query) {
  Filter filter{std::chrono::floor<std::chrono::hours>(query.since),
                query.endpoint,
                {},
                query.by_verdict ? 1 : 0};
  // Names of rules need no escapes.
  if (query.rules)
    filter.rules =
        query.rules->empty() ? "[]" : fmt::format("[\"{}\"]", fmt::join(*query.rules, "\",\""));
  return filter;
}

Result<void> read_sums(Database& db, const Filter& filter, engine::ShadowSummary& summary) {
  auto rows = db.query(
      "SELECT total(requests), total(requests * harm), count(DISTINCT principal), "
      "count(DISTINCT CASE WHEN harm THEN principal END) FROM " TIDELIMIT_SHADOW_ROWS,
      filter.since, filter.endpoint, filter.rules, filter.by_verdict);
  const auto more = rows.step();
  if (!more) return tl::unexpected(more.error());
  summary.denied = static_cast<std::uint64_t>(rows.real(0));
  summary.harmed = static_cast<std::uint64_t>(rows.real(1));
  summary.principals = static_cast<std::uint64_t>(rows.integer(2));
  summary.principals_harmed = static_cast<std::uint64_t>(rows.integer(3));
  return {};
}

Result<std::vector<engine::ShadowCause>> read_causes(Database& db, const Filter& filter) {
  auto rows = db.query(
      "SELECT reason, rule, sum(requests) AS denied, total(requests * harm), "
      "count(DISTINCT principal) FROM " TIDELIMIT_SHADOW_ROWS
      "GROUP BY reason, rule ORDER BY denied DESC, rule, reason",
      filter.since, filter.endpoint, filter.rules, filter.by_verdict);
  return collect(std::move(rows), [](const Query& row) {
    return engine::ShadowCause{.reason = row.text(0),
                               .rule = row.text(1),
                               .requests = static_cast<std::uint64_t>(row.integer(2)),
                               .harmed = static_cast<std::uint64_t>(row.real(3)),
                               .principals = static_cast<std::uint64_t>(row.integer(4))};
  });
}

Result<std::vector<engine::ShadowDenials>> read_principals(Database& db, const Filter& filter,
                                                           std::size_t most) {
  auto rows = db.query(
      "SELECT principal, endpoint, tier, reason, rule, "
      "CASE label WHEN 1 THEN 'malicious (label)' WHEN 0 THEN 'not_malicious (label)' "
      "ELSE verdict END AS said, "
      "sum(requests) AS denied, min(first), max(last) FROM " TIDELIMIT_SHADOW_ROWS
      "GROUP BY principal, endpoint, tier, reason, rule, said, harm "
      "ORDER BY harm DESC, denied DESC, principal, endpoint LIMIT ?5",
      filter.since, filter.endpoint, filter.rules, filter.by_verdict, most);
  return collect(std::move(rows), [](const Query& row) {
    return engine::ShadowDenials{.principal = row.text(0),
                                 .endpoint = row.text(1),
                                 .tier = row.text(2),
                                 .reason = row.text(3),
                                 .rule = row.text(4),
                                 .verdict = row.text(5),
                                 .requests = static_cast<std::uint64_t>(row.integer(6)),
                                 .first = row.time(7),
                                 .last = row.time(8)};
  });
}

}  // namespace

Result<void> count_shadow_denial(Database& db, const engine::DecisionRecord& record) {
  if (record.outcome != "shadow_deny") return {};
  const WallTime hour = std::chrono::floor<std::chrono::hours>(record.time);
  return db.execute(
      "INSERT INTO shadow_denials (hour, principal, endpoint, tier, reason, rule, verdict, "
      "requests, first, last) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?9, ?8, "
      "?8) " TIDELIMIT_ADD_TO_ROW,
      hour, principal_of(record), record.endpoint, record.tier, record.reason, record.rule,
      record.verdict, record.time, record.hits * (1 + record.repeats));
}

Result<engine::ShadowSummary> sum_shadow_denials(Database& db, const engine::ShadowQuery& query) {
  const Filter filter = filter_of(query);
  engine::ShadowSummary summary;
  summary.since = filter.since;
  const auto arrived = arrived_since(db, summary.since);
  if (!arrived) return tl::unexpected(arrived.error());
  summary.arrived = *arrived;
  if (auto read = read_sums(db, filter, summary); !read) return tl::unexpected(read.error());
  auto causes = read_causes(db, filter);
  if (!causes) return tl::unexpected(causes.error());
  summary.by_cause = std::move(*causes);
  auto principals = read_principals(db, filter, query.most);
  if (!principals) return tl::unexpected(principals.error());
  summary.by_principal = std::move(*principals);
  return summary;
}

// Who they were is given up, never what was denied: without its rows a report would call a flood
// harmless. A label speaks of one principal, so theirs stay.
Result<void> fold_surplus_shadow_denials(Database& db, std::size_t rows_kept, std::size_t most) {
  const auto rows = db.number("SELECT count(*) FROM shadow_denials");
  if (!rows) return tl::unexpected(rows.error());
  const auto surplus = *rows - static_cast<std::int64_t>(rows_kept);
  if (surplus <= 0) return {};
  const auto found = first_row(
      db.query("SELECT hour, principal FROM shadow_denials " TIDELIMIT_TO_FOLD
               "ORDER BY hour, principal LIMIT 1 OFFSET ?2",
               engine::kOtherPrincipals, std::min(surplus, static_cast<std::int64_t>(most)) - 1),
      place_of);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return {};
  const auto& [hour, principal] = **found;
  auto folded = db.execute(
      "INSERT INTO shadow_denials SELECT hour, ?1, endpoint, tier, reason, rule, verdict, "
      "sum(requests), min(first), max(last) FROM shadow_denials " TIDELIMIT_TO_FOLD
      "AND (hour, principal) <= (?2, ?3) GROUP BY hour, endpoint, tier, reason, rule, "
      "verdict " TIDELIMIT_ADD_TO_ROW,
      engine::kOtherPrincipals, hour, principal);
  if (!folded) return folded;
  return db.execute("DELETE FROM shadow_denials " TIDELIMIT_TO_FOLD
                    "AND (hour, principal) <= (?2, ?3)",
                    engine::kOtherPrincipals, hour, principal);
}

// By a range of the key: a list of keys would be looked for among all rows of their hours, which
// may be hundreds of thousands.
Result<void> prune_shadow_denials(Database& db, WallTime before, std::size_t most) {
  const auto found = first_row(
      db.query("SELECT hour, principal FROM shadow_denials WHERE hour < ? ORDER BY hour, principal "
               "LIMIT 1 OFFSET ?",
               before - kHour, most - 1),
      place_of);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return db.execute("DELETE FROM shadow_denials WHERE hour < ?", before - kHour);
  const auto& [hour, principal] = **found;
  return db.execute("DELETE FROM shadow_denials WHERE (hour, principal) <= (?, ?)", hour,
                    principal);
}

}  // namespace tidelimit::store
