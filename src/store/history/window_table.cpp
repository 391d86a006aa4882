#include <algorithm>
#include <unordered_map>
#include <utility>

#include "store/history/tables.hpp"

namespace tidelimit::store {
namespace {

constexpr auto kMostWindows = static_cast<std::int64_t>(engine::History::kMostWindows);

constexpr std::string_view kInsertClosed =
    "INSERT OR REPLACE INTO windows (start, step, endpoint, requests, premium, errors, responses, "
    "latency_ms_sum, malicious, late, observed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr std::string_view kInsertOpen =
    "INSERT INTO open_window (start, step, endpoint, requests, premium, errors, responses, "
    "latency_ms_sum, malicious, late, as_of, missed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// The saved state of a window that was never closed stands in for it, marked as not observed: its
/// numbers are what was counted up to a crash. One without a count says nothing, and is left out.
constexpr std::string_view kSelect =
    "SELECT start, step, endpoint, requests, premium, errors, responses, latency_ms_sum, "
    "malicious, late, observed FROM windows WHERE start >= ?1 AND start < ?3 AND step <= ?2 "
    "AND (?4 = '' OR endpoint = ?4) "
    "UNION ALL "
    "SELECT o.start, o.step, o.endpoint, o.requests, o.premium, o.errors, o.responses, "
    "o.latency_ms_sum, o.malicious, o.late, 0 FROM open_window o WHERE o.start >= ?1 "
    "AND o.start < ?3 AND o.step <= ?2 AND NOT EXISTS (SELECT 1 FROM windows w WHERE w.start = "
    "o.start AND "
    "w.step = o.step AND w.endpoint = o.endpoint) "
    "AND o.requests + o.responses + o.malicious + o.late > 0 "
    "ORDER BY 1";

traffic::WindowStats stats_of(const Query& row) {
  return {.requests = row.real(3),
          .premium = row.real(4),
          .errors = row.real(5),
          .responses = row.real(6),
          .latency_ms_sum = row.real(7),
          .malicious = row.real(8),
          .late = row.real(9),
          .observed = row.integer(10) != 0};
}

/// One endpoint's part of a window that is open.
struct OpenRow {
  WallTime start;
  std::string endpoint;
  traffic::WindowStats stats;
  WallTime as_of;
  Nanos missed;
};

/// One window of the grid while its stored parts are added up.
struct Cell {
  traffic::WindowStats sum;
  Nanos observed{0};
  bool whole = false;  ///< stored at this very length: parts of it are not added again
};

}  // namespace

Result<void> put_windows(Database& db, WallTime start, Nanos step,
                         const std::vector<std::string>& endpoints,
                         const std::vector<traffic::WindowStats>& stats) {
  if (endpoints.size() != stats.size()) {
    return fail(Code::internal, "windows: endpoints and their numbers differ in length");
  }
  for (std::size_t e = 0; e < endpoints.size(); ++e) {
    const auto& s = stats[e];
    auto put =
        db.execute(kInsertClosed, start, std::int64_t{step.count()}, std::string_view(endpoints[e]),
                   s.requests, s.premium, s.errors, s.responses, s.latency_ms_sum, s.malicious,
                   s.late, std::int64_t{s.observed});
    if (!put) return put;
  }
  auto known =
      db.execute("INSERT OR IGNORE INTO window_lengths VALUES (?)", std::int64_t{step.count()});
  if (!known) return known;
  return db.execute("DELETE FROM open_window WHERE start = ? AND step = ?", start,
                    std::int64_t{step.count()});
}

Result<void> put_open_windows(Database& db, const traffic::OpenWindows& open) {
  if (auto cleared = db.execute("DELETE FROM open_window"); !cleared) return cleared;
  const traffic::WindowGrid& grid = open.so_far;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
      const auto& s = grid.stats[e][i];
      auto put = db.execute(kInsertOpen, grid.time_of(i), std::int64_t{grid.step.count()},
                            std::string_view(grid.endpoints[e]), s.requests, s.premium, s.errors,
                            s.responses, s.latency_ms_sum, s.malicious, s.late, open.as_of,
                            std::int64_t{open.missed[e][i].count()});
      if (!put) return put;
    }
  }
  return {};
}

Result<traffic::OpenWindows> read_open_windows(Database& db, Nanos step) {
  const auto rows =
      collect(db.query("SELECT start, step, endpoint, requests, premium, errors, responses, "
                       "latency_ms_sum, malicious, late, 1, as_of, missed FROM open_window "
                       "WHERE step = ? ORDER BY start",
                       std::int64_t{step.count()}),
              [](const Query& row) {
                return OpenRow{row.time(0), row.text(2), stats_of(row), row.time(11),
                               Nanos{row.integer(12)}};
              });
  if (!rows) return tl::unexpected(rows.error());
  traffic::OpenWindows open;
  traffic::WindowGrid& grid = open.so_far;
  grid.step = step;
  if (rows->empty()) return open;
  open.as_of = rows->front().as_of;
  grid.start = rows->front().start;
  const auto place_of = [&](WallTime start) {
    return static_cast<std::size_t>(
        std::min<std::int64_t>((start - grid.start) / step, kMostWindows - 1));
  };
  const std::size_t length = place_of(rows->back().start) + 1;
  for (const OpenRow& row : *rows) {
    auto& names = grid.endpoints;
    const auto e = static_cast<std::size_t>(std::find(names.begin(), names.end(), row.endpoint) -
                                            names.begin());
    if (e == names.size()) {
      names.push_back(row.endpoint);
      grid.stats.emplace_back(length);
      open.missed.emplace_back(length, step);
    }
    grid.stats[e][place_of(row.start)] = row.stats;
    open.missed[e][place_of(row.start)] = row.missed;
  }
  return open;
}

Result<traffic::WindowGrid> read_windows(Database& db, WallTime from, WallTime until, Nanos step,
                                         const std::vector<std::string>& endpoints) {
  if (step.count() <= 0) return fail(Code::invalid_argument, "windows: the step must be positive");
  traffic::WindowGrid grid;
  grid.step = step;
  // Reckoned so that both ends may lie within a window.
  const Nanos longest = step * (kMostWindows - 1);
  if (until < WallTime::max() && until - WallTime{} > longest)
    from = std::max(from, until - longest);
  grid.start = floor_to(from, step);
  grid.endpoints = endpoints;
  grid.stats.resize(endpoints.size());
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t e = 0; e < endpoints.size(); ++e) row_of.emplace(endpoints[e], e);

  std::vector<std::vector<Cell>> cells(endpoints.size());
  bool first = true;
  const std::string_view only = endpoints.size() == 1 ? std::string_view(endpoints[0]) : "";
  auto rows = db.query(kSelect, grid.start, std::int64_t{step.count()}, until, only);
  while (true) {
    const auto more = rows.step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) break;
    const Nanos part{rows.integer(1)};
    const auto endpoint = row_of.find(rows.text(2));
    // Windows of another length can be added up where they divide this one.
    if (part.count() <= 0 || step % part != Nanos{0} || endpoint == row_of.end()) continue;
    if (std::exchange(first, false)) grid.start = floor_to(rows.time(0), step);
    const auto i = (rows.time(0) - grid.start) / step;
    if (i >= kMostWindows) break;
    auto& column = cells[endpoint->second];
    if (column.size() <= static_cast<std::size_t>(i))
      column.resize(static_cast<std::size_t>(i) + 1);
    auto& cell = column[static_cast<std::size_t>(i)];
    const auto stats = stats_of(rows);
    if (part == step) {
      cell = Cell{};
      cell.whole = true;
    }
    if (cell.whole && part != step) continue;
    cell.sum += stats;
    if (stats.observed) cell.observed += part;
  }

  std::size_t length = 0;
  for (const auto& column : cells) length = std::max(length, column.size());
  for (std::size_t e = 0; e < endpoints.size(); ++e) {
    cells[e].resize(length);
    grid.stats[e].reserve(length);
    for (const auto& cell : cells[e]) {
      grid.stats[e].push_back(cell.sum);
      grid.stats[e].back().observed = cell.observed >= step;
    }
  }
  return grid;
}

Result<std::size_t> count_windows_unused(Database& db, Nanos step) {
  // Hardly ever are there any, and to count them takes a look at years of windows.
  const auto lengths = db.number("SELECT count(*) FROM window_lengths WHERE ? % step <> 0",
                                 std::int64_t{step.count()});
  if (!lengths) return tl::unexpected(lengths.error());
  if (*lengths == 0) return 0;
  const auto count = db.number(
      "SELECT count(*) FROM (SELECT DISTINCT start, step FROM windows WHERE ? % step <> 0)",
      std::int64_t{step.count()});
  if (!count) return tl::unexpected(count.error());
  return static_cast<std::size_t>(*count);
}

Result<void> drop_windows(Database& db, WallTime from, WallTime until) {
  return db.execute("DELETE FROM windows WHERE start >= ? AND start < ?", from, until);
}

Result<void> prune_windows(Database& db, WallTime before, std::size_t most) {
  return db.execute(
      "DELETE FROM windows WHERE (start, step, endpoint) IN "
      "(SELECT start, step, endpoint FROM windows WHERE start < ? ORDER BY start LIMIT ?)",
      before, static_cast<std::int64_t>(most));
}

}  // namespace tidelimit::store
