#include "serve/admin/desk.hpp"

#include <gtest/gtest.h>

namespace tidelimit::serve {
namespace {

auto route(std::string_view method, std::string_view target) {
  return find_route(method, split_path(target), target);
}

TEST(Desk, SplitsAndDecodesPaths) {
  EXPECT_EQ(split_path("/v1/overrides/user/a%2Fb?x=/y"),
            (std::vector<std::string>{"v1", "overrides", "user", "a/b"}));
  EXPECT_TRUE(split_path("/").empty());
  EXPECT_EQ(split_path("//v1//plan/"), (std::vector<std::string>{"v1", "plan"}));
}

TEST(Desk, WhatNamesClientsOrChangesThingsIsGuarded) {
  for (const char* target :
       {"/v1/verdicts", "/v1/clients/203.0.113.7", "/v1/decisions?user=1", "/v1/overrides",
        "/v1/overrides/10.0.0.0/8", "/v1/labels", "/v1/labels/203.0.113.7"}) {
    ASSERT_TRUE(route("GET", target)) << target;
    EXPECT_EQ(route("GET", target)->access, Access::guarded) << target;
  }
  EXPECT_EQ(route("PUT", "/v1/overrides/user/7")->access, Access::guarded);
  EXPECT_EQ(route("DELETE", "/v1/overrides/user/7")->access, Access::guarded);
  EXPECT_EQ(route("PUT", "/v1/labels/203.0.113.7")->access, Access::guarded);
  EXPECT_EQ(route("DELETE", "/v1/labels/203.0.113.7")->access, Access::guarded);
  EXPECT_EQ(route("PUT", "/v1/mode")->access, Access::guarded);
  EXPECT_EQ(route("PUT", "/v1/models")->access, Access::guarded);
  for (const char* target : {"/v1/plan", "/v1/forecasts", "/v1/history", "/v1/mode", "/v1/models",
                             "/v1/models/traffic", "/v1/models/anomaly/versions/1/metadata"})
    EXPECT_EQ(route("GET", target)->access, Access::read) << target;
  for (const char* target : {"/", "/metrics", "/readyz"})
    EXPECT_EQ(route("GET", target)->access, Access::open) << target;
}

TEST(Desk, TheModeSwitchWorksWhileTheControlPlaneHangs) {
  EXPECT_EQ(route("PUT", "/v1/mode")->lane, LaneKind::orders) << "nor behind what anyone may ask";
  EXPECT_EQ(route("PUT", "/v1/signals/cpu")->lane, LaneKind::orders);
  EXPECT_EQ(route("GET", "/metrics")->lane, LaneKind::status);
  EXPECT_EQ(route("GET", "/readyz")->lane, LaneKind::status);
  EXPECT_EQ(route("GET", "/v1/plan")->lane, LaneKind::status);
}

TEST(Desk, NoReadingKeepsWhatIsSetByHandWaiting) {
  for (const char* target : {"/v1/overrides/1.2.3.4", "/v1/labels/1.2.3.4"}) {
    EXPECT_EQ(route("PUT", target)->lane, LaneKind::changes);
    EXPECT_EQ(route("DELETE", target)->lane, LaneKind::changes);
    EXPECT_EQ(route("GET", target)->lane, LaneKind::admin);
  }
  EXPECT_EQ(route("GET", "/v1/history")->lane, LaneKind::admin);
}

TEST(Desk, SaysWhichCallsAndMethodsThereAre) {
  const auto unknown = route("GET", "/v1/plans");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().status, 404);
  EXPECT_NE(unknown.error().detail.find("/v1/plan"), std::string::npos);
  const auto wrong = route("POST", "/v1/overrides/1.2.3.4");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().status, 405);
  EXPECT_EQ(wrong.error().allow, "GET, PUT, DELETE");
  EXPECT_TRUE(route("HEAD", "/v1/plan"));
  EXPECT_FALSE(route("GET", "/v1/clients"));
}

TEST(Desk, AFilterThatIsMisspeltIsRefused) {
  EXPECT_TRUE(route("GET", "/v1/decisions?user=7&since=1h#top"));
  EXPECT_TRUE(route("GET", "/v1/decisions?"));
  const auto misspelt = route("GET", "/v1/decisions?user=7&clinet=192.0.2.1");
  ASSERT_FALSE(misspelt);
  EXPECT_EQ(misspelt.error().status, 400);
  EXPECT_EQ(misspelt.error().detail,
            "unknown parameter \"clinet\"; there are: id user client since");
  ASSERT_FALSE(route("GET", "/v1/verdicts?client=192.0.2.1"));
  EXPECT_EQ(route("GET", "/v1/verdicts?client=192.0.2.1").error().detail,
            "unknown parameter \"client\"; this call takes none");
  for (const char* call : {"/v1/mode", "/v1/modes", "/v1/models", "/v1/configs",
                           "/v1/clients/192.0.2.1", "/v1/overrides/192.0.2.1"})
    EXPECT_FALSE(route("GET", std::string(call) + "?since=1h")) << call;
  EXPECT_FALSE(route("PUT", "/v1/overrides/192.0.2.1?for=1h"));
  // What is asked by machines that add parameters of their own.
  EXPECT_TRUE(route("GET", "/metrics?nocache=1"));
  EXPECT_TRUE(route("GET", "/readyz?verbose"));
}

TEST(Desk, OnlyPredictTakesLargeBodies) {
  EXPECT_EQ(desk_body_limit("POST", "/v1/models/traffic:predict"), kMostDeskBody);
  EXPECT_EQ(desk_body_limit("POST", "/v1/models/traffic/versions/7:predict"), kMostDeskBody);
  for (const auto& [method, target] : {std::pair{"PUT", "/v1/overrides/1.2.3.4"},
                                       {"PUT", "/v1/configs/a?b=:predict"},
                                       {"PUT", "/v1/models/traffic:predict"},
                                       {"POST", "/v1/models/traffic:predictor"},
                                       {"POST", "/x:predict"},
                                       {"POST", "/v1/models/traffic?x=:predict"}})
    EXPECT_EQ(desk_body_limit(method, target), 64u << 10) << target;
  EXPECT_EQ(desk_body_limit("GET", "/readyz?:predict"), 4u << 10);
}

}  // namespace
}  // namespace tidelimit::serve
