#include "ingest/timestamp.hpp"

#include <algorithm>
#include <cmath>

#include "base/time_cursor.hpp"

namespace tidelimit::ingest {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLastSecond = 7'258'118'400;  // 2200-01-01: within 64-bit nanoseconds

unsigned month_of(std::string_view name) {
  constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  if (name.size() != 3) return 0;
  const char lower[] = {static_cast<char>(name[0] | 0x20), static_cast<char>(name[1] | 0x20),
                        static_cast<char>(name[2] | 0x20)};
  const std::size_t at = kMonths.find(std::string_view(lower, 3));
  return at == std::string_view::npos || at % 3 != 0 ? 0 : static_cast<unsigned>(at / 3 + 1);
}

/// Seconds east of UTC: "", "Z", "UTC", "GMT", "+0330", "+03:30", "-04".
std::int64_t zone(TimeCursor& text) {
  if (text.at_end() || text.skip('Z') || text.skip('z')) return 0;
  if (text.skip("UTC") || text.skip("GMT")) return 0;
  const bool west = text.skip('-');
  if (!west) text.expect('+');
  const std::int64_t hours = text.digits(2);
  text.skip(':');
  const std::int64_t minutes = text.at_end() ? 0 : text.digits(2);
  if (hours > 23 || minutes > 59) text.failed();  // as RFC 3339 has it
  const std::int64_t seconds = hours * 3600 + minutes * 60;
  return west ? -seconds : seconds;
}

std::optional<WallTime> time_of_epoch(std::int64_t seconds, std::int64_t nanos) {
  if (seconds < 0 || seconds > kLastSecond) return std::nullopt;
  return WallTime{Nanos{seconds * kSecond + nanos}};
}

enum class Seconds : std::uint8_t { required, optional };

/// "10:05[:03[.123]][ zone]" after the date `days` to the end of the text.
std::optional<WallTime> time_of_day(std::int64_t days, TimeCursor& text, Seconds seconds) {
  const std::int64_t hour = text.digits(2);
  text.expect(':');
  const std::int64_t minute = text.digits(2);
  std::int64_t second = 0;
  std::int64_t nanos = 0;
  if (text.skip(':')) {
    second = text.digits(2);
    nanos = text.skip('.') || text.skip(',') ? text.fraction() : 0;
  } else if (seconds == Seconds::required) {
    text.failed();
  }
  text.skip(' ');
  const std::int64_t offset = zone(text);
  if (!text.ok() || !text.at_end() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  // A leap second counts as the last one before it, so that time does not go back after it.
  second = std::min<std::int64_t>(second, 59);
  return time_of_epoch(days * 86400 + hour * 3600 + minute * 60 + second - offset, nanos);
}

std::optional<WallTime> parse_common(std::string_view text) {
  TimeCursor cursor(text);
  const unsigned day = text.size() > 1 && text[1] == '/' ? cursor.digits(1) : cursor.digits(2);
  cursor.expect('/');
  const unsigned month = month_of(cursor.take(3));
  cursor.expect('/');
  const unsigned year = cursor.digits(4);
  cursor.expect(':');
  const auto days = cursor.ok() ? days_of(year, month, day) : std::nullopt;
  return days ? time_of_day(*days, cursor, Seconds::required) : std::nullopt;
}

/// "2015-05-17", "2015-05-17T10:05:03Z" and its kin; `separator` stands between the date's parts.
std::optional<WallTime> parse_iso(std::string_view text, char separator,
                                  LogClock::BareDate bare_date) {
  TimeCursor cursor(text);
  const unsigned year = cursor.digits(4);
  cursor.expect(separator);
  const unsigned month = cursor.digits(2);
  cursor.expect(separator);
  const unsigned day = cursor.digits(2);
  const auto days = cursor.ok() ? days_of(year, month, day) : std::nullopt;
  if (!days) return std::nullopt;
  if (cursor.at_end()) {
    if (bare_date == LogClock::BareDate::refused) return std::nullopt;
    return time_of_epoch(*days * 86400, 0);
  }
  if (!cursor.skip('T') && !cursor.skip('t')) cursor.expect(' ');
  return time_of_day(*days, cursor, Seconds::optional);
}

/// Whole seconds with an optional fraction, exact to the nanosecond, or a longer count of
/// milli-, micro- or nanoseconds.
std::optional<WallTime> parse_unix(std::string_view text) {
  constexpr std::size_t kMaxDigits = 19;  // no overflow in 64 bits without a sign
  TimeCursor cursor(text);
  std::uint64_t whole = 0;
  std::size_t digits = 0;
  for (; cursor.at_digit() && digits < kMaxDigits; ++digits) whole = whole * 10 + cursor.digits(1);
  std::uint64_t per_second = 1;  // units of `whole`
  while (whole / per_second > kLastSecond && per_second < kSecond) per_second *= 1000;
  const auto unit = kSecond / static_cast<std::int64_t>(per_second);
  const std::int64_t part = cursor.skip('.') ? cursor.fraction() * unit / kSecond : 0;
  if (!cursor.ok() || !cursor.at_end() || digits == 0 || whole / per_second > kLastSecond) {
    return std::nullopt;
  }
  return WallTime{Nanos{static_cast<std::int64_t>(whole) * unit + part}};
}

std::optional<WallTime> parse_any(std::string_view text, LogClock::BareDate bare_date) {
  if (text.size() > 4 && (text[4] == '-' || text[4] == '/')) {
    return parse_iso(text, text[4], bare_date);
  }
  if (text.find('/', 1) != std::string_view::npos) return parse_common(text);
  return parse_unix(text);
}

}  // namespace

std::optional<WallTime> LogClock::parse(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text == std::string_view(last_text_.data(), last_size_)) return last_time_;
  const auto time = parse_any(text, bare_date_);
  if (time && text.size() <= last_text_.size()) {
    last_size_ = text.copy(last_text_.data(), last_text_.size());
    last_time_ = *time;
  }
  return time;
}

std::optional<WallTime> time_of_unix(double number) {
  double unit = 1e9;
  while (number * unit > static_cast<double>(kLastSecond) * 1e9 && unit > 1) unit /= 1000;
  const double nanos = number * unit;
  if (!(nanos >= 0 && nanos <= static_cast<double>(kLastSecond) * 1e9)) return std::nullopt;
  // A double holds Unix time to about a quarter of a microsecond: what is finer is noise.
  return WallTime{Nanos{static_cast<std::int64_t>(std::llround(nanos / 1000.0)) * 1000}};
}

}  // namespace tidelimit::ingest
