#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "ingest/csv_row.hpp"
#include "ingest/line_parser.hpp"
#include "ingest/timestamp.hpp"

namespace tidelimit::ingest {

/// What a column (or a JSON field named with --field) holds. In the order of kColumnNames.
enum class Column : std::uint8_t {
  timestamp,
  client_ip,
  user_id,
  user_tier,
  method,
  path,
  status,
  user_agent,
  latency_ms,
  bytes,
  count_,
};
inline constexpr std::size_t kColumns = static_cast<std::size_t>(Column::count_);
inline constexpr std::array<std::string_view, kColumns> kColumnNames = {
    "timestamp", "client_ip", "user_id",    "user_tier",  "method",
    "path",      "status",    "user_agent", "latency_ms", "bytes"};

/// Rows of requests under a header that names its columns: order free, unknown columns ignored,
/// `timestamp`, `client_ip` and `path` required.
class CsvParser final : public LineParser {
 public:
  /// The error names the columns that `header` lacks.
  [[nodiscard]] static Result<std::unique_ptr<CsvParser>> from_header(std::string_view header);

  [[nodiscard]] Unreadable parse(std::string_view line, traffic::Request& out) override;
  [[nodiscard]] std::string_view format() const override { return "csv"; }

 private:
  CsvParser() = default;

  [[nodiscard]] std::string_view field(const std::vector<std::string_view>& row, Column c) const {
    const std::size_t at = position_[static_cast<std::size_t>(c)];
    return at == kAbsent ? std::string_view{} : row[at];
  }

  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

  std::array<std::size_t, kColumns> position_{};  ///< where each column stands in a row
  std::size_t width_ = 0;                         ///< columns of the header
  std::string header_;
  CsvRow row_;
  LogClock clock_;
};

/// "timestamp, client_ip": names for a message.
[[nodiscard]] std::string join_names(const std::vector<std::string_view>& names);

}  // namespace tidelimit::ingest
