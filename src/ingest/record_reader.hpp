#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "ingest/input_lines.hpp"
#include "ingest/time_guard.hpp"
#include "traffic/request.hpp"

namespace tidelimit::ingest {

/// Pulls requests out of logs, one after the other, in bounded memory:
///   auto reader = RecordReader::open(sources, options);   // opens and recognises the first input
///   traffic::Request request;
///   while (reader->next(request)) { ... }                 // views hold until the next call
///   if (reader->failure()) ...;                           // why it ended, if not at the end
/// Lines that can't be read, and those of a wrong clock (TimeGuard), are counted in report(), never
/// fatal unless options.strict. Input
/// without a single readable line is a failure. One thread.
class RecordReader {
 public:
  /// Failures: an input that can't be opened, is of no known format, or all inputs are empty.
  [[nodiscard]] static Result<RecordReader> open(std::vector<Source> sources, ReadOptions options) {
    auto lines = InputLines::open(std::move(sources), std::move(options));
    if (!lines) return tl::unexpected<Error>(lines.error());
    return RecordReader(*std::move(lines));
  }

  /// Ready windows: nothing for next(), to be read by read_windows().
  [[nodiscard]] bool is_windows() const { return lines_.format().is_windows(); }

  /// The next request. False at the end or on failure. Not to be called on ready windows.
  [[nodiscard]] bool next(traffic::Request& request) {
    if (take_free(request)) return true;
    Line line;
    while (lines_.next(line)) {
      const Unreadable reason =
          line.too_long ? Unreadable::too_long : lines_.format().parser->parse(line.text, request);
      if (reason == Unreadable::none && guard_.passes(request.time)) [[likely]] {
        lines_.accept();
        return true;
      }
      if (reason != Unreadable::none) {
        lines_.refuse(line, reason);
      } else if (hold(request, line); take_free(request)) {
        return true;
      }
    }
    return at_end(request);
  }

  [[nodiscard]] const std::optional<Error>& failure() const { return lines_.failure(); }
  /// Complete once next() has returned false; before that, counts so far (format and bytes of
  /// finished inputs only).
  [[nodiscard]] const ReadReport& report() const { return lines_.report(); }
  /// The lines themselves, for readers of ready windows.
  [[nodiscard]] InputLines& lines() { return lines_; }

 private:
  explicit RecordReader(InputLines lines) : lines_(std::move(lines)) {}

  void hold(const traffic::Request& request, const Line& line);
  bool at_end(traffic::Request& request);
  void take_refused();
  bool take_free(traffic::Request& request) {
    if (guard_.any_refused()) [[unlikely]]
      take_refused();
    if (!guard_.any_free() || lines_.failure()) [[likely]]
      return false;
    request = guard_.take_free();
    lines_.accept_aside();
    return true;
  }

  InputLines lines_;
  TimeGuard guard_;
};

}  // namespace tidelimit::ingest
