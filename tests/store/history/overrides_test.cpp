#include <sqlite3.h>

#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

using OverridesTest = HistoryTest;

engine::OverrideRecord limit_on(const std::string& target) {
  return {.target = target,
          .action = limiter::Action::limit,
          .limit = Rate{10, 1min},
          .reason = "noisy",
          .by = "oncall",
          .made_at = kStart,
          .until = kStart + 1h};
}

/// Lines of the audit as an auditor reads them: with SQLite's own tool, beside the gate.
std::vector<std::string> audit(const std::filesystem::path& file) {
  sqlite3* db = nullptr;
  EXPECT_EQ(sqlite3_open_v2(file.c_str(), &db, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
  std::vector<std::string> lines;
  const auto line = [](void* to, int, char** values, char**) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(values[0]);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(db,
                         "SELECT change || ' ' || target || ' by ' || made_by FROM override_audit "
                         "ORDER BY id",
                         line, &lines, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  return lines;
}

TEST_F(OverridesTest, OutliveTheProcess) {
  auto permanent = limit_on("user/u1");
  permanent.action = limiter::Action::allow;
  permanent.limit.reset();
  permanent.until.reset();
  ASSERT_TRUE(open()->put_override(limit_on("10.0.0.0/8")));
  ASSERT_TRUE(open()->put_override(permanent));
  const auto back = open()->overrides().value();
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].target, "10.0.0.0/8");
  EXPECT_EQ(back[0].action, limiter::Action::limit);
  EXPECT_EQ(back[0].limit, (Rate{10, 1min}));
  EXPECT_EQ(back[0].reason, "noisy");
  EXPECT_EQ(back[0].by, "oncall");
  EXPECT_EQ(back[0].made_at, kStart);
  EXPECT_EQ(back[0].until, kStart + 1h);
  EXPECT_EQ(back[1].target, "user/u1");
  EXPECT_EQ(back[1].action, limiter::Action::allow);
  EXPECT_FALSE(back[1].limit);
  EXPECT_FALSE(back[1].until);
}

TEST_F(OverridesTest, AndLabelsOutliveTheProcess) {
  engine::LabelRecord label{.target = "203.0.113.7",
                            .malicious = true,
                            .reason = "ticket 12",
                            .by = "ops",
                            .made_at = kStart,
                            .until = kStart + 1h};
  ASSERT_TRUE(open()->put_label(label));
  label.target = "2001:db8::/64";
  label.malicious = false;
  label.until.reset();
  ASSERT_TRUE(open()->put_label(label));
  auto back = open()->labels().value();
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].target, "2001:db8::/64");
  EXPECT_FALSE(back[0].malicious);
  EXPECT_FALSE(back[0].until);
  EXPECT_EQ(back[1].target, "203.0.113.7");
  EXPECT_TRUE(back[1].malicious);
  EXPECT_EQ(back[1].reason, "ticket 12");
  EXPECT_EQ(back[1].by, "ops");
  EXPECT_EQ(back[1].made_at, kStart);
  EXPECT_EQ(back[1].until, kStart + 1h);
  ASSERT_TRUE(open()->delete_label("203.0.113.7"));
  EXPECT_EQ(open()->labels().value().size(), 1U);
  EXPECT_EQ(open()->delete_label("203.0.113.7").error().code, Code::not_found);
}

TEST_F(OverridesTest, ReplaceAndLeaveAnAudit) {
  const auto history = open();
  auto record = limit_on("192.0.2.1");
  ASSERT_TRUE(history->put_override(record));
  record.action = limiter::Action::block;
  record.by = "lead";
  ASSERT_TRUE(history->put_override(record));
  ASSERT_EQ(history->overrides().value().size(), 1U);
  EXPECT_EQ(history->overrides().value()[0].action, limiter::Action::block);
  ASSERT_TRUE(history->delete_override("192.0.2.1", "oncall", kStart + 1min));
  EXPECT_TRUE(history->overrides().value().empty());
  EXPECT_THAT(audit(file_), ElementsAre("put 192.0.2.1 by oncall", "put 192.0.2.1 by lead",
                                        "delete 192.0.2.1 by oncall"));
}

TEST_F(OverridesTest, OfNobodyCannotBeDeleted) {
  const auto history = open();
  const auto deleted = history->delete_override("192.0.2.9", "oncall", kStart);
  ASSERT_FALSE(deleted);
  EXPECT_EQ(deleted.error().code, Code::not_found);
  EXPECT_THAT(deleted.error().message, HasSubstr("192.0.2.9"));
  EXPECT_TRUE(audit(file_).empty()) << "what failed left no trace";
}

TEST_F(OverridesTest, EndedOnesGoADayLater) {
  const auto history = open();
  ASSERT_TRUE(history->put_override(limit_on("192.0.2.1")));
  auto later = limit_on("192.0.2.2");
  later.made_at = kStart + 26h;
  later.until = later.made_at + 1h;
  ASSERT_TRUE(history->put_override(later));
  const auto back = history->overrides().value();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].target, "192.0.2.2");
}

TEST_F(OverridesTest, EndedLabelsGoADayLater) {
  const auto history = open();
  const auto label = [&](const std::string& target, WallTime made_at) {
    return history->put_label({.target = target,
                               .malicious = true,
                               .reason = "r",
                               .by = "oncall",
                               .made_at = made_at,
                               .until = made_at + 1h});
  };
  ASSERT_TRUE(label("192.0.2.1", kStart));
  ASSERT_TRUE(label("192.0.2.2", kStart + 24h));
  EXPECT_EQ(history->labels().value().size(), 2U);
  ASSERT_TRUE(label("192.0.2.3", kStart + 26h));
  EXPECT_EQ(history->labels().value().size(), 2U);
}

}  // namespace
}  // namespace tidelimit::store
