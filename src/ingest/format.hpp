#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ingest/csv_parser.hpp"
#include "ingest/json_names.hpp"
#include "ingest/line_parser.hpp"

namespace tidelimit::ingest {

/// The columns of ready windows: `timestamp,endpoint,requests[,error_rate,premium_ratio]`, or
/// `timestamp,value` for a single endpoint. Positions in a row; kAbsent where there is none.
struct WindowColumns {
  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);
  std::size_t timestamp = kAbsent;
  std::size_t endpoint = kAbsent;
  std::size_t requests = kAbsent;
  std::size_t error_rate = kAbsent;
  std::size_t premium_ratio = kAbsent;
  std::size_t width = 0;
  char separator = ',';
  std::string header;
};

/// What the lines of one input are: requests (`parser` reads them), or ready windows (no parser).
struct InputFormat {
  std::unique_ptr<LineParser> parser;
  WindowColumns windows;
  char separator = 0;  ///< between values whose quoted ones may span lines (csv, windows); else 0

  [[nodiscard]] bool is_windows() const { return parser == nullptr; }
};

/// The format that a user asks for, or the way to recognise one.
class FormatChoice {
 public:
  /// `format` is empty (recognise), csv, common, combined, json, w3c, one of kNamedPatterns, or a
  /// pattern with $variables; `fields` are NAME=PATH for JSON and csv. The error names the option
  /// and the mend.
  [[nodiscard]] static Result<FormatChoice> from_options(const std::string& format,
                                                         const std::vector<std::string>& fields);

  /// The names of fields of JSON or columns of csv, as they were given.
  [[nodiscard]] const std::vector<std::string>& fields() const { return fields_; }

  /// Decides by the beginning of an input: the header of a csv, W3C directives, else the format
  /// that reads most of the first lines. Error not_found: no format reads any of them, more lines
  /// may help; any other: the csv header is wrong.
  [[nodiscard]] Result<InputFormat> recognise(std::string_view beginning) const;

 private:
  [[nodiscard]] Result<InputFormat> by_name(std::string_view beginning) const;
  [[nodiscard]] Result<InputFormat> by_content(std::string_view beginning) const;
  [[nodiscard]] std::string unknown(std::string_view beginning) const;

  std::string format_;
  JsonNames names_;
  NamedColumns columns_;
  std::vector<std::string> fields_;
};

}  // namespace tidelimit::ingest
