#include <algorithm>
#include <bit>

#include <nlohmann/json.hpp>

#include "store/history/tables.hpp"

namespace tidelimit::store {
namespace {

using limiter::Action;
using limiter::Mode;
using limiter::Part;
using limiter::VerdictKind;
using policy::Withheld;

const char* to_string(Part part) {
  switch (part) {
    case Part::anomaly:
      return "anomaly";
    case Part::rules:
      return "rules";
  }
  return "anomaly";
}

const char* to_string(Withheld by) {
  switch (by) {
    case Withheld::no:
      return "no";
    case Withheld::protection:
      return "protection";
    case Withheld::budget:
      return "budget";
    case Withheld::allow_list:
      return "allow_list";
  }
  return "no";
}

Withheld withheld_of(const std::string& text) {
  for (const Withheld by : {Withheld::protection, Withheld::budget, Withheld::allow_list}) {
    if (text == to_string(by)) return by;
  }
  return Withheld::no;
}

Part part_of(const std::string& text) {
  return text == to_string(Part::rules) ? Part::rules : Part::anomaly;
}

std::string reasons_text(const std::vector<std::string>& reasons) {
  return nlohmann::json(reasons).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::vector<std::string> reasons_of(const std::string& text) {
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  std::vector<std::string> reasons;
  if (!parsed.is_array()) return reasons;
  for (const auto& reason : parsed) {
    if (reason.is_string()) reasons.push_back(reason.get<std::string>());
  }
  return reasons;
}

std::string features_text(const std::vector<anomaly::Contribution>& features) {
  auto list = nlohmann::json::array();
  for (const auto& part : features) {
    list.push_back({static_cast<int>(part.feature), part.value, part.usual_low, part.usual_high,
                    part.share, part.usual_of});
  }
  return list.dump();
}

std::vector<anomaly::Contribution> features_of(const std::string& text) {
  const auto parsed = nlohmann::json::parse(text, nullptr, false);
  std::vector<anomaly::Contribution> features;
  if (!parsed.is_array()) return features;
  for (const auto& part : parsed) {
    // Earlier versions wrote five fields, without the tier.
    const bool sound = part.is_array() && (part.size() == 5 || part.size() == 6) &&
                       std::all_of(part.begin(), part.begin() + 5,
                                   [](const auto& field) { return field.is_number(); }) &&
                       (part.size() == 5 || part[5].is_string());
    if (!sound || part[0].get<int>() < 0 ||
        part[0].get<int>() >= static_cast<int>(traffic::kFeatures))
      continue;
    features.push_back({static_cast<traffic::Feature>(part[0].get<int>()), part[1], part[2],
                        part[3], part[4],
                        part.size() == 6 ? part[5].get<std::string>() : std::string()});
  }
  return features;
}

/// As verdict_of reads and put_verdict writes them.
#define TIDELIMIT_VERDICT_COLUMNS                                                          \
  "client_hi, client_lo, rule, from_time, until, client_name, kind, action, limit_count, " \
  "limit_period, score, part, mode, reasons, features, withheld, source"

policy::VerdictRecord verdict_of(const Query& row) {
  policy::VerdictRecord record;
  record.client = {std::bit_cast<std::uint64_t>(row.integer(0)),
                   std::bit_cast<std::uint64_t>(row.integer(1))};
  record.rule = row.text(2);
  record.from = row.time(3);
  record.until = row.time(4);
  record.client_name = row.text(5);
  record.kind =
      enum_of(row.text(6), {VerdictKind::normal, VerdictKind::suspicious, VerdictKind::malicious});
  record.action = enum_of(row.text(7), {Action::none, Action::allow, Action::limit, Action::block});
  record.limit = rate_of(row, 8);
  record.score = row.real(10);
  record.part = part_of(row.text(11));
  record.mode = enum_of(row.text(12), {Mode::off, Mode::shadow, Mode::enforce});
  record.reasons = reasons_of(row.text(13));
  record.features = features_of(row.text(14));
  record.withheld = withheld_of(row.text(15));
  record.source = row.text(16);
  return record;
}

}  // namespace

// Only the latest by the model, or by rules, is in force on a client: what stood before it under
// another rule must not come back with a restart.
Result<void> put_verdict(Database& db, const policy::VerdictRecord& record) {
  const auto hi = std::bit_cast<std::int64_t>(record.client.hi);
  const auto lo = std::bit_cast<std::int64_t>(record.client.lo);
  const std::string_view part = to_string(record.part);
  auto ended = db.execute(
      "UPDATE verdicts SET until = ?4 WHERE client_hi = ?1 AND client_lo = ?2 AND part = ?3 "
      "AND from_time < ?4 AND until > ?4",
      hi, lo, part, record.from);
  if (ended)
    ended = db.execute(
        "DELETE FROM verdicts WHERE client_hi = ? AND client_lo = ? AND part = ? "
        "AND from_time = ? AND rule <> ?",
        hi, lo, part, record.from, record.rule);
  if (!ended) return ended;
  return db.execute("INSERT OR REPLACE INTO verdicts (" TIDELIMIT_VERDICT_COLUMNS
                    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    hi, lo, record.rule, record.from, record.until, record.client_name,
                    limiter::to_string(record.kind), limiter::to_string(record.action),
                    count_column(record.limit), period_column(record.limit), record.score, part,
                    limiter::to_string(record.mode), reasons_text(record.reasons),
                    features_text(record.features), to_string(record.withheld), record.source);
}

Result<std::vector<policy::VerdictRecord>> verdicts_since(Database& db, WallTime since) {
  return collect(db.query("SELECT " TIDELIMIT_VERDICT_COLUMNS
                          " FROM verdicts WHERE until >= ? ORDER BY from_time",
                          since),
                 verdict_of);
}

Result<void> prune_verdicts(Database& db, WallTime before, std::size_t most) {
  return db.execute(
      "DELETE FROM verdicts WHERE (client_hi, client_lo, rule, from_time) IN "
      "(SELECT client_hi, client_lo, rule, from_time FROM verdicts WHERE until < ? LIMIT ?)",
      before, most);
}

Result<void> prune_surplus_verdicts(Database& db, std::size_t rows_kept, std::size_t most) {
  const auto rows = db.number("SELECT count(*) FROM verdicts");
  if (!rows) return tl::unexpected(rows.error());
  const auto surplus = *rows - static_cast<std::int64_t>(rows_kept);
  if (surplus <= 0) return {};
  return db.execute(
      "DELETE FROM verdicts WHERE (client_hi, client_lo, rule, from_time) IN "
      "(SELECT client_hi, client_lo, rule, from_time FROM verdicts ORDER BY until LIMIT ?)",
      std::min(surplus, static_cast<std::int64_t>(most)));
}

}  // namespace tidelimit::store
