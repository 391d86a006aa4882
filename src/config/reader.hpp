#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <yaml-cpp/yaml.h>

#include "base/rate.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "limiter/plan.hpp"

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

// Readers of single values. Each notes a mistake and gives nothing when the value is not as it
// should be.

[[nodiscard]] std::optional<std::string> read_text(const Field& field, Report& report);
/// Letters, digits and _ . : / -, at most 64: names stand in metrics, logs and URLs.
[[nodiscard]] std::optional<std::string> read_name(const Field& field, Report& report);
[[nodiscard]] std::optional<double> read_number(const Field& field, Report& report);
[[nodiscard]] std::optional<std::uint64_t> read_count(const Field& field, Report& report);
[[nodiscard]] std::optional<std::uint64_t> read_count_up_to(std::uint64_t most, const Field& field,
                                                            Report& report);
/// All words of YAML 1.1 (yes, on, y, true and their opposites), in any case.
[[nodiscard]] std::optional<bool> read_bool(const Field& field, Report& report);
[[nodiscard]] std::optional<Rate> read_rate(const Field& field, Report& report);
[[nodiscard]] std::optional<Nanos> read_duration(const Field& field, Report& report);
[[nodiscard]] std::optional<limiter::Mode> read_mode(const Field& field, Report& report);
/// A mode word, or `{ enforce: 5% }`.
[[nodiscard]] std::optional<policy::ModeFor> read_mode_for(const Field& field, Report& report);
/// "5%" or 0.05: above 0, and 1 at most.
[[nodiscard]] std::optional<double> read_share(const Field& field, Report& report);
[[nodiscard]] std::optional<limiter::Priority> read_priority(const Field& field, Report& report);
/// "64MiB" in bytes.
[[nodiscard]] std::optional<std::size_t> read_bytes(const Field& field, Report& report);
[[nodiscard]] std::optional<HostPort> read_host_port(const Field& field, Report& report);
[[nodiscard]] std::optional<Url> read_url(const Field& field, Report& report);
[[nodiscard]] std::optional<Prefix> read_prefix(const Field& field, Report& report);
/// The items of a list; a single value is a list of one.
[[nodiscard]] std::vector<Field> read_items(const Field& field, Report& report);

/// A number with bounds: above `low` (or at it, if included), below `high` (likewise).
struct Range {
  double low = 0;
  bool low_included = false;
  double high = 1;
  bool high_included = false;

  [[nodiscard]] std::optional<double> operator()(const Field& field, Report& report) const;
};
inline constexpr Range kShare{0, false, 1, true};        ///< (0, 1]
inline constexpr Range kInside{0, false, 1, false};      ///< (0, 1)
inline constexpr Range kPositive{0, false, 1e15, true};  ///< no useful upper bound

/// A duration within bounds.
struct DurationRange {
  Nanos low;
  Nanos high;
  [[nodiscard]] std::optional<Nanos> operator()(const Field& field, Report& report) const;
};

/// Notes that `text` is none of `words`, and which it may have been meant to be.
void refuse_choice(const Field& field, std::string_view text,
                   const std::vector<std::string_view>& words, Report& report);

/// One of the given words.
template <class T>
std::optional<T> read_choice(const Field& field, Report& report,
                             std::initializer_list<std::pair<std::string_view, T>> choices) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  std::vector<std::string_view> words;
  for (const auto& [word, value] : choices) {
    if (*text == word) return value;
    words.push_back(word);
  }
  refuse_choice(field, *text, words, report);
  return std::nullopt;
}

}  // namespace tidelimit::config
