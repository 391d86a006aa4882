#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "ingest/byte_stream.hpp"

namespace tidelimit::ingest {

/// The longest line that is kept whole. No server writes longer ones of its own will (nginx stops a
/// request line at 8 KiB, Apache at 8190 bytes, Envoy all headers at 60 KiB); this bounds memory.
inline constexpr std::size_t kMaxLine = 1024 * 1024;

/// What some editors put before a UTF-8 text.
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// What may be read, and ignored, behind the end of a line's text: simdjson loads whole vectors.
inline constexpr std::size_t kLinePadding = 64;

struct Line {
  std::string_view text;     ///< without its line end; kLinePadding bytes behind it may be read
  std::uint64_t number = 0;  ///< from 1
  bool too_long = false;     ///< longer than kMaxLine: `text` is only its beginning
};

/// Cuts a stream into lines at \n or \r\n; the last one needs no line end. Skips a UTF-8 byte order
/// mark and NUL bytes at the start of a line (a log that was truncated while its server went on
/// writing begins with a hole of them). Memory: one buffer of 256 KiB, for longer lines up to twice
/// kMaxLine, whatever the input holds; a preview may ask for more.
class LineReader {
 public:
  explicit LineReader(std::unique_ptr<ByteStream> stream);

  /// The next line; its text holds until the next call. False at the end.
  [[nodiscard]] bool next(Line& line);

  /// From now on a line goes on where a quoted field of values between `separator`s is open at its
  /// end (RFC 4180). One that is still open 1,000 lines or 64 KiB later has lost its closing quote:
  /// it ends with its line.
  void join_quoted(char separator) { separator_ = separator; }

  /// Waits for `size` bytes (or the stream's end) and shows what is there, consuming nothing. To be
  /// called before the first next().
  [[nodiscard]] std::string_view preview(std::size_t size);

  /// Why the stream ended early, where it did. What came before it was delivered.
  [[nodiscard]] const std::optional<Error>& problem() const { return problem_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  bool refill();
  void skip_byte_order_mark();
  void skip_holes();
  void skip_to_line_end();
  std::size_t record_size(std::size_t line_size, std::uint64_t& joined);
  std::size_t find_line_end(std::size_t from);
  void deliver(Line& line, std::size_t end, bool too_long);

  std::unique_ptr<ByteStream> stream_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;  ///< buffer_[begin_, end_) is read and not yet delivered
  std::size_t end_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t bytes_ = 0;
  bool at_end_ = false;
  bool inside_long_line_ = false;
  char separator_ = 0;  ///< of values whose quoted fields may hold line ends; 0: none may
  std::optional<Error> problem_;
};

}  // namespace tidelimit::ingest
