#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace tidelimit::cli {

/// One line on standard error that shows how far a command is and how long it will take; nothing
/// where standard error is no terminal.
///   ProgressBar bar("generating");
///   bar.show(0.31, "178,221 requests");   // generating ########...........  31 %  0:12 left
///   178,221
/// Repaints at most ten times a second, no wider than the terminal is. The line is wiped when the
/// bar goes. One thread.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Whether anybody sees it: a caller can spare itself the note.
  [[nodiscard]] bool visible() const { return visible_; }
  void show(double done_ratio, std::string_view note = {});
  void wipe();

 private:
  using Clock = std::chrono::steady_clock;

  std::string title_;
  bool visible_;
  bool painted_ = false;
  Clock::time_point began_;
  Clock::time_point painted_at_{};
};

/// "0:07", "12:40", "3:05:00"
[[nodiscard]] std::string in_clock_form(std::chrono::seconds duration);

}  // namespace tidelimit::cli
