#include "cli/progress_bar.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

namespace tidelimit::cli {
namespace {

constexpr int kWidth = 28;
constexpr auto kRepaint = std::chrono::milliseconds{100};
constexpr double kLeastKnown = 0.02;  // before that no time left can be told

std::string time_left(std::chrono::duration<double> passed, double ratio) {
  if (ratio < kLeastKnown) return "";
  const double left = passed.count() * (1.0 - ratio) / ratio;
  return in_clock_form(std::chrono::seconds{static_cast<std::int64_t>(left + 0.5)}) + " left  ";
}

}  // namespace

std::string in_clock_form(std::chrono::seconds duration) {
  const auto seconds = duration.count();
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)), visible_(::isatty(STDERR_FILENO) == 1), began_(Clock::now()) {}

ProgressBar::~ProgressBar() {
  wipe();
}

void ProgressBar::show(double done_ratio, std::string_view note) {
  if (!visible_) return;
  const auto now = Clock::now();
  if (painted_ && now - painted_at_ < kRepaint) return;
  painted_ = true;
  painted_at_ = now;
  const double ratio = std::clamp(done_ratio, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(ratio * kWidth);
  const std::string line = fmt::format("\r\x1b[K{} {}{} {:3.0f} %  {}{}", title_,
                                       std::string(filled, '#'), std::string(kWidth - filled, '.'),
                                       100 * ratio, time_left(now - began_, ratio), note);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

void ProgressBar::wipe() {
  if (!std::exchange(painted_, false)) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

}  // namespace tidelimit::cli
