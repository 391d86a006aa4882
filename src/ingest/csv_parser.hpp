#pragma once

#include <array>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/text.hpp"
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

/// Other names that columns go by, as --field gives them: "client_ip=Source IP".
struct NamedColumn {
  Column column = Column::count_;
  std::string name;
};
using NamedColumns = std::vector<NamedColumn>;

/// NAME=PATH as --field takes it. The error names the option and the mend.
[[nodiscard]] Result<NamedColumn> parse_field(std::string_view name_and_path);

/// What a name in a header means; count_: nothing. Case is ignored.
[[nodiscard]] Column column_of(std::string_view name, const NamedColumns& others);

/// Rows of requests under a header that names its columns: order free, unknown columns ignored,
/// `timestamp`, `client_ip` and `path` required. A column that `others` names goes before the one
/// with the usual name. A path may be a whole request line ("GET /a HTTP/1.1").
class CsvParser final : public LineParser {
 public:
  /// The error names the columns that `header` lacks: those that are required, and those of
  /// `others` where it names the same by no other name.
  [[nodiscard]] static Result<std::unique_ptr<CsvParser>> from_header(
      std::string_view header, char separator = ',', const NamedColumns& others = {});

  [[nodiscard]] Unreadable parse(std::string_view line, traffic::Request& out) override;
  [[nodiscard]] std::vector<bool> fields_met() const override { return fields_met_; }
  [[nodiscard]] std::string_view format() const override { return "csv"; }
  [[nodiscard]] std::string advice(std::string_view line) override;

 private:
  explicit CsvParser(char separator) : row_(separator) {}
  [[nodiscard]] Result<void> place(const std::vector<std::string_view>& names,
                                   const NamedColumns& others);
  void set_target(std::string_view path, std::string_view method, traffic::Request& out) const;

  [[nodiscard]] std::string_view field(const std::vector<std::string_view>& row, Column c) const {
    const std::size_t at = position_[static_cast<std::size_t>(c)];
    return at == kAbsent ? std::string_view{} : trim(row[at]);
  }

  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);

  std::array<std::size_t, kColumns> position_{};  ///< where each column stands in a row
  std::size_t width_ = 0;                         ///< columns of the header
  std::string header_;
  std::vector<bool> fields_met_;  ///< of `others`, in their order
  CsvRow row_;
  LogClock clock_;
};

/// "timestamp, client_ip": names for a message.
[[nodiscard]] std::string join_names(const std::vector<std::string_view>& names);

}  // namespace tidelimit::ingest
