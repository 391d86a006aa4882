#include "cli/progress_bar.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

namespace tidelimit::cli {
namespace {

constexpr std::size_t kWidth = 28;
constexpr std::size_t kUsualColumns = 80;
constexpr auto kRepaint = std::chrono::milliseconds{100};
constexpr double kLeastKnown = 0.02;  // before that no time left can be told

std::string time_left(std::chrono::duration<double> passed, double ratio) {
  if (ratio < kLeastKnown) return "";
  const double left = passed.count() * (1.0 - ratio) / ratio;
  return in_clock_form(std::chrono::seconds{static_cast<std::int64_t>(left + 0.5)}) + " left  ";
}

/// Of the terminal now: its window may change.
std::size_t columns() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                           : kUsualColumns;
}

/// At most so many columns (ASCII): in a narrow terminal the bar gives way first, then the words,
/// then the title.
std::string progress_line(std::string_view title, double ratio, std::string_view words,
                          std::size_t most) {
  const std::string figure = fmt::format(" {:3.0f} %  ", 100 * ratio);
  title = title.substr(0, most - std::min(most, figure.size() + 1));
  const std::size_t beside = title.size() + 1 + figure.size() + words.size();
  const std::size_t width = std::min(kWidth, most - std::min(most, beside));
  const auto filled = static_cast<std::size_t>(ratio * static_cast<double>(width));
  std::string line = fmt::format("{} {}{}{}{}", title, std::string(filled, '#'),
                                 std::string(width - filled, '.'), figure, words);
  if (line.size() > most) line.resize(most);
  return line;
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
  // A line that fills the last column is wrapped by some terminals, and then stays.
  const std::string line =
      "\r\x1b[K" + progress_line(title_, ratio, time_left(now - began_, ratio) + std::string(note),
                                 columns() - 1);
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

void ProgressBar::wipe() {
  if (!std::exchange(painted_, false)) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

}  // namespace tidelimit::cli
