#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "ingest/byte_stream.hpp"
#include "ingest/format.hpp"
#include "ingest/line_reader.hpp"
#include "ingest/read_report.hpp"

namespace tidelimit::ingest {

struct ReadOptions {
  FormatChoice format;
  bool strict = false;  ///< the first line that can't be read, or an input cut short, ends it all
};

/// The lines of several inputs, one after the other, each with the format it was recognised to
/// have; and the book-keeping of what could be read. One thread.
class InputLines {
 public:
  /// Opens and recognises the first input that is not empty.
  [[nodiscard]] static Result<InputLines> open(std::vector<Source> sources, ReadOptions options);

  /// The next line. False at the end of all inputs or on failure.
  [[nodiscard]] bool next(Line& line);

  /// The caller says of each line what became of it.
  void accept() { ++report_.requests; }
  void refuse(const Line& line, Unreadable reason);
  /// Or says it later, of a line that it put aside as this.
  [[nodiscard]] UnreadableLine put_aside(const Line& line, Unreadable reason);
  void accept_aside();
  void refuse_aside(UnreadableLine line);

  [[nodiscard]] const InputFormat& format() const { return format_; }
  [[nodiscard]] const std::string& source() const { return sources_[current_].name; }
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  [[nodiscard]] const ReadReport& report() const { return report_; }

 private:
  explicit InputLines(std::vector<Source> sources, ReadOptions options);
  bool open_next();
  bool recognise();
  void close_current();
  void finish();
  bool count_refused(Unreadable reason);
  void show(UnreadableLine line);

  std::vector<Source> sources_;
  ReadOptions options_;
  std::size_t next_ = 0;
  std::size_t current_ = 0;
  std::optional<LineReader> reader_;
  InputFormat format_;
  bool recognised_ = false;  ///< some input was; format_ holds the last one's
  std::uint64_t aside_ = 0;  ///< lines put aside
  ReadReport report_;
  std::optional<Error> failure_;
};

}  // namespace tidelimit::ingest
