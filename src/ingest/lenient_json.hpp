#pragma once

#include <simdjson.h>
#include <string>
#include <string_view>

namespace tidelimit::ingest {

/// JSON as servers write it. RFC 8259 wants UTF-8 and no bare control byte in a string; nginx
/// (`escape=json`) writes bytes from 0x80 on as they came, so that one byte of a client's would
/// make its line no JSON. A line that is refused for that alone is parsed once more with a
/// character of the private use area (U+E000 + byte) for each such byte, and text() gives the bytes
/// back: the same path or agent that the gate and other logs see. And it knows no largest number,
/// where simdjson does: one beyond 64 bits or a double (1e400) is read as a text of its digits. A
/// line that is JSON of usual numbers costs nothing more.
class LenientJson {
 public:
  /// What `line` says; holds until the next call. kLinePadding bytes behind `line` are read.
  [[nodiscard]] simdjson::simdjson_result<simdjson::dom::element> parse(std::string_view line);

  /// Whether bytes stand replaced in the last document.
  [[nodiscard]] bool replaced() const { return replaced_; }

  /// A text or key of the last document as it stood in the line. The view is `text` itself where
  /// nothing was replaced, else points into `scratch`.
  [[nodiscard]] std::string_view text(std::string_view text, std::string& scratch) const;

 private:
  simdjson::dom::parser parser_;
  std::string replaced_line_;  ///< the line with bytes replaced, and padding behind it
  std::string quoted_line_;    ///< with numbers in quotes, and padding
  bool replaced_ = false;
};

}  // namespace tidelimit::ingest
