#include "ingest/windows_reader.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "ingest/csv_row.hpp"
#include "ingest/timestamp.hpp"
#include "ingest/window_step.hpp"

namespace tidelimit::ingest {
namespace {

constexpr std::size_t kMaxWindows = 10'000'000;  ///< endpoints times times: half a gigabyte of grid

struct Row {
  WallTime time;
  std::uint32_t endpoint = 0;
  double requests = 0;
  double errors = 0;
  double responses = 0;
  double premium = 0;

  bool operator==(const Row&) const = default;
};

/// One line's row in terms of its header's columns.
class RowParser {
 public:
  Unreadable parse(std::string_view line, const WindowColumns& columns, Row& out,
                   std::string_view& endpoint) {
    if (columns.separator != separator_) {
      separator_ = columns.separator;
      row_ = CsvRow(separator_);
    }
    const auto& fields = row_.split(line);
    if (line == columns.header) return Unreadable::header;
    if (fields.size() != columns.width) return Unreadable::columns_differ;
    const auto time = clock_.parse(trim(fields[columns.timestamp]));
    if (!time) return Unreadable::no_time;
    const auto requests = number(trim(fields[columns.requests]));
    if (!requests || *requests < 0) return Unreadable::bad_number;
    if (*requests > kMostRequests) return Unreadable::huge_number;
    const auto error_rate = ratio(fields, columns.error_rate);
    const auto premium_ratio = ratio(fields, columns.premium_ratio);
    out = {.time = *time,
           .requests = *requests,
           .errors = *requests * error_rate.value_or(0),
           .responses = error_rate ? *requests : 0,
           .premium = *requests * premium_ratio.value_or(0)};
    endpoint =
        columns.endpoint == WindowColumns::kAbsent ? kOnlyEndpoint : trim(fields[columns.endpoint]);
    return endpoint.empty() ? Unreadable::no_request : Unreadable::none;
  }

 private:
  /// A share in [0, 1]; anything else is unknown.
  static std::optional<double> ratio(const std::vector<std::string_view>& fields, std::size_t at) {
    if (at == WindowColumns::kAbsent) return std::nullopt;
    const auto value = parse_double(trim(fields[at]));
    return value && *value >= 0 && *value <= 1 ? value : std::nullopt;
  }

  /// A number, also with thousands apart as spreadsheets write it: "1,522" and "1,234,567.5".
  /// Where values are not between commas, a comma is a decimal one.
  std::optional<double> number(std::string_view text) {
    std::size_t comma = text.find(',');
    if (comma == text.npos) return parse_double(text);
    if (separator_ != ',') {
      digits_ = text;
      digits_[comma] = '.';
      return parse_double(digits_);
    }
    if (comma == 0 || comma > 3 || text.find_first_not_of("0123456789") != comma) {
      return std::nullopt;
    }
    digits_ = text.substr(0, comma);
    while (comma < text.size() && text[comma] == ',') {
      const std::string_view group = text.substr(comma + 1, 3);
      if (group.size() < 3 || group.find_first_not_of("0123456789") != group.npos) {
        return std::nullopt;
      }
      digits_ += group;
      comma += 4;
    }
    const std::string_view rest = text.substr(std::min(comma, text.size()));
    if (!rest.empty() && !rest.starts_with('.')) return std::nullopt;
    digits_ += rest;
    return parse_double(digits_);
  }

  char separator_ = ',';
  CsvRow row_;
  std::string digits_;
  LogClock clock_{LogClock::BareDate::midnight};
};

/// Where a row stood.
struct Place {
  std::uint32_t source = 0;
  std::uint64_t line = 0;
};

/// The rows of all inputs, each time and endpoint once.
class Table {
 public:
  std::vector<std::string> endpoints;
  std::vector<Row> rows;
  std::vector<Place> places;         ///< of the rows
  std::vector<std::string> sources;  ///< in their order

  [[nodiscard]] std::string place_of(std::size_t row) const {
    return sources[places[row].source] + ":" + std::to_string(places[row].line);
  }

  /// `row` of `endpoint`, unless there is one of its time.
  Unreadable add(Row row, std::string_view endpoint, const std::string& source,
                 std::uint64_t line) {
    row.endpoint = number_of(endpoint);
    const auto [known, fresh] =
        known_.try_emplace({row.time.time_since_epoch().count(), row.endpoint}, rows.size());
    if (fresh) {
      rows.push_back(row);
      if (sources.empty() || sources.back() != source) sources.push_back(source);
      places.push_back({static_cast<std::uint32_t>(sources.size() - 1), line});
      return Unreadable::none;
    }
    return rows[known->second] == row ? Unreadable::given_before : Unreadable::given_otherwise;
  }

 private:
  using Key = std::pair<std::int64_t, std::uint32_t>;
  struct Hash {
    std::size_t operator()(const Key& key) const {
      return static_cast<std::size_t>(mix(static_cast<std::uint64_t>(key.first), key.second));
    }
  };

  std::uint32_t number_of(std::string_view endpoint) {
    auto known = numbers_.find(endpoint);
    if (known == numbers_.end()) {
      known = numbers_.emplace(endpoint, static_cast<std::uint32_t>(endpoints.size())).first;
      endpoints.emplace_back(endpoint);
    }
    return known->second;
  }

  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::unordered_map<Key, std::size_t, Hash> known_;
};

Result<Table> read_rows(InputLines& lines) {
  Table table;
  RowParser parser;
  Line line;
  while (lines.next(line)) {
    Row row;
    std::string_view endpoint;
    Unreadable reason = line.too_long
                            ? Unreadable::too_long
                            : parser.parse(line.text, lines.format().windows, row, endpoint);
    if (reason == Unreadable::none) {
      reason = table.add(row, endpoint, lines.source(), line.number);
    }
    if (reason != Unreadable::none) {
      lines.refuse(line, reason);
      continue;
    }
    lines.accept();
    if (table.rows.size() > kMaxWindows) {
      return fail(Code::resource_exhausted, lines.source() + ": more than " +
                                                std::to_string(kMaxWindows) +
                                                " windows; read fewer at a time");
    }
  }
  if (lines.failure()) return tl::unexpected<Error>(*lines.failure());
  return table;
}

/// The distinct times of all rows, in order.
std::vector<WallTime> times_of(const Table& table) {
  std::vector<WallTime> times;
  times.reserve(table.rows.size());
  for (const Row& row : table.rows) times.push_back(row.time);
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

/// The rows, those of an endpoint side by side and in the order of their times.
std::vector<std::size_t> by_endpoint_and_time(const Table& table) {
  std::vector<std::size_t> order(table.rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t i) {
    return std::pair(table.rows[i].endpoint, table.rows[i].time);
  };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

tl::unexpected<Error> on_no_grid(const Table& table, const std::vector<std::size_t>& order) {
  const Row& first = table.rows[order.front()];
  return fail(
      Code::invalid_argument,
      table.sources.front() + ": the rows, from " + format_time(first.time) +
          " on, do not come at equal distances; ready windows have one row for each window "
          "and endpoint, for single requests give a csv with timestamp, client_ip and path");
}

/// Moves the rows to the beginnings of the windows that they stand for, and says how far apart
/// those are.
Result<Nanos> put_on_grid(Table& table, Nanos otherwise) {
  const std::vector<std::size_t> order = by_endpoint_and_time(table);
  std::vector<Nanos> distances;
  for (std::size_t i = 1; i < order.size(); ++i) {
    const Row& before = table.rows[order[i - 1]];
    const Row& row = table.rows[order[i]];
    if (row.endpoint == before.endpoint) distances.push_back(row.time - before.time);
  }
  const auto grid = find_step(times_of(table), std::move(distances), otherwise);
  if (!grid) return on_no_grid(table, order);
  for (std::size_t i = 0; i < order.size(); ++i) {
    Row& row = table.rows[order[i]];
    const WallTime begin = grid->nearest(row.time);
    if (!grid->holds(row.time)) {
      return fail(Code::invalid_argument,
                  table.place_of(order[i]) + ": " + format_time(row.time) +
                      " lies between windows: those of the other rows are " +
                      format_duration(grid->step) + " apart, the nearest begins at " +
                      format_time(begin) + "; mend the time, or leave the row out");
    }
    row.time = begin;
    if (i == 0) continue;
    const Row& before = table.rows[order[i - 1]];
    if (row.endpoint == before.endpoint && row.time == before.time) {
      return fail(Code::invalid_argument,
                  table.place_of(order[i]) + ": the window of " + format_duration(grid->step) +
                      " at " + format_time(begin) + " has a row of " +
                      table.endpoints[row.endpoint] + " already, " + table.place_of(order[i - 1]) +
                      "; leave one of them out");
    }
  }
  return grid->step;
}

/// Marks the windows of which each of the `parts` was seen, and cuts incomplete ones off both ends.
void mark_gaps(traffic::WindowGrid& grid, const std::vector<std::uint32_t>& seen,
               std::uint32_t parts) {
  const auto whole = [&](std::uint32_t n) { return n >= parts; };
  const auto first = std::find_if(seen.begin(), seen.end(), whole) - seen.begin();
  const auto last = seen.rend() - std::find_if(seen.rbegin(), seen.rend(), whole);
  for (auto& row : grid.stats) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i].observed = whole(seen[i]);
    row.erase(row.begin() + last, row.end());
    row.erase(row.begin(), row.begin() + std::min(first, last));
  }
  grid.start += grid.step * first;
}

Result<traffic::WindowGrid> lay_out(const Table& table, const std::vector<WallTime>& times,
                                    Nanos step, Nanos input_step) {
  // Rows that are added up go to the grid of the clock; rows that stay go to their own.
  const Nanos shift = step == input_step ? times.front() - floor_to(times.front(), step) : Nanos{};
  const auto window_of = [&](WallTime time) { return floor_to(time - shift, step) + shift; };
  traffic::WindowGrid grid{
      .start = window_of(times.front()), .step = step, .endpoints = table.endpoints, .stats = {}};
  const auto size = static_cast<std::size_t>((times.back() - grid.start) / step) + 1;
  if (size > kMaxWindows / table.endpoints.size()) {
    return fail(Code::resource_exhausted,
                "windows of " + format_duration(step) + " from " + format_time(times.front()) +
                    " to " + format_time(times.back()) + " are more than " +
                    std::to_string(kMaxWindows) + "; is one of these times wrong?");
  }
  const auto index_of = [&](WallTime time) {
    return static_cast<std::size_t>((window_of(time) - grid.start) / step);
  };

  grid.stats.assign(table.endpoints.size(), std::vector<traffic::WindowStats>(size));
  for (const Row& row : table.rows) {
    traffic::WindowStats& window = grid.stats[row.endpoint][index_of(row.time)];
    window.requests += row.requests;
    window.errors += row.errors;
    window.responses += row.responses;
    window.premium += row.premium;
  }
  std::vector<std::uint32_t> seen(size);
  for (const WallTime time : times) ++seen[index_of(time)];
  mark_gaps(grid, seen, static_cast<std::uint32_t>(step / input_step));
  return grid;
}

}  // namespace

Result<Windows> read_windows(RecordReader& reader, Nanos step) {
  const std::string source = reader.lines().source();
  auto table = read_rows(reader.lines());
  if (!table) return tl::unexpected<Error>(table.error());
  const auto input_step = put_on_grid(*table, step);
  if (!input_step) return tl::unexpected<Error>(input_step.error());
  const std::vector<WallTime> times = times_of(*table);
  Windows windows;
  windows.input_step = *input_step;
  windows.coarser = windows.input_step > step;
  if (windows.coarser) step = windows.input_step;
  if (step % windows.input_step != Nanos{}) {
    return fail(Code::invalid_argument, source + ": windows of " +
                                            format_duration(windows.input_step) +
                                            " can't be added up to " + format_duration(step) +
                                            "; choose a --window that is a multiple");
  }
  auto grid = lay_out(*table, times, step, windows.input_step);
  if (!grid) return fail_in(source, grid.error());
  if (grid->size() == 0) {
    return fail(Code::invalid_argument,
                source + ": no window of " + format_duration(step) + " is complete");
  }
  windows.grid = *std::move(grid);
  return windows;
}

}  // namespace tidelimit::ingest
