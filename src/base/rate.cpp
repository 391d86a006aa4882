#include "base/rate.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.hpp"

namespace tidelimit {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kMostCount = 1'000'000'000;
constexpr std::array<std::pair<std::string_view, Nanos>, 4> kUnits{
    {{"s", seconds{1}}, {"min", minutes{1}}, {"h", hours{1}}, {"d", hours{24}}}};

}  // namespace

Result<Rate> parse_rate(std::string_view text) {
  const auto bad = [&](std::string_view mend) {
    return fail(Code::invalid_argument,
                "\"" + printable(text, 60) + "\" is no rate: " + std::string(mend));
  };
  const auto slash = text.find('/');
  if (slash == text.npos) return bad("name its unit, like 100/min (s, min, h or d)");
  const std::string_view unit = trim(text.substr(slash + 1));
  const auto known = std::find_if(kUnits.begin(), kUnits.end(),
                                  [&](const auto& entry) { return entry.first == unit; });
  if (known == kUnits.end())
    return bad("there is no unit \"" + printable(unit, 20) + "\"; use s, min, h or d");
  const auto count = parse_uint(trim(text.substr(0, slash)));
  if (!count || *count < 1 || *count > kMostCount)
    return bad("its count must be a whole number from 1 to 1000000000, like 100/min");
  return Rate{*count, known->second};
}

std::string format_rate(const Rate& rate) {
  for (const auto& [unit, period] : kUnits) {
    if (rate.period == period) return std::to_string(rate.count) + "/" + std::string(unit);
  }
  return std::to_string(rate.count) + "/" + format_duration(rate.period);
}

std::uint64_t default_burst(const Rate& rate) {
  // Rounded: 10000/d is 6.94 a minute, so 7.
  const double a_minute = rate.per_minute() + 0.5;
  if (a_minute >= static_cast<double>(rate.count)) return rate.count;
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(a_minute));
}

}  // namespace tidelimit
