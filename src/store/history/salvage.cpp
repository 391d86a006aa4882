#include "store/history/salvage.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>
#include <string_view>

#include "store/history/configuration_table.hpp"
#include "store/history/tables.hpp"

namespace tidelimit::store {
namespace {

/// Adds rows until the end, or until one can't be read: then false.
template <class Record, class RowOf>
bool read_on(Query rows, RowOf row_of, std::vector<Record>& to) {
  while (true) {
    const auto more = rows.step();
    if (!more) return false;
    if (!*more) return true;
    to.push_back(row_of(rows));
  }
}

/// A whole table from both ends; the two queries differ in their order. Returns whether all was
/// read. `key_of` tells rows apart.
template <class Record, class RowOf, class KeyOf>
bool read_both_ways(Query up, Query down, RowOf row_of, KeyOf key_of, std::vector<Record>& to) {
  if (read_on(std::move(up), row_of, to)) return true;
  std::vector<Record> rest;
  (void)read_on(std::move(down), row_of, rest);
  std::set<std::string> known;
  for (const Record& record : to) known.insert(key_of(record));
  for (Record& record : rest)
    if (known.insert(key_of(record)).second) to.push_back(std::move(record));
  return false;
}

/// The audit's latest word on each target, for those that the table itself lost.
bool add_by_audit(Database& db, std::vector<engine::OverrideRecord>& to) {
  struct Line {
    bool put = false;
    engine::OverrideRecord record;
  };
  std::vector<Line> lines;
  const auto line_of = [](const Query& row) {
    return Line{row.text(0) == "put", override_of(row, 1)};
  };
  const bool whole = read_on(db.query("SELECT change, target, action, limit_count, limit_period, "
                                      "reason, made_by, time, until FROM override_audit "
                                      "ORDER BY id DESC"),
                             line_of, lines);
  std::set<std::string> known;
  for (const auto& record : to) known.insert(record.target);
  for (Line& line : lines) {
    if (known.insert(line.record.target).second && line.put) to.push_back(std::move(line.record));
  }
  return whole;
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

Salvage salvage(Database& db) {
  Salvage found;
  const auto target_of = [](const auto& record) { return record.target; };
  bool whole = read_both_ways(
      db.query("SELECT " TIDELIMIT_OVERRIDE_COLUMNS " FROM overrides ORDER BY target"),
      db.query("SELECT " TIDELIMIT_OVERRIDE_COLUMNS " FROM overrides ORDER BY target DESC"),
      [](const Query& row) { return override_of(row, 0); }, target_of, found.overrides);
  if (!whole) whole = add_by_audit(db, found.overrides);
  if (!whole) found.holed.emplace_back("overrides");

  whole = read_both_ways(
      db.query("SELECT " TIDELIMIT_LABEL_COLUMNS " FROM labels ORDER BY target"),
      db.query("SELECT " TIDELIMIT_LABEL_COLUMNS " FROM labels ORDER BY target DESC"), label_of,
      target_of, found.labels);
  if (!whole) found.holed.emplace_back("labels");

  std::vector<engine::ModeRecord> modes;
  whole = read_on(db.query("SELECT " TIDELIMIT_MODE_COLUMNS " FROM modes ORDER BY id DESC"),
                  mode_of, modes);
  if (!whole) found.holed.emplace_back("modes set by hand");
  std::set<std::string> parts;
  for (auto& mode : modes)
    if (parts.insert(mode.part).second) found.modes.push_back(std::move(mode));
  std::reverse(found.modes.begin(), found.modes.end());

  whole = read_both_ways(
      db.query(
          "SELECT fingerprint, text, first, last, '' FROM configurations ORDER BY fingerprint"),
      db.query("SELECT fingerprint, text, first, last, '' FROM configurations ORDER BY fingerprint "
               "DESC"),
      configuration_of, [](const auto& record) { return record.fingerprint; },
      found.configurations);
  if (!whole) found.holed.emplace_back("configurations");
  // Each is put after those that it may have followed. A file of an earlier layout may be what is
  // read here, so what followed on what is not asked.
  std::sort(found.configurations.begin(), found.configurations.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  if (auto hold = find_hold(db)) {
    found.hold = std::move(*hold);
  } else {
    found.holed.emplace_back("the hold of a configuration");
  }
  return found;
}

Result<void> put_in_force(Database& db, const engine::InForce& known) {
  Salvage by_hand;
  by_hand.overrides = known.overrides;
  by_hand.labels = known.labels;
  by_hand.modes = known.modes;
  auto put = put_salvage(db, by_hand, engine::History::kConfigurationsKept);
  for (const auto& verdict : known.verdicts)
    if (put) put = put_verdict(db, verdict);
  const traffic::WindowGrid& closed = known.closed;
  std::vector<traffic::WindowStats> stats(closed.endpoints.size());
  for (std::size_t i = 0; i < closed.size() && put; ++i) {
    for (std::size_t e = 0; e < stats.size(); ++e) stats[e] = closed.stats[e][i];
    const auto counted = [](const auto& s) { return s.observed || s.requests > 0; };
    if (std::any_of(stats.begin(), stats.end(), counted))
      put = put_windows(db, closed.time_of(i), closed.step, closed.endpoints, stats);
  }
  return put;
}

Result<void> put_salvage(Database& db, const Salvage& found, std::size_t most_configurations) {
  Result<void> put;
  const auto all = [&](const auto& records, auto put_one) {
    for (const auto& record : records)
      if (put) put = put_one(record);
  };
  all(found.overrides, [&](const auto& record) { return put_override(db, record); });
  all(found.labels, [&](const auto& record) { return put_label(db, record); });
  all(found.modes, [&](const auto& record) { return put_mode(db, record); });
  all(found.configurations,
      [&](const auto& record) { return put_configuration(db, record, most_configurations); });
  if (put && found.hold) put = put_hold(db, &*found.hold);
  return put;
}

std::string Salvage::in_words() const {
  std::string words = fmt::format("{}, {}, {}, {}{}", counted(overrides.size(), "override"),
                                  counted(labels.size(), "label"), counted(modes.size(), "mode"),
                                  counted(configurations.size(), "configuration"),
                                  hold ? " and the hold of one" : "");
  if (!holed.empty())
    words +=
        fmt::format(". Some of these may be lost, look through them: {}", fmt::join(holed, ", "));
  return words;
}

}  // namespace tidelimit::store
