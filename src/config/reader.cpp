#include "config/reader.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"

namespace tidelimit::config {
namespace {

constexpr std::size_t kMaxMistakes = 100;  // more help nobody
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxItems = 10'000;

std::string in_quotes(std::string_view text) {
  return fmt::format("\"{}\"", printable(text));
}

/// `count`: how many there were.
std::vector<Mistake> in_order(std::vector<Mistake> list, std::size_t count) {
  std::stable_sort(list.begin(), list.end(),
                   [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
  if (count > list.size())
    list.push_back(
        {list.back().line,
         fmt::format("and {} more, which are not shown: mend these first", count - list.size())});
  return list;
}

/// "what" a node is, for "must be X, not Y".
const char* kind_of(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Null:
      return "empty";
    case YAML::NodeType::Scalar:
      return "a single value";
    case YAML::NodeType::Sequence:
      return "a list";
    case YAML::NodeType::Map:
      return "a mapping";
    default:
      return "undefined";
  }
}

void wrong_kind(const Field& field, std::string_view wanted, Report& report) {
  if (field.node.IsNull()) {
    report.mistake(field.line,
                   fmt::format("{} is empty: give it a value or remove the key", field.where));
  } else {
    report.mistake(field.line,
                   fmt::format("{} must be {}, not {}", field.where, wanted, kind_of(field.node)));
  }
}

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

void Report::mistake(int line, std::string message) {
  ++count_;
  if (mistakes_.size() < kMaxMistakes) mistakes_.push_back({line, std::move(message)});
}

void Report::warning(int line, std::string message) {
  ++warning_count_;
  if (warnings_.size() < kMaxMistakes) warnings_.push_back({line, std::move(message)});
}

std::vector<Mistake> Report::take_mistakes() {
  return in_order(std::exchange(mistakes_, {}), std::exchange(count_, 0));
}

std::vector<Mistake> Report::take_warnings() {
  return in_order(std::exchange(warnings_, {}), std::exchange(warning_count_, 0));
}

int line_of(const YAML::Node& node) {
  return std::max(node.Mark().line, 0) + 1;
}

Field named_item(const YAML::Node& node, const std::string& kind, std::size_t number) {
  Field item{node, fmt::format("{} {}", kind, number), line_of(node)};
  if (node.IsMap() && node["name"] && node["name"].IsScalar()) {
    item.where = fmt::format("{} {}", kind, in_quotes(node["name"].Scalar()));
  }
  return item;
}

namespace {

/// Empty: no known word is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  // Numbers lie as near to one another as words do, and mean other things.
  if (parse_double(word)) return "";
  const auto close = closest_word(word, known);
  return close.empty() ? "" : fmt::format("; did you mean \"{}\"?", close);
}

}  // namespace

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known) {
  auto meant = did_you_mean(word, known);
  if (!meant.empty() || known.empty()) return meant;
  return fmt::format("; known are {}", fmt::join(known, ", "));
}

void refuse_choice(const Field& field, std::string_view text,
                   const std::vector<std::string_view>& words, Report& report) {
  report.mistake(field.line, fmt::format("{}: \"{}\" is none of {}{}", field.where, printable(text),
                                         fmt::join(words, ", "), did_you_mean(text, words)));
}

Section::Section(const Field& field, Report& report) : field_(field), report_(&report) {
  if (!field.node.IsMap()) {
    wrong_kind(field, "a mapping (key: value)", report);
    return;
  }
  YAML::Node merged;
  for (const auto& item : field.node) {
    if (!item.first.IsScalar()) {
      report.mistake(line_of(item.first), "a key must be a single word, not a list or mapping");
      continue;
    }
    Entry entry{item.first.Scalar(), line_of(item.first), item.second};
    if (entry.key == "<<") {
      report.mistake(entry.line,
                     "merge keys (<<) are not read: write the keys out, or give whole "
                     "values by an alias");
      merged.reset(item.second);
      continue;
    }
    const auto first = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.key == entry.key; });
    if (first != entries_.end()) {
      report.mistake(entry.line,
                     fmt::format("key {} stands twice{}; it is already at line {}: remove one",
                                 in_quotes(entry.key),
                                 field.where.empty() ? "" : " in " + field.where, first->line));
      continue;
    }
    entries_.push_back(std::move(entry));
  }
  if (!merged.IsMap()) return;
  // Taken in all the same, so that nothing that they bring is called missing.
  for (const auto& item : merged) {
    if (!item.first.IsScalar() || has(item.first.Scalar())) continue;
    entries_.push_back({item.first.Scalar(), line_of(item.first), item.second, true});
  }
}

Field Section::child(const Entry& entry) const {
  // `rule "x": when.spike`: a colon after what has a name, points between plain keys.
  const bool named = !field_.where.empty() && field_.where.back() == '"';
  const std::string glue = field_.where.empty() ? "" : (named ? ": " : ".");
  return {entry.value, field_.where + glue + printable(entry.key),
          entry.value.IsNull() ? entry.line : line_of(entry.value)};
}

std::optional<Field> Section::take(std::string_view key) {
  known_.emplace_back(key);
  for (auto& entry : entries_) {
    if (entry.key != key) continue;
    entry.taken = true;
    return child(entry);
  }
  return std::nullopt;
}

bool Section::has(std::string_view key) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.key == key; });
}

void Section::refuse(std::string_view key) {
  for (auto& entry : entries_) {
    if (entry.key != key) continue;
    entry.taken = true;
    report_->mistake(entry.line,
                     child(entry).where + " is not supported yet by this version: remove it");
  }
}

std::vector<std::pair<std::string, Field>> Section::take_all() {
  std::vector<std::pair<std::string, Field>> all;
  for (auto& entry : entries_) {
    if (entry.taken) continue;
    entry.taken = true;
    all.emplace_back(entry.key, child(entry));
  }
  return all;
}

void Section::finish() {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const auto& entry : entries_) {
    if (entry.taken) continue;
    report_->mistake(entry.line, fmt::format("unknown key {}{}{}", in_quotes(entry.key),
                                             field_.where.empty() ? "" : " in " + field_.where,
                                             suggestion(entry.key, known)));
  }
}

std::optional<std::string> read_text(const Field& field, Report& report) {
  if (!field.node.IsScalar()) {
    wrong_kind(field, "a single value", report);
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
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == ':' || c == '/' || c == '-';
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
  return read_choice<bool>(field, report, {{"true", true}, {"false", false}});
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
    wrong_kind(field, "a list", report);
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
