#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "ingest/input_lines.hpp"
#include "ingest/time_guard.hpp"
#include "ingest/time_merge.hpp"
#include "traffic/request.hpp"

namespace tidelimit::ingest {

/// Pulls requests out of logs, one after the other, in bounded memory:
///   auto reader = RecordReader::open(sources, options);   // opens and recognises the first input
///   traffic::Request request;
///   while (reader->next(request)) { ... }                 // views hold until the next call
///   if (reader->failure()) ...;                           // why it ended, if not at the end
/// Several inputs are merged by their times (TimeMerge), if order_by_time() put them in order.
/// Before a line says that tidelimit was asked, none is believed that it was not: so writes a
/// gateway that asks about nothing yet, and its requests are as good as any. Lines that can't be
/// read, and those of a wrong clock (TimeGuard), are counted in report(), never fatal unless
/// options.strict. Input without a single readable line is a failure. One thread.
class RecordReader {
 public:
  /// Failures: an input that can't be opened, is of no known format, or all inputs are empty.
  [[nodiscard]] static Result<RecordReader> open(std::vector<Source> sources, ReadOptions options) {
    auto lines = InputLines::open(std::move(sources), std::move(options));
    if (!lines) return tl::unexpected(lines.error());
    return RecordReader(*std::move(lines));
  }

  /// Ready windows: nothing for next(), to be read by read_windows().
  [[nodiscard]] bool is_windows() const { return is_windows_; }

  /// The next request. False at the end or on failure. Not to be called on ready windows.
  [[nodiscard]] bool next(traffic::Request& request) {
    if (take_free(request)) return true;
    if (merge_) return next_merged(request);
    Line line;
    while (lines_.next(line)) {
      const Unreadable reason =
          line.too_long ? Unreadable::too_long : lines_.format().parser->parse(line.text, request);
      if (reason == Unreadable::none && guard_.passes(request.time)) [[likely]] {
        lines_.accept();
        note(request);
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
  explicit RecordReader(InputLines lines)
      : lines_(std::move(lines)), is_windows_(lines_.format().is_windows()) {
    if (lines_.inputs() > 1) merge_.emplace();
  }

  bool next_merged(traffic::Request& request);
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
    note(request);
    return true;
  }
  /// What is said of a request that goes out, and of its log.
  void note(traffic::Request& request) {
    if (request.time >= latest_) [[likely]]
      latest_ = request.time;
    else
      lines_.note_late(latest_ - request.time);
    if (request.asked != traffic::Asked::unsaid) note_asked(request);
  }
  void note_asked(traffic::Request& request) {
    if (request.asked != traffic::Asked::never)
      asks_ = true;
    else if (asks_)
      lines_.note_never_asked();
    else
      request.asked = traffic::Asked::unsaid;
  }

  InputLines lines_;
  bool is_windows_;
  std::optional<TimeMerge> merge_;  ///< of several inputs
  WallTime latest_ = WallTime::min();
  bool asks_ = false;  ///< a line said that tidelimit was asked
  TimeGuard guard_;
};

}  // namespace tidelimit::ingest
