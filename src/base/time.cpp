#include "base/time.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/text.hpp"
#include "base/time_cursor.hpp"

namespace tidelimit {
namespace {

using Count = Nanos::rep;

struct Unit {
  std::string_view name;
  Count nanos;
};
constexpr std::array<Unit, 7> kUnits{{{"d", 86'400'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};
constexpr Count kSecond = 1'000'000'000;
constexpr std::int64_t kDaySeconds = 86'400;
// WallTime reaches from 1677 to 2262.
constexpr unsigned kFirstYear = 1678;
constexpr unsigned kLastYear = 2261;

std::size_t digits_at(std::string_view text) {
  const auto end = text.find_first_not_of("0123456789");
  return end == text.npos ? text.size() : end;
}

std::optional<std::int64_t> read_date(TimeCursor& in) {
  const unsigned year = in.digits(4);
  in.expect('-');
  const unsigned month = in.digits(2);
  in.expect('-');
  const unsigned day = in.digits(2);
  if (!in.ok() || year < kFirstYear || year > kLastYear) return std::nullopt;
  return days_of(year, month, day);
}

/// "Z", "+03:30", "-0400" or nothing: seconds east of UTC.
std::int64_t read_zone(TimeCursor& in) {
  if (in.at_end() || in.skip('Z') || in.skip('z')) return 0;
  const bool west = in.skip('-');
  if (!west) in.expect('+');
  const std::int64_t hour = in.digits(2);
  in.skip(':');
  const std::int64_t minute = in.digits(2);
  if (hour > 23 || minute > 59) in.failed();
  return (west ? -1 : 1) * (hour * 3600 + minute * 60);
}

std::optional<WallTime> read_calendar(std::string_view text) {
  TimeCursor in(text);
  const auto days = read_date(in);
  if (!days) return std::nullopt;
  std::int64_t seconds = *days * kDaySeconds;
  Count nanos = 0;
  if (!in.at_end()) {
    if (!in.skip('T') && !in.skip('t')) in.expect(' ');
    const std::int64_t hour = in.digits(2);
    in.expect(':');
    const std::int64_t minute = in.digits(2);
    in.expect(':');
    const std::int64_t second = in.digits(2);
    if (in.skip('.')) nanos = in.fraction();
    const std::int64_t zone = read_zone(in);
    if (!in.ok() || !in.at_end() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    // A leap second counts as the last one before it, so that time does not go back after it.
    seconds += hour * 3600 + minute * 60 + std::min<std::int64_t>(second, 59) - zone;
  }
  return WallTime{Nanos{seconds * kSecond + nanos}};
}

std::optional<WallTime> read_unix(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  const std::size_t digits = digits_at(text);
  const auto seconds = parse_uint(text.substr(0, digits));
  constexpr std::uint64_t kMost = std::numeric_limits<Count>::max() / kSecond - 1;
  if (!seconds || *seconds > kMost) return std::nullopt;
  TimeCursor in(text.substr(digits));
  const Count nanos = in.skip('.') ? in.fraction() : 0;
  if (!in.ok() || !in.at_end()) return std::nullopt;
  const Count since = static_cast<Count>(*seconds) * kSecond + nanos;
  return WallTime{Nanos{negative ? -since : since}};
}

void append_padded(std::string& text, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  text.append(width > digits.size() ? width - digits.size() : 0, '0');
  text += digits;
}

}  // namespace

Result<Nanos> parse_duration(std::string_view text) {
  const auto bad = [&](std::string_view mend) {
    return fail(Code::invalid_argument,
                "\"" + printable(text, 60) + "\" is no duration: " + std::string(mend));
  };
  constexpr Count kMost = std::numeric_limits<Count>::max();
  Count sum = 0;
  std::size_t largest_left = 0;  // units fall: 1h30m, not 30m1h
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t digits = digits_at(rest);
    const auto count = parse_uint(rest.substr(0, digits));
    if (!count) return bad("write it like 15m, 24h or 1h30m");
    rest.remove_prefix(digits);
    const std::string_view name = rest.substr(0, rest.find_first_of("0123456789"));
    rest.remove_prefix(name.size());
    std::size_t unit = largest_left;
    while (unit < kUnits.size() && kUnits[unit].name != name) ++unit;
    if (unit == kUnits.size())
      return bad(name.empty() ? "name its unit, like 15m (d, h, m, s or ms)"
                              : "units are d, h, m, s and ms, the largest first, as in 1h30m");
    if (*count > static_cast<std::uint64_t>((kMost - sum) / kUnits[unit].nanos))
      return bad("it is too long");
    sum += static_cast<Count>(*count) * kUnits[unit].nanos;
    largest_left = unit + 1;
  }
  if (sum <= 0) return bad("it must be longer than nothing, like 15m");
  return Nanos{sum};
}

std::string format_duration(Nanos duration) {
  Count left = duration.count();
  if (left == 0) return "0s";
  std::string text;
  // Counting towards zero keeps the one value that has no opposite.
  if (left < 0) text += '-';
  for (const Unit& unit : kUnits) {
    const bool days = unit.name == "d";
    // 24h and 36h say more than 1d and 1d12h; whole days from two on stand as days.
    if (days && (left % unit.nanos != 0 || left / unit.nanos == 1)) continue;
    const Count count = left / unit.nanos;
    left %= unit.nanos;
    if (count != 0) text += std::to_string(count < 0 ? -count : count) + std::string(unit.name);
  }
  return text;
}

Result<WallTime> parse_time(std::string_view text) {
  const bool dashed = text.size() > 4 && text[4] == '-';
  const auto time = dashed ? read_calendar(text) : read_unix(text);
  if (time) return *time;
  return fail(Code::invalid_argument,
              "\"" + printable(text, 60) +
                  "\" is no time: write 2026-11-24T10:00:00Z, 2026-11-24 or Unix seconds");
}

std::string format_time(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const auto in_day = time - WallTime{day};
  const auto seconds = std::chrono::floor<std::chrono::seconds>(in_day).count();
  const Count nanos = in_day.count() % kSecond;

  std::string text;
  append_padded(text, static_cast<int>(date.year()), 4);
  text += '-';
  append_padded(text, static_cast<unsigned>(date.month()), 2);
  text += '-';
  append_padded(text, static_cast<unsigned>(date.day()), 2);
  text += 'T';
  append_padded(text, seconds / 3600, 2);
  text += ':';
  append_padded(text, seconds / 60 % 60, 2);
  text += ':';
  append_padded(text, seconds % 60, 2);
  if (nanos != 0) {
    text += '.';
    if (nanos % 1'000'000 == 0)
      append_padded(text, nanos / 1'000'000, 3);
    else if (nanos % 1'000 == 0)
      append_padded(text, nanos / 1'000, 6);
    else
      append_padded(text, nanos, 9);
  }
  return text + 'Z';
}

}  // namespace tidelimit
