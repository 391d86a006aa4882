#include "cli/suggest/route_survey.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tidelimit::cli {
namespace {

std::vector<std::string> matches(const RouteSurvey& survey) {
  std::vector<std::string> found;
  for (const Route& route : survey.routes({"STD"})) found.push_back(route.match);
  return found;
}

void add(RouteSurvey& survey, int times, const std::string& path) {
  for (int i = 0; i < times; ++i) survey.add(path);
}

TEST(RouteSurvey, TakesFirstSegmentsOfAPercentOrMore) {
  RouteSurvey survey;
  add(survey, 500, "/browse/1?page=2");
  add(survey, 240, "/pay%6Dent/card");
  add(survey, 240, "/PAYMENT/card");
  add(survey, 15, "/");
  add(survey, 5, "/rare");
  EXPECT_EQ(matches(survey), (std::vector<std::string>{"/browse/**", "/payment/**", "/"}));
  EXPECT_EQ(survey.routes({"STD"})[2].name, "root");
  EXPECT_EQ(survey.requests(), 1000U);
}

TEST(RouteSurvey, LooksBelowPrefixesThatTellNothing) {
  RouteSurvey survey;
  for (int i = 0; i < 500; ++i) survey.add(fmt::format("/api/v1/orders/{}", i));
  for (int i = 0; i < 300; ++i) survey.add(fmt::format("/api/v1/users/{}/profile", i));
  add(survey, 100, "/api/v2/users/me");
  add(survey, 100, "/health");
  const auto routes = survey.routes({"STD"});
  std::vector<std::string> names;
  for (const Route& route : routes) names.push_back(route.name);
  EXPECT_EQ(matches(survey), (std::vector<std::string>{"/api/v1/orders/**", "/api/v1/users/**",
                                                       "/api/v2/users/**", "/health/**"}));
  EXPECT_EQ(names, (std::vector<std::string>{"orders", "users", "users_", "health"}));
}

TEST(RouteSurvey, TakesNoIdentifierForAName) {
  RouteSurvey survey;
  for (int i = 0; i < 900; ++i) survey.add(fmt::format("/api/{}/x", 4000 + i % 4));
  add(survey, 100, "/other-things");
  EXPECT_EQ(matches(survey), (std::vector<std::string>{"/api/**", "/other-things/**"}));
}

TEST(RouteSurvey, KeepsTheRestOfADividedPrefixBehindItsParts) {
  RouteSurvey survey;
  add(survey, 600, "/api/orders/1");
  add(survey, 300, "/api/users/1");
  for (int i = 0; i < 100; ++i) survey.add(fmt::format("/api/x{}", i));
  EXPECT_EQ(matches(survey),
            (std::vector<std::string>{"/api/orders/**", "/api/users/**", "/api/**"}));
}

TEST(RouteSurvey, NamesNothingAsAConfigurationDoes) {
  RouteSurvey survey;
  add(survey, 50, "/other/1");
  add(survey, 40, "/any");
  add(survey, 30, "/a b\"c");
  add(survey, 20, "/star*/x");
  add(survey, 10, "/std/x");
  survey.add("");
  const auto routes = survey.routes({"std"});
  ASSERT_EQ(routes.size(), 4U);
  EXPECT_EQ(routes[0].name, "other_");
  EXPECT_EQ(routes[1].name, "any_");
  EXPECT_EQ(routes[2].name, "a_b_c");
  EXPECT_EQ(routes[3].name, "std_");
}

}  // namespace
}  // namespace tidelimit::cli
