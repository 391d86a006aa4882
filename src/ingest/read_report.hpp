#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "ingest/line_parser.hpp"

namespace tidelimit::ingest {

/// A line that could not be read, for people.
struct UnreadableLine {
  std::string source;
  std::uint64_t line = 0;  ///< from 1, in its source
  Unreadable reason = Unreadable::none;
  std::string excerpt;  ///< printable, its first bytes
};

/// What reading came to. At the end `requests + unreadable == lines`: a csv header is no line of
/// data and is not counted. Of ready windows each row that was read counts as one of `requests`.
struct ReadReport {
  static constexpr std::size_t kExamples = 3;  ///< kept of each reason

  std::string format;  ///< "combined"; of inputs that differ "combined, json"; "windows"
  std::uint64_t lines = 0;
  std::uint64_t requests = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t bytes = 0;         ///< decompressed
  std::uint64_t out_of_order = 0;  ///< requests that are older than one before them
  Nanos out_of_order_worst{};      ///< by so much at most
  std::uint64_t never_asked = 0;   ///< requests that no limit meets (traffic::meets_limits)
  std::array<std::uint64_t, kUnreadable> by_reason{};
  std::vector<UnreadableLine> examples;  ///< in the order they were met
  std::vector<std::string>
      problems;  ///< inputs that ended early ("x.gz: ... is cut short"), options without effect
};

/// "access.log:17: no readable time: 1.2.3.4 - - [..."
[[nodiscard]] std::string describe(const UnreadableLine& line);

}  // namespace tidelimit::ingest
