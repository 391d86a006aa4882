#include "ingest/csv_parser.hpp"

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

Result<std::unique_ptr<CsvParser>> CsvParser::from_header(std::string_view header) {
  std::unique_ptr<CsvParser> parser(new CsvParser);
  parser->header_ = header;
  parser->position_.fill(kAbsent);
  const auto& names = parser->row_.split(header);
  parser->width_ = names.size();
  for (std::size_t at = 0; at < names.size(); ++at) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      if (!equals_ignoring_case(trim(names[at]), kColumnNames[c])) continue;
      if (parser->position_[c] != kAbsent) {
        return fail(Code::invalid_argument,
                    "the csv header names the column " + std::string(kColumnNames[c]) + " twice");
      }
      parser->position_[c] = at;
    }
  }

  std::vector<std::string_view> missing;
  for (const Column c : {Column::timestamp, Column::client_ip, Column::path}) {
    const auto index = static_cast<std::size_t>(c);
    if (parser->position_[index] == kAbsent) missing.push_back(kColumnNames[index]);
  }
  if (!missing.empty()) {
    return fail(Code::invalid_argument, "the csv header lacks " + join_names(missing) +
                                            " (required: timestamp, client_ip, path); it reads \"" +
                                            printable(header) + "\"");
  }
  return parser;
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
  out.method = unless_dash(field(row, Column::method));
  out.path = unless_dash(field(row, Column::path));
  out.user_agent = unless_dash(field(row, Column::user_agent));
  const auto latency = parse_double(field(row, Column::latency_ms));
  if (latency && *latency >= 0) out.latency_ms = static_cast<float>(*latency);
  const auto bytes = parse_uint(field(row, Column::bytes));
  if (bytes && *bytes <= INT64_MAX) out.bytes = static_cast<std::int64_t>(*bytes);
  return Unreadable::none;
}

}  // namespace tidelimit::ingest
