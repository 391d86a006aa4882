#include "config/values.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/text.hpp"

namespace tidelimit::config {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxItems = 10'000;

/// What `parse` makes of a text.
template <class T>
std::optional<T> read_parsed(const Field& field, Report& report,
                             Result<T> (*parse)(std::string_view)) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  auto value = parse(*text);
  if (value) return std::move(*value);
  report.mistake(field.line, field.where + ": " + value.error().message);
  return std::nullopt;
}

}  // namespace

std::optional<std::string> read_text(const Field& field, Report& report) {
  if (!field.node.IsScalar()) {
    refuse_kind(field, "a single value", report);
    return std::nullopt;
  }
  std::string text = field.node.Scalar();
  if (text.empty()) {
    report.mistake(field.line, field.where + " is empty: give it a value or remove the key");
    return std::nullopt;
  }
  return text;
}

bool is_name(std::string_view text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return is_alphanumeric(c) || std::string_view("_.:/-").find(c) != std::string_view::npos;
  });
  return plain && !text.empty() && text.size() <= kMaxName;
}

std::optional<std::string> read_name(const Field& field, Report& report) {
  auto text = read_text(field, report);
  if (!text) return std::nullopt;
  if (is_name(*text)) return text;
  report.mistake(field.line,
                 fmt::format("{}: {} is no name: use letters, digits and _ . : / -, at most {}",
                             field.where, in_quotes(*text), kMaxName));
  return std::nullopt;
}

std::optional<double> read_number(const Field& field, Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const auto value = parse_double(*text);
  if (!value)
    report.mistake(field.line, fmt::format("{}: {} is no number", field.where, in_quotes(*text)));
  return value;
}

std::optional<std::uint64_t> read_count(const Field& field, Report& report) {
  return read_count_up_to(1'000'000'000, field, report);
}

std::optional<std::uint64_t> read_count_up_to(std::uint64_t most, const Field& field,
                                              Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const auto value = parse_uint(*text);
  if (value && *value >= 1 && *value <= most) return value;
  report.mistake(field.line, fmt::format("{}: {} must be a whole number from 1 to {}", field.where,
                                         in_quotes(*text), most));
  return std::nullopt;
}

std::optional<bool> read_bool(const Field& field, Report& report) {
  if (field.node.IsScalar()) {
    const std::string lower = to_lower(field.node.Scalar());
    for (const char* yes : {"yes", "on", "y", "true"})
      if (lower == yes) return true;
    for (const char* no : {"no", "off", "n", "false"})
      if (lower == no) return false;
  }
  return read_choice<bool>(field, report,
                           {{"true", true},
                            {"yes", true},
                            {"on", true},
                            {"false", false},
                            {"no", false},
                            {"off", false}});
}

std::optional<Rate> read_rate(const Field& field, Report& report) {
  return read_parsed(field, report, parse_rate);
}

std::optional<Nanos> read_duration(const Field& field, Report& report) {
  return read_parsed(field, report, parse_duration);
}

std::optional<limiter::Priority> read_priority(const Field& field, Report& report) {
  using limiter::Priority;
  return read_choice<Priority>(
      field, report,
      {{"high", Priority::high}, {"normal", Priority::normal}, {"low", Priority::low}});
}

std::optional<std::size_t> read_bytes(const Field& field, Report& report) {
  constexpr std::size_t kLeast = 1u << 20;
  constexpr std::size_t kMost = std::size_t{1} << 40;
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const std::pair<std::string_view, std::size_t> units[] = {
      {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}};
  for (const auto& [unit, size] : units) {
    if (!text->ends_with(unit)) continue;
    const auto number =
        parse_uint(trim(std::string_view(*text).substr(0, text->size() - unit.size())));
    if (number && *number <= kMost / size && *number * size >= kLeast) return *number * size;
  }
  report.mistake(field.line,
                 fmt::format("{}: {} is no size from 1MiB to 1024GiB: write it like 64MiB",
                             field.where, in_quotes(*text)));
  return std::nullopt;
}

std::optional<HostPort> read_host_port(const Field& field, Report& report) {
  return read_parsed(field, report, parse_host_port);
}

std::optional<Url> read_url(const Field& field, Report& report) {
  return read_parsed(field, report, parse_url);
}

std::optional<Prefix> read_prefix(const Field& field, Report& report) {
  return read_parsed(field, report, parse_prefix);
}

std::vector<Field> read_items(const Field& field, Report& report) {
  if (field.node.IsScalar()) return {field};
  if (!field.node.IsSequence()) {
    refuse_kind(field, "a list", report);
    return {};
  }
  if (field.node.size() > kMaxItems) {
    report.mistake(field.line, fmt::format("{} has {} items, more than {}", field.where,
                                           field.node.size(), kMaxItems));
    return {};
  }
  std::vector<Field> items;
  for (const auto& item : field.node) items.push_back({item, field.where, line_of(item)});
  return items;
}

std::optional<double> Range::operator()(const Field& field, Report& report) const {
  const auto value = read_number(field, report);
  if (!value) return std::nullopt;
  const bool above = low_included ? *value >= low : *value > low;
  const bool below = high_included ? *value <= high : *value < high;
  if (above && below) return value;
  std::string bounds = fmt::format("{} {}", low_included ? "at least" : "above", low);
  if (high < kPositive.high) {
    bounds += fmt::format(" and {} {}", high_included ? "at most" : "below", high);
  }
  report.mistake(field.line,
                 fmt::format("{} must be {}, not {}", field.where, bounds, field.node.Scalar()));
  return std::nullopt;
}

std::optional<Nanos> DurationRange::operator()(const Field& field, Report& report) const {
  const auto value = read_duration(field, report);
  if (!value || (*value >= low && *value <= high)) return value;
  report.mistake(field.line,
                 fmt::format("{} must be from {} to {}, not {}", field.where, format_duration(low),
                             format_duration(high), field.node.Scalar()));
  return std::nullopt;
}

}  // namespace tidelimit::config
