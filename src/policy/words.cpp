#include "policy/words.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/figures.hpp"

namespace tidelimit::policy {

std::string count_in_words(double count) {
  return grouped(std::max(count, 0.0));
}

std::string percent_in_words(double ratio) {
  return percent(ratio, 0);
}

std::string ratio_in_words(double ratio) {
  return fmt::format("{:.1f}", ratio);
}

std::string span_in_words(Nanos span) {
  if (span == std::chrono::hours{1}) return "hour";
  if (span == std::chrono::hours{24}) return "day";
  return format_duration(span);
}

std::string in_words(const ModeFor& mode) {
  const char* word = limiter::to_string(mode.mode);
  if (mode.mode != Mode::enforce || mode.share == 1) return word;
  return fmt::format("{} {:g} %", word, mode.share * 100);
}

}  // namespace tidelimit::policy
