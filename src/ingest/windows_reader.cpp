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
    std::optional<double> error_rate;
    std::optional<double> premium_ratio;
    if (!read_ratio(fields, columns.error_rate, error_rate) ||
        !read_ratio(fields, columns.premium_ratio, premium_ratio)) {
      return Unreadable::bad_ratio;
    }
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
  /// A share in [0, 1], or unknown where there is nothing. Whether it is one of these.
  bool read_ratio(const std::vector<std::string_view>& fields, std::size_t at,
                  std::optional<double>& ratio) {
    if (at == WindowColumns::kAbsent || trim(fields[at]).empty()) return true;
    ratio = number(trim(fields[at]));
    return ratio && *ratio >= 0 && *ratio <= 1;
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
  if (lines.failure()) return tl::unexpected(*lines.failure());
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

/// Cuts off both ends what was observed of no endpoint.
void cut_ends(traffic::WindowGrid& grid) {
  std::size_t first = grid.size();
  std::size_t last = 0;
  const auto observed = [](const traffic::WindowStats& window) { return window.observed; };
  for (const auto& row : grid.stats) {
    const auto from = std::find_if(row.begin(), row.end(), observed) - row.begin();
    const auto until = row.rend() - std::find_if(row.rbegin(), row.rend(), observed);
    first = std::min(first, static_cast<std::size_t>(from));
    last = std::max(last, static_cast<std::size_t>(until));
  }
  for (auto& row : grid.stats) {
    row.resize(last);
    row.erase(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(std::min(first, last)));
  }
  grid.start += grid.step * static_cast<Nanos::rep>(first);
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

  traffic::WindowStats gap;
  gap.observed = false;
  grid.stats.assign(table.endpoints.size(), std::vector<traffic::WindowStats>(size, gap));
  std::vector<std::vector<std::uint32_t>> seen(table.endpoints.size(),
                                               std::vector<std::uint32_t>(size));
  for (const Row& row : table.rows) {
    const std::size_t i = index_of(row.time);
    traffic::WindowStats& window = grid.stats[row.endpoint][i];
    window.requests += row.requests;
    window.errors += row.errors;
    window.responses += row.responses;
    window.premium += row.premium;
    window.observed = ++seen[row.endpoint][i] >= step / input_step;
  }
  cut_ends(grid);
  return grid;
}

}  // namespace

Result<Windows> read_windows(RecordReader& reader, Nanos step) {
  const std::string source = reader.lines().source();
  auto table = read_rows(reader.lines());
  if (!table) return tl::unexpected(table.error());
  const auto input_step = put_on_grid(*table, step);
  if (!input_step) return tl::unexpected(input_step.error());
  const std::vector<WallTime> times = times_of(*table);
  Windows windows;
  windows.input_step = *input_step;
  windows.fit = step % windows.input_step == Nanos{};
  if (!windows.fit) step = windows.input_step;
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
