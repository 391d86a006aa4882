#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "ingest/byte_stream.hpp"
#include "ingest/format.hpp"
#include "ingest/line_reader.hpp"
#include "ingest/read_report.hpp"

namespace tidelimit::ingest {

struct ReadOptions {
  FormatChoice format;
  bool strict = false;  ///< the first line that can't be read, or an input cut short, ends it all
};

/// The lines of several inputs, each with the format it was recognised to have; and the
/// book-keeping of what could be read. One after the other by next(), or several side by side by
/// open_more(), select() and next_here(). One thread.
class InputLines {
 public:
  /// Opens and recognises the first input that is not empty.
  [[nodiscard]] static Result<InputLines> open(std::vector<Source> sources, ReadOptions options);

  /// The next line. False at the end of all inputs or on failure.
  [[nodiscard]] bool next(Line& line) {
    while (!failure_) {
      if (next_here(line)) [[likely]]
        return true;
      if (failure_ || !open_more()) break;
    }
    if (!failure_) finish();
    return false;
  }

  /// The next line of the current input, its text held until the next call for the same input.
  /// False at its end, when it is closed and none is current, or on failure.
  [[nodiscard]] bool next_here(Line& line);
  /// Opens and recognises the next input that is not empty: the current one from now on. False when
  /// there is none, or on failure.
  [[nodiscard]] bool open_more();
  /// Where inputs are left to open: when the requests of the next one begin (Source::begins).
  [[nodiscard]] std::optional<WallTime> next_begins() const;
  /// Names the current input, and makes a named one current: what is said of a line, and format(),
  /// are about that.
  [[nodiscard]] std::size_t current() const { return current_; }
  void select(std::size_t input);
  /// To be called when all inputs came to their end, and all lines are accounted for or aside.
  void finish();
  [[nodiscard]] std::size_t inputs() const { return sources_.size(); }

  /// The caller says of each line what became of it.
  void accept() { ++report_.requests; }
  void refuse(const Line& line, Unreadable reason);
  /// Or says it later, of a line that it put aside as this.
  [[nodiscard]] UnreadableLine put_aside(const Line& line, Unreadable reason);
  void accept_aside();
  void refuse_aside(UnreadableLine line);

  /// How much later another request was than this one, which came after it.
  void note_late(Nanos by) {
    ++report_.out_of_order;
    report_.out_of_order_worst = std::max(report_.out_of_order_worst, by);
  }
  void note_never_asked() { ++report_.never_asked; }

  [[nodiscard]] const InputFormat& format() const { return open_->format; }
  [[nodiscard]] const std::string& source() const { return sources_[current_].name; }
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  [[nodiscard]] const ReadReport& report() const { return report_; }

 private:
  struct Open {
    Open(std::size_t place, std::unique_ptr<ByteStream> stream)
        : source(place), reader(std::move(stream)) {}
    std::size_t source;
    LineReader reader;
    InputFormat format;
    bool recognised = false;
  };

  explicit InputLines(std::vector<Source> sources, ReadOptions options);
  bool recognise();
  Result<InputFormat> format_of_current();
  void close_current();
  void note_idle_fields();
  bool count_refused(Unreadable reason);
  void show(UnreadableLine line);

  std::vector<Source> sources_;
  ReadOptions options_;
  std::size_t next_ = 0;
  std::size_t current_ = 0;
  std::vector<std::unique_ptr<Open>> opened_;  ///< and not at their end
  Open* open_ = nullptr;                       ///< the current one
  std::string known_beginning_;   ///< of the last input that was recognised by it; empty: none was
  bool windows_ = false;          ///< that one is ready windows
  std::uint64_t aside_ = 0;       ///< lines put aside
  std::vector<bool> fields_met_;  ///< of the names that --field gives: some input has it
  std::string advice_;  ///< of the first line that can't be read, where none was read before it
  ReadReport report_;
  std::optional<Error> failure_;
};

}  // namespace tidelimit::ingest
