#include "cli/import/pattern.hpp"

#include <gtest/gtest.h>

#include "cli/import/converted_limit.hpp"

namespace tidelimit::cli {
namespace {

TEST(PathPattern, IsAnEndpointsOwnSpelling) {
  EXPECT_EQ(path_pattern("/login"), "/login");
  EXPECT_EQ(path_pattern("/a/"), "/a");
  EXPECT_EQ(path_pattern("/a%2Fb"), "/a/b");
  EXPECT_EQ(path_pattern("/a/*"), "/a/**");
  EXPECT_EQ(path_pattern("/*"), "/**");
  EXPECT_EQ(path_pattern("*"), "/**");
  for (const char* none : {"/a*", "/a/*/b", "*.pdf", "login", "/a?b=1"})
    EXPECT_FALSE(path_pattern(none)) << none;
}

TEST(EndpointName, IsMadeOfThePath) {
  EXPECT_EQ(endpoint_name("/v1/pay/**", "POST"), "v1-pay-post");
  EXPECT_EQ(endpoint_name("/**", ""), "all");
  EXPECT_EQ(endpoint_name("/", ""), "root");
  EXPECT_EQ(endpoint_name("/ü/x y", ""), "x-y");
  EXPECT_LE(endpoint_name("/" + std::string(300, 'a'), "OPTIONS").size(), 64u);
}

struct Conversion {
  std::uint32_t requests;
  config::LimitUnit unit;
  const char* rate;  // empty: none
  std::uint64_t burst;
  bool exact;
};

TEST(ConvertedLimit, TakesTheLongestPeriodThatIsExact) {
  using config::LimitUnit;
  for (const Conversion& each : {
           Conversion{7, LimitUnit::second, "7/s", 7, true},
           Conversion{100, LimitUnit::minute, "100/min", 100, true},
           Conversion{1000, LimitUnit::hour, "1000/h", 1000, true},
           Conversion{5, LimitUnit::day, "5/d", 5, true},
           Conversion{70, LimitUnit::week, "10/d", 70, true},
           Conversion{3000, LimitUnit::month, "100/d", 3000, true},
           Conversion{1000, LimitUnit::month, "33/d", 1000, false},
           Conversion{729, LimitUnit::year, "1/d", 366, false},
           Conversion{29, LimitUnit::month, "", 0, false},
           Conversion{4'000'000'000, LimitUnit::minute, "", 0, false},
           Conversion{4'294'967'295, LimitUnit::year, "11767033/d", 1'000'000'000, false},
       }) {
    config::DescriptorLimit limit;
    limit.requests_per_unit = each.requests;
    limit.unit = each.unit;
    const auto converted = convert(limit);
    ASSERT_EQ(converted.has_value(), *each.rate != '\0') << each.requests;
    if (!converted) continue;
    EXPECT_EQ(format_rate(converted->rate), each.rate);
    EXPECT_EQ(converted->burst, each.burst) << each.rate;
    EXPECT_EQ(converted->exact, each.exact) << each.rate;
  }
}

}  // namespace
}  // namespace tidelimit::cli
