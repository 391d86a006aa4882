#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelimit {

[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] bool starts_ignoring_case(std::string_view text, std::string_view start);
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// A whole decimal number and nothing else; nullopt on sign, overflow, rest.
[[nodiscard]] std::optional<std::uint64_t> parse_uint(std::string_view text);
/// A finite decimal number and nothing else.
[[nodiscard]] std::optional<double> parse_double(std::string_view text);

/// Shell-like match of a whole text: `*` any run, `?` any one byte; ASCII case is ignored. Time is
/// bounded by the product of the lengths.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

/// The known word closest to `text` (edit distance at most 2), for "did you mean"; empty when none
/// is close.
[[nodiscard]] std::string_view closest_word(std::string_view text,
                                            const std::vector<std::string_view>& known);

/// `text` made safe to print in a terminal, a log or JSON: control and non-UTF-8 bytes as \xNN, cut
/// to `max` bytes.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max = 200);

}  // namespace tidelimit
