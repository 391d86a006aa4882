#include "cli/report/axis.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <fmt/format.h>

#include "base/figures.hpp"

namespace tidelimit::cli::report {
namespace {

constexpr double kMinute = 60;
constexpr double kHour = 60 * kMinute;
constexpr double kDay = 24 * kHour;
constexpr std::array kTimeSteps{
    1.0,          5.0,          10.0,     30.0,      kMinute,   5 * kMinute, 10 * kMinute,
    15 * kMinute, 30 * kMinute, kHour,    2 * kHour, 3 * kHour, 6 * kHour,   12 * kHour,
    kDay,         2 * kDay,     7 * kDay, 14 * kDay, 30 * kDay, 90 * kDay,   365 * kDay};
constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Civil {
  unsigned day = 1;
  unsigned month = 1;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

Civil civil(double unix_seconds) {
  const auto whole = static_cast<long long>(std::floor(unix_seconds));
  const std::chrono::sys_seconds time{std::chrono::seconds{whole}};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{midnight};
  const auto of_day = static_cast<int>((time - midnight).count());
  return {static_cast<unsigned>(date.day()), static_cast<unsigned>(date.month()), of_day / 3600,
          of_day / 60 % 60, of_day % 60};
}

std::string date_of(const Civil& c) {
  return fmt::format("{} {}", c.day, kMonths[c.month - 1]);
}

std::string tick_label(double at, double step) {
  const Civil c = civil(at);
  if (step >= kDay || (c.hour == 0 && c.minute == 0 && c.second == 0)) return date_of(c);
  if (step < kMinute) return fmt::format("{:02}:{:02}:{:02}", c.hour, c.minute, c.second);
  return fmt::format("{:02}:{:02}", c.hour, c.minute);
}

}  // namespace

std::vector<Tick> number_ticks(double high, int wanted) {
  if (!(high > 0) || !std::isfinite(high)) high = 1;
  const double rough = high / std::max(1, wanted);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.999) {
      step = factor * power;
      break;
    }
  }
  std::vector<Tick> ticks;
  for (int i = 0; i == 0 || ticks.back().at < high * 0.999; ++i) {
    ticks.push_back({i * step, short_number(i * step)});
  }
  return ticks;
}

std::vector<Tick> time_ticks(double from, double until, int wanted) {
  const double rough = (until - from) / std::max(1, wanted);
  double step = kTimeSteps.back();
  for (const double candidate : kTimeSteps) {
    if (candidate >= rough) {
      step = candidate;
      break;
    }
  }
  std::vector<Tick> ticks;
  for (double at = std::ceil(from / step) * step; at <= until; at += step) {
    ticks.push_back({at, tick_label(at, step)});
  }
  return ticks;
}

std::string short_number(double number) {
  constexpr double kRoundsUp = 0.9995;  // three digits of it, and what is above, are 1e+03
  const double size = std::abs(number);
  if (size >= kRoundsUp * 1e9) return fmt::format("{:.3g} G", number / 1e9);
  if (size >= kRoundsUp * 1e6) return fmt::format("{:.3g} M", number / 1e6);
  if (size >= 1e4) return fmt::format("{:.3g} k", number / 1e3);
  if (size >= kRoundsUp * 1e3) return grouped(number);
  return fmt::format("{:.3g}", number);
}

std::string short_time(double unix_seconds) {
  const Civil c = civil(unix_seconds);
  std::string text = fmt::format("{} {:02}:{:02}", date_of(c), c.hour, c.minute);
  if (c.second != 0) text += fmt::format(":{:02}", c.second);
  return text;
}

}  // namespace tidelimit::cli::report
