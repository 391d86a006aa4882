#include "cli/import/converted_limit.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace tidelimit::cli {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::array<Nanos, 4> kPeriods{hours{24}, hours{1}, minutes{1}, seconds{1}};
constexpr std::uint64_t kMostInRate = 1'000'000'000;  // and in a burst
constexpr double kMostBurstDays = 366;                // as the configuration allows

}  // namespace

std::optional<ConvertedLimit> convert(const config::DescriptorLimit& limit) {
  const std::uint64_t count = limit.requests_per_unit;
  const Nanos unit = config::period_of(limit.unit);
  ConvertedLimit converted;
  const auto longest =
      std::find_if(kPeriods.begin(), kPeriods.end(), [&](Nanos period) { return period <= unit; });
  // The longest period in which the rate is a whole number; else a day, rounded down.
  const auto whole = std::find_if(longest, kPeriods.end(), [&](Nanos period) {
    return count % static_cast<std::uint64_t>(unit / period) == 0;
  });
  converted.exact = whole != kPeriods.end();
  const Nanos period = converted.exact ? *whole : *longest;
  converted.rate = {count / static_cast<std::uint64_t>(unit / period), period};
  if (converted.rate.count == 0 || converted.rate.count > kMostInRate) return std::nullopt;
  const auto most =
      static_cast<std::uint64_t>(converted.rate.per_second() * 86400 * kMostBurstDays);
  converted.burst =
      std::min(std::clamp<std::uint64_t>(count, 1, std::max<std::uint64_t>(most, 1)), kMostInRate);
  converted.whole = converted.burst == count;
  return converted;
}

std::string words_of(const std::optional<config::DescriptorLimit>& limit) {
  if (!limit) return "no limit";
  if (limit->unlimited) return "unlimited";
  return fmt::format("{} per {}", limit->requests_per_unit, config::to_string(limit->unit));
}

}  // namespace tidelimit::cli
