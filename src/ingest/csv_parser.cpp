#include "ingest/csv_parser.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"
#include "ingest/request_line.hpp"

namespace tidelimit::ingest {

std::string join_names(const std::vector<std::string_view>& names) {
  std::string joined;
  for (const std::string_view name : names) {
    if (!joined.empty()) joined += ", ";
    joined += name;
  }
  return joined;
}

Result<NamedColumn> parse_field(std::string_view name_and_path) {
  const std::size_t equals = name_and_path.find('=');
  const std::string_view name = name_and_path.substr(0, equals);
  const std::string_view path =
      equals == name_and_path.npos ? std::string_view{} : name_and_path.substr(equals + 1);
  if (name.empty() || path.empty()) {
    return fail(Code::invalid_argument, "--field " + std::string(name_and_path) +
                                            ": write NAME=PATH, as in --field client_ip=peer.addr");
  }
  for (std::size_t c = 0; c < kColumns; ++c) {
    if (name == kColumnNames[c]) return NamedColumn{static_cast<Column>(c), std::string(path)};
  }
  return fail(Code::invalid_argument, "--field " + std::string(name_and_path) +
                                          ": no field is called " + std::string(name) +
                                          "; it is one of " +
                                          join_names({kColumnNames.begin(), kColumnNames.end()}));
}

Column column_of(std::string_view name, const NamedColumns& others) {
  for (const NamedColumn& other : others) {
    if (equals_ignoring_case(trim(name), trim(other.name))) return other.column;
  }
  for (std::size_t c = 0; c < kColumns; ++c) {
    if (equals_ignoring_case(trim(name), kColumnNames[c])) return static_cast<Column>(c);
  }
  return Column::count_;
}

Result<std::unique_ptr<CsvParser>> CsvParser::from_header(std::string_view header, char separator,
                                                          const NamedColumns& others) {
  std::unique_ptr<CsvParser> parser(new CsvParser(separator));
  parser->header_ = header;
  parser->position_.fill(kAbsent);
  const auto& names = parser->row_.split(header);
  parser->width_ = names.size();
  if (auto placed = parser->place(names, others); !placed) {
    return tl::unexpected(placed.error());
  }
  for (const NamedColumn& other : others) {
    const bool met = std::any_of(names.begin(), names.end(), [&](std::string_view name) {
      return equals_ignoring_case(trim(name), trim(other.name));
    });
    parser->fields_met_.push_back(met);
    const auto index = static_cast<std::size_t>(other.column);
    if (met || parser->position_[index] != kAbsent) continue;
    const std::string_view near = closest_word(other.name, names);
    return fail(Code::invalid_argument,
                "--field " + std::string(kColumnNames[index]) + "=" + printable(other.name, 40) +
                    ": the csv header has no such column" +
                    (near.empty() ? "" : " (did you mean " + printable(near, 40) + "?)") +
                    "; it reads \"" + printable(header) + "\"");
  }
  std::vector<std::string_view> missing;
  for (const Column c : {Column::timestamp, Column::client_ip, Column::path}) {
    const auto index = static_cast<std::size_t>(c);
    if (parser->position_[index] == kAbsent) missing.push_back(kColumnNames[index]);
  }
  if (!missing.empty()) {
    return fail(Code::invalid_argument,
                "the csv header lacks " + join_names(missing) +
                    " (required: timestamp, client_ip, path); it reads \"" + printable(header) +
                    "\"; where a column has another name, say so: --field " +
                    std::string(missing.front()) + "=NAME");
  }
  return parser;
}

/// Notes where each column stands. One that --field names goes before one with the usual name.
Result<void> CsvParser::place(const std::vector<std::string_view>& names,
                              const NamedColumns& others) {
  std::array<bool, kColumns> renamed{};
  for (std::size_t at = 0; at < names.size(); ++at) {
    const auto c = static_cast<std::size_t>(column_of(names[at], others));
    if (c == kColumns) continue;
    const bool usual = equals_ignoring_case(trim(names[at]), kColumnNames[c]);
    if (position_[c] != kAbsent && usual && renamed[c]) continue;
    if (position_[c] != kAbsent && usual != renamed[c]) {
      return fail(Code::invalid_argument,
                  "the csv header names the column " + std::string(trim(names[at])) + " twice");
    }
    position_[c] = at;
    renamed[c] = !usual;
  }
  return {};
}

/// A path, or a whole request line in its place.
void CsvParser::set_target(std::string_view path, std::string_view method,
                           traffic::Request& out) const {
  const bool is_line = !path.empty() && path.front() != '/' && path.find(" HTTP/") != path.npos;
  if (is_line) set_request_line(path, out);
  if (out.path.empty()) out.path = path;
  if (!method.empty()) out.method = method;
}

std::string CsvParser::advice(std::string_view line) {
  const auto& row = row_.split(line);
  if (row.size() != width_) return {};
  const std::string_view time = field(row, Column::timestamp);
  if (clock_.parse(time)) return {};
  return "its time reads \"" + printable(time, 40) + "\"; the forms that are read: " + kTimeForms;
}

Unreadable CsvParser::parse(std::string_view line, traffic::Request& out) {
  const auto& row = row_.split(line);
  if (row.size() != width_) return Unreadable::columns_differ;
  out = {};
  const auto time = clock_.parse(field(row, Column::timestamp));
  if (!time) return line == header_ ? Unreadable::header : Unreadable::no_time;
  out.time = *time;
  if (!set_client(one_client(field(row, Column::client_ip)), out)) return Unreadable::no_client;
  const auto status = parse_status(field(row, Column::status));
  if (!status) return Unreadable::bad_status;
  out.status = *status;
  out.user_id = unless_dash(field(row, Column::user_id));
  out.tier = unless_dash(field(row, Column::user_tier));
  set_target(unless_dash(field(row, Column::path)), unless_dash(field(row, Column::method)), out);
  out.user_agent = unless_dash(field(row, Column::user_agent));
  const std::string_view spent = field(row, Column::latency_ms);
  auto latency = parse_double(spent);
  if (!latency) latency = milliseconds_of(spent);
  if (!latency) latency = decimal_comma(spent);
  out.latency_ms = latency_of(latency);
  const auto bytes = parse_uint(field(row, Column::bytes));
  if (bytes && *bytes <= INT64_MAX) out.bytes = static_cast<std::int64_t>(*bytes);
  return Unreadable::none;
}

}  // namespace tidelimit::ingest
