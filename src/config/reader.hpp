#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <yaml-cpp/yaml.h>

#include "config/mistake.hpp"

namespace tidelimit::config {

/// Collects what is wrong, so that one run names every mistake.
class Report {
 public:
  void mistake(int line, std::string message);
  void warning(int line, std::string message);

  [[nodiscard]] bool clean() const { return count_ == 0; }
  [[nodiscard]] std::size_t count() const { return count_; }
  /// In order of lines: the first hundred, and how many more there were.
  [[nodiscard]] std::vector<Mistake> take_mistakes();
  [[nodiscard]] std::vector<Mistake> take_warnings();

 private:
  std::vector<Mistake> mistakes_;
  std::size_t count_ = 0;  ///< of mistakes, kept or not
  std::vector<Mistake> warnings_;
  std::size_t warning_count_ = 0;
};

/// A value of the file with the words that name it: `forecast.window`, `rule "x": when.spike`.
struct Field {
  YAML::Node node;
  std::string where;
  int line = 0;
};

[[nodiscard]] int line_of(const YAML::Node& node);

/// An item of a list of things with names: `rule "x"`, or `rule 3` where it has none.
[[nodiscard]] Field named_item(const YAML::Node& node, const std::string& kind, std::size_t number);

/// "x", safe to print.
[[nodiscard]] std::string in_quotes(std::string_view text);
/// Notes that a value is empty, or of another kind than `wanted`.
void refuse_kind(const Field& field, std::string_view wanted, Report& report);
/// Notes that `text` is none of `words`, and which it may have been meant to be.
void refuse_choice(const Field& field, std::string_view text,
                   const std::vector<std::string_view>& words, Report& report);

/// `; did you mean "x"?`, or the known words, or nothing where there are none.
[[nodiscard]] std::string suggestion(std::string_view word,
                                     const std::vector<std::string_view>& known);

/// A mapping whose keys are taken one by one; what nobody took is an unknown key.
class Section {
 public:
  /// `field` must be a mapping, else a mistake is noted and the section is empty. Keys that stand
  /// twice are mistakes (YAML libraries silently keep one).
  Section(const Field& field, Report& report);

  [[nodiscard]] std::optional<Field> take(std::string_view key);
  [[nodiscard]] bool has(std::string_view key) const;

  /// `into` = what `reader(field, report)` makes of the key's value, where key and value are there.
  template <class T, class Reader>
  void read(std::string_view key, T& into, Reader&& reader) {
    const auto field = take(key);
    if (!field) return;
    if (auto value = reader(*field, *report_)) into = std::move(*value);
  }

  /// The key belongs to what this version lacks: named, never ignored.
  void refuse(std::string_view key);
  /// Every entry, in order, for mappings with free keys.
  [[nodiscard]] std::vector<std::pair<std::string, Field>> take_all();
  /// Notes the keys that nobody took. Called last.
  void finish();

  [[nodiscard]] const Field& field() const { return field_; }

 private:
  struct Entry {
    std::string key;
    int line = 0;
    YAML::Node value;
    bool taken = false;
  };
  [[nodiscard]] Field child(const Entry& entry) const;

  Field field_;
  Report* report_;
  std::vector<Entry> entries_;
  std::vector<std::string> known_;
};

}  // namespace tidelimit::config
