#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "config/reader.hpp"

namespace tidelimit::config {

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
