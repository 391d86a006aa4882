#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "traffic/request.hpp"

namespace tidelimit::synthetic {

/// How requests are written: csv with every column of the input format, Apache's combined log
/// (the user as %u), or JSON lines under nginx's names.
enum class RowFormat : std::uint8_t { csv, combined, json };

/// "csv", "combined", "json"; nullopt for others.
[[nodiscard]] std::optional<RowFormat> parse_row_format(std::string_view name);

/// Turns requests into lines. Remembers the text of the last second, which most requests share.
class RowWriter {
 public:
  explicit RowWriter(RowFormat format) : format_(format) {}

  /// The first line of the file; empty for formats without one.
  [[nodiscard]] std::string_view header() const;
  void append(const traffic::Request& request, std::string& out);

 private:
  void append_csv(const traffic::Request& request, std::string& out);
  void append_combined(const traffic::Request& request, std::string& out);
  void append_json(const traffic::Request& request, std::string& out);
  void enter_second(std::int64_t second);

  RowFormat format_;
  std::int64_t second_ = -1;
  std::string second_text_;  ///< "2026-01-05T00:00:00" or "05/Jan/2026:00:00:00"
};

}  // namespace tidelimit::synthetic
