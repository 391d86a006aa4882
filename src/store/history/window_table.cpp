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
using Column = std::vector<Cell>;

/// The stored windows from grid.start on, by endpoint of the grid; it then starts at the first.
Result<std::vector<Column>> add_up(Database& db, traffic::WindowGrid& grid, WallTime until) {
  std::unordered_map<std::string_view, std::size_t> column_of;
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) column_of.emplace(grid.endpoints[e], e);
  std::vector<Column> columns(grid.endpoints.size());
  bool first = true;
  const std::string_view only =
      grid.endpoints.size() == 1 ? std::string_view(grid.endpoints[0]) : "";
  auto rows = db.query(kSelect, grid.start, grid.step, until, only);
  while (true) {
    const auto more = rows.step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return columns;
    const Nanos part{rows.integer(1)};
    const auto endpoint = column_of.find(rows.text(2));
    // Windows of another length can be added up where they divide this one.
    if (part.count() <= 0 || grid.step % part != Nanos{0} || endpoint == column_of.end()) continue;
    if (std::exchange(first, false)) grid.start = floor_to(rows.time(0), grid.step);
    const auto i = (rows.time(0) - grid.start) / grid.step;
    if (i >= kMostWindows) return columns;
    Column& column = columns[endpoint->second];
    if (column.size() <= static_cast<std::size_t>(i))
      column.resize(static_cast<std::size_t>(i) + 1);
    Cell& cell = column[static_cast<std::size_t>(i)];
    if (part == grid.step) {
      cell = Cell{};
      cell.whole = true;
    } else if (cell.whole) {
      continue;
    }
    const auto stats = stats_of(rows);
    cell.sum += stats;
    if (stats.observed) cell.observed += part;
  }
}

}  // namespace

Result<void> put_windows(Database& db, WallTime start, Nanos step,
                         const std::vector<std::string>& endpoints,
                         const std::vector<traffic::WindowStats>& stats) {
  if (endpoints.size() != stats.size()) {
    return fail(Code::internal, "windows: endpoints and their numbers differ in length");
  }
  for (std::size_t e = 0; e < endpoints.size(); ++e) {
    const auto& s = stats[e];
    auto put = db.execute(kInsertClosed, start, step, endpoints[e], s.requests, s.premium, s.errors,
                          s.responses, s.latency_ms_sum, s.malicious, s.late, s.observed);
    if (!put) return put;
  }
  auto known = db.execute("INSERT OR IGNORE INTO window_lengths VALUES (?)", step);
  if (!known) return known;
  return db.execute("DELETE FROM open_window WHERE start = ? AND step = ?", start, step);
}

Result<void> put_open_windows(Database& db, const traffic::OpenWindows& open) {
  if (auto cleared = db.execute("DELETE FROM open_window"); !cleared) return cleared;
  const traffic::WindowGrid& grid = open.so_far;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
      const auto& s = grid.stats[e][i];
      auto put = db.execute(kInsertOpen, grid.time_of(i), grid.step, grid.endpoints[e], s.requests,
                            s.premium, s.errors, s.responses, s.latency_ms_sum, s.malicious, s.late,
                            open.as_of, open.missed[e][i]);
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
                       step),
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
  // Reckoned so that both ends may lie within a window.
  const Nanos longest = step * (kMostWindows - 1);
  if (until < WallTime::max() && until - WallTime{} > longest)
    from = std::max(from, until - longest);
  traffic::WindowGrid grid{floor_to(from, step), step, endpoints, {}};
  auto columns = add_up(db, grid, until);
  if (!columns) return tl::unexpected(columns.error());
  std::size_t length = 0;
  for (const Column& column : *columns) length = std::max(length, column.size());
  for (Column& column : *columns) {
    column.resize(length);
    auto& row = grid.stats.emplace_back();
    row.reserve(length);
    for (const Cell& cell : column) {
      row.push_back(cell.sum);
      row.back().observed = cell.observed >= step;
    }
  }
  return grid;
}

Result<std::size_t> count_windows_unused(Database& db, Nanos step) {
  // Hardly ever are there any, and to count them takes a look at years of windows.
  const auto lengths = db.number("SELECT count(*) FROM window_lengths WHERE ? % step <> 0", step);
  if (!lengths) return tl::unexpected(lengths.error());
  if (*lengths == 0) return 0;
  const auto count = db.number(
      "SELECT count(*) FROM (SELECT DISTINCT start, step FROM windows WHERE ? % step <> 0)", step);
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
      before, most);
}

}  // namespace tidelimit::store
