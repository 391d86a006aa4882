#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidelimit::ingest {

/// Cuts lines of comma-separated values (RFC 4180, but a field never spans lines). Reused from line
/// to line, so that it stops allocating.
class CsvRow {
 public:
  /// The fields of `line`, quotes undone. The views point into `line` or into this row and hold
  /// until the next call. A quote that never closes runs to the line's end.
  const std::vector<std::string_view>& split(std::string_view line);

 private:
  std::string_view take_quoted(std::string_view& rest);

  std::vector<std::string_view> fields_;
  std::string unquoted_;
};

}  // namespace tidelimit::ingest
