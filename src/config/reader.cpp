#include "config/reader.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"

namespace tidelimit::config {
namespace {

constexpr std::size_t kMaxMistakes = 100;  // more help nobody

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

/// Empty: no known word is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& known) {
  // Numbers lie as near to one another as words do, and mean other things.
  if (parse_double(word)) return "";
  const auto close = closest_word(word, known);
  return close.empty() ? "" : fmt::format("; did you mean \"{}\"?", close);
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

std::string in_quotes(std::string_view text) {
  return fmt::format("\"{}\"", printable(text));
}

void refuse_kind(const Field& field, std::string_view wanted, Report& report) {
  if (field.node.IsNull()) {
    report.mistake(field.line,
                   fmt::format("{} is empty: give it a value or remove the key", field.where));
  } else {
    report.mistake(field.line,
                   fmt::format("{} must be {}, not {}", field.where, wanted, kind_of(field.node)));
  }
}

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
    refuse_kind(field, "a mapping (key: value)", report);
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

}  // namespace tidelimit::config
