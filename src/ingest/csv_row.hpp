#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidelimit::ingest {

/// Cuts records of comma-separated values (RFC 4180), or of values between other bytes. Reused from
/// record to record, so that it stops allocating.
class CsvRow {
 public:
  explicit CsvRow(char separator = ',') : separator_(separator) {}

  /// The fields of `line`, quotes undone. The views point into `line` or into this row and hold
  /// until the next call. A quote that never closes runs to the line's end.
  const std::vector<std::string_view>& split(std::string_view line);

 private:
  std::string_view take_quoted(std::string_view& rest);

  char separator_;
  std::vector<std::string_view> fields_;
  std::string unquoted_;
};

/// Finds where a record ends whose quoted fields hold line ends.
class QuoteScan {
 public:
  explicit QuoteScan(char separator) : separator_(separator) {}

  /// Goes on through `record`, the same as before with more behind it. False: what is quoted in it
  /// does not follow RFC 4180 (something stands behind a closing quote).
  [[nodiscard]] bool read(std::string_view record);
  /// Whether a quoted field is open at the end of what was read.
  [[nodiscard]] bool open() const { return open_; }

 private:
  char separator_;
  std::size_t at_ = 0;
  bool open_ = false;
};

}  // namespace tidelimit::ingest
