#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"

namespace tidelimit::serve {

/// The reason phrase of a status.
[[nodiscard]] std::string_view reason_phrase(int status);

/// Our kinds of failure as HTTP statuses: the one place where they are mapped.
[[nodiscard]] int http_status(Code code);

/// Appends a whole number without allocating in between.
inline void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

/// Appends a finite number in its shortest form; null otherwise.
void append_json_number(std::string& out, double number);
/// Appends a quoted, escaped JSON string; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// "Date: Tue, 24 Nov 2026 10:00:00 GMT\r\n", made anew once a second.
class DateLine {
 public:
  [[nodiscard]] std::string_view at(WallTime now);

 private:
  std::int64_t second_ = -1;
  std::string line_;
};

/// An answer as a value, for calls that are not worth writing byte by byte.
struct Response {
  int status = 200;
  std::string body = {};
  std::string_view content_type = "application/json";
  std::string fields = {};                              ///< more header lines, each with its CRLF
  std::shared_ptr<const std::string> shared_body = {};  ///< where set, in place of `body`
};

/// Writes one HTTP/1.x response into a buffer that holds those of a whole pipeline.
///   begin, then any number of fields, then one of the finishes.
class ResponseWriter {
 public:
  struct Context {
    std::string_view date_line;
    bool http_1_1 = true;
    bool keep_alive = true;
    bool head_only = false;  ///< the answer to HEAD: all headers, no body
  };
  ResponseWriter(std::string& out, const Context& context) : out_(out), context_(context) {}

  void begin(int status);
  void field(std::string_view name, std::string_view value);
  /// The buffer, for header lines that are made in place.
  [[nodiscard]] std::string& lines() { return out_; }
  void finish_empty();
  void finish(std::string_view content_type, std::string_view body);

  void send(const Response& response);
  [[nodiscard]] bool begun() const { return status_ != 0; }
  [[nodiscard]] bool keep_alive() const { return context_.keep_alive; }

 private:
  std::string& out_;
  Context context_;
  int status_ = 0;
};

/// {"type":"about:blank","title":…,"status":…,"detail":…} (RFC 9457).
[[nodiscard]] Response problem(int status, std::string_view detail);

}  // namespace tidelimit::serve
