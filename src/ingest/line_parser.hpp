#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/line_head.hpp"
#include "traffic/request.hpp"

namespace tidelimit::ingest {

/// Why a line is no request. `none`: it is one.
enum class Unreadable : std::uint8_t {
  none,
  blank,
  too_long,
  no_client,
  no_time,
  no_request,
  bad_status,
  columns_differ,
  bad_json,
  pattern_differs,
  bad_number,
  huge_number,
  bad_ratio,
  given_before,
  given_otherwise,
  wrong_clock,
  header,  ///< not a fault: a csv header seen again, as in concatenated files; no line of data
  count_,
};
inline constexpr std::size_t kUnreadable = static_cast<std::size_t>(Unreadable::count_);

/// In words that end the sentence "line 17: ...".
[[nodiscard]] std::string_view to_string(Unreadable reason);

/// Reads lines of one format. One thread; no allocation per line once its scratch has grown.
class LineParser {
 public:
  LineParser() = default;
  LineParser(const LineParser&) = delete;
  LineParser& operator=(const LineParser&) = delete;
  virtual ~LineParser() = default;

  /// Fills `out` whole. Its views point into `line`, into this parser's scratch, or are empty, and
  /// hold until the next call. kLinePadding bytes behind `line` may be read. What `out` holds after
  /// a failure means nothing.
  [[nodiscard]] virtual Unreadable parse(std::string_view line, traffic::Request& out) = 0;

  /// What could make a line readable that parse() refused, for a person; empty: nothing to say.
  [[nodiscard]] virtual std::string advice([[maybe_unused]] std::string_view line) { return {}; }

  /// Which of the names that --field gives were met so far, in their order; may be shorter.
  [[nodiscard]] virtual std::vector<bool> fields_met() const { return {}; }

  /// The format's name, as --format takes it.
  [[nodiscard]] virtual std::string_view format() const = 0;
};

/// What `read` makes of a line, and where that fails of what stands behind the line's head: heads
/// cost the lines that have none nothing.
template <typename Read>
[[nodiscard]] Unreadable read_behind_head(std::string_view line, Read read) {
  const Unreadable reason = read(line);
  if (reason == Unreadable::none) [[likely]]
    return reason;
  const std::size_t head = line_head(line);
  return head == 0 ? reason : read(line.substr(head));
}

}  // namespace tidelimit::ingest
