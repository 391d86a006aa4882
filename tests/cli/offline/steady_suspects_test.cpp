#include "cli/offline/steady_suspects.hpp"

#include <gmock/gmock.h>

namespace tidelimit::cli {
namespace {

using std::chrono::hours;
using testing::HasSubstr;

/// `days` of a log in which one client is found each morning, and another on the second day alone.
SteadySuspects after(int days, const char* steady = "203.0.113.9") {
  SteadySuspects suspects;
  const WallTime start{hours{24 * 20'000}};
  for (int hour = 0; hour < 24 * days; ++hour) {
    suspects.saw(start + hours{hour});
    if (hour % 24 == 9 || hour % 24 == 10)
      suspects.raised(*parse_client(steady), start + hours{hour});
    if (hour / 24 == 1) suspects.raised(*parse_client("198.51.100.7"), start + hours{hour});
  }
  return suspects;
}

TEST(SteadySuspects, AreNamedWithTheLineThatLetsThemPass) {
  const std::string note = after(4).note();
  EXPECT_THAT(note, HasSubstr("- { cidr: 203.0.113.9, reason: ... }  # 8 verdicts on 4 of 4"));
  EXPECT_THAT(note, testing::Not(HasSubstr("198.51.100.7"))) << "an attack of one day";
  EXPECT_THAT(after(4, "2001:db8::9").note(), HasSubstr("cidr: 2001:db8::/64"));
}

TEST(SteadySuspects, AreToldInNoLogOfADayOrTwo) {
  EXPECT_EQ(SteadySuspects().note(), "");
  EXPECT_EQ(after(2).note(), "");
}

}  // namespace
}  // namespace tidelimit::cli
