#include "ingest/synthetic/rows.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "base/text.hpp"

namespace tidelimit::synthetic {
namespace {

constexpr std::int64_t kSecondNanos = 1'000'000'000;

template <class Integer>
void append_integer(Integer value, std::string& out) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end.ptr);
}

/// ".123"
void append_thousandths(std::int64_t thousandths, std::string& out) {
  const auto digit = [](std::int64_t d) { return static_cast<char>('0' + d % 10); };
  const std::array<char, 4> text{'.', digit(thousandths / 100), digit(thousandths / 10),
                                 digit(thousandths)};
  out.append(text.data(), text.size());
}

std::int64_t milliseconds_of(WallTime time) {
  return time.time_since_epoch().count() % kSecondNanos / 1'000'000;
}

/// Milliseconds with three decimals.
void append_latency(float milliseconds, std::string& out) {
  const auto micros = std::llround(static_cast<double>(milliseconds) * 1000.0);
  append_integer(micros / 1000, out);
  append_thousandths(micros % 1000, out);
}

/// Quoted where RFC 4180 asks for it.
void append_csv_text(std::string_view text, std::string& out) {
  if (text.find_first_of(",\"\r\n") == text.npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

/// Quotes and backslashes escaped; the generator writes no control characters.
void append_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
}

void append_member(std::string_view name, std::string_view value, std::string& out) {
  out += ",\"";
  out += name;
  out += "\":\"";
  append_escaped(value, out);
  out += '"';
}

}  // namespace

std::optional<RowFormat> parse_row_format(std::string_view name) {
  if (name == "csv") return RowFormat::csv;
  if (name == "combined") return RowFormat::combined;
  if (name == "json") return RowFormat::json;
  return std::nullopt;
}

std::string_view RowWriter::header() const {
  if (format_ != RowFormat::csv) return {};
  return "timestamp,client_ip,user_id,user_tier,method,path,status,user_agent,latency_ms,bytes\n";
}

void RowWriter::enter_second(std::int64_t second) {
  second_ = second;
  const std::string iso = format_time(WallTime{std::chrono::seconds{second}});
  second_text_ = iso.substr(0, iso.size() - 1);  // the Z comes after the fraction
  if (format_ != RowFormat::combined) return;
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto month = parse_uint(std::string_view(iso).substr(5, 2)).value_or(1) - 1;
  second_text_ = iso.substr(8, 2);  // of 2026-01-05T00:00:00
  second_text_ += '/';
  second_text_ += kMonths[month];
  second_text_ += '/';
  second_text_ += iso.substr(0, 4);
  second_text_ += ':';
  second_text_ += iso.substr(11, 8);
}

void RowWriter::append(const traffic::Request& request, std::string& out) {
  const std::int64_t second = request.time.time_since_epoch().count() / kSecondNanos;
  if (second != second_) enter_second(second);
  switch (format_) {
    case RowFormat::csv:
      return append_csv(request, out);
    case RowFormat::combined:
      return append_combined(request, out);
    case RowFormat::json:
      return append_json(request, out);
  }
}

void RowWriter::append_csv(const traffic::Request& request, std::string& out) {
  out += second_text_;
  append_thousandths(milliseconds_of(request.time), out);
  out += "Z,";
  out += request.client_name;
  out += ',';
  out += request.user_id;
  out += ',';
  out += request.tier;
  out += ',';
  out += request.method;
  out += ',';
  append_csv_text(request.path, out);
  out += ',';
  append_integer(request.status, out);
  out += ',';
  append_csv_text(request.user_agent, out);
  out += ',';
  append_latency(request.latency_ms, out);
  out += ',';
  append_integer(request.bytes, out);
  out += '\n';
}

void RowWriter::append_combined(const traffic::Request& request, std::string& out) {
  out += request.client_name;
  out += " - ";
  out += request.user_id.empty() ? std::string_view("-") : request.user_id;
  out += " [";
  out += second_text_;
  out += " +0000] \"";
  out += request.method;
  out += ' ';
  append_escaped(request.path, out);
  out += " HTTP/1.1\" ";
  append_integer(request.status, out);
  out += ' ';
  append_integer(request.bytes, out);
  out += " \"-\" \"";
  append_escaped(request.user_agent.empty() ? std::string_view("-") : request.user_agent, out);
  out += "\"\n";
}

void RowWriter::append_json(const traffic::Request& request, std::string& out) {
  out += "{\"time_iso8601\":\"";
  out += second_text_;
  append_thousandths(milliseconds_of(request.time), out);
  out += "Z\"";
  append_member("remote_addr", request.client_name, out);
  append_member("http_x_user_id", request.user_id, out);
  append_member("http_x_user_tier", request.tier, out);
  append_member("request_method", request.method, out);
  append_member("request_uri", request.path, out);
  append_member("http_user_agent", request.user_agent, out);
  out += ",\"status\":";
  append_integer(request.status, out);
  out += ",\"request_time\":";  // seconds
  const auto micros = std::llround(static_cast<double>(request.latency_ms) * 1000.0);
  append_integer(micros / 1'000'000, out);
  append_thousandths(micros / 1000 % 1000, out);
  append_thousandths(micros % 1000, out);
  out.erase(out.size() - 4, 1);  // one decimal point for the six digits
  out += ",\"body_bytes_sent\":";
  append_integer(request.bytes, out);
  out += "}\n";
}

}  // namespace tidelimit::synthetic
