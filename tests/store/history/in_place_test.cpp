#include <fstream>

#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

/// What somebody does to the file of a gate that runs, past SQLite.
class WrittenOverTest : public FileTest {
 protected:
  [[nodiscard]] std::vector<fs::path> aside() const {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(folder_.path()))
      if (entry.path().string().find(".overwritten-") != std::string::npos)
        found.push_back(entry.path());
    return found;
  }
  /// Nothing is acknowledged, and what is in force is in a fresh file after begin_anew().
  void expect_begun_anew(SqliteHistory& history) {
    const auto made = history.put_override(override_of("192.0.2.1"));
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::resource_exhausted);
    EXPECT_THAT(made.error().message, HasSubstr("cut or written over while in use"));
    EXPECT_FALSE(history.look_after());
    EXPECT_TRUE(history.overwritten());

    engine::InForce known;
    known.overrides = {override_of("10.0.0.0/8")};
    known.labels = {{.target = "192.0.2.7",
                     .malicious = true,
                     .reason = "r",
                     .by = "ann",
                     .made_at = kStart,
                     .until = {}}};
    known.modes = {{"rules", policy::ModeFor{limiter::Mode::shadow}, "r", "ann", kStart, {}}};
    known.closed = {kStart, kStep, {"payment"}, {{stats(5)}}};
    const auto begun = history.begin_anew(known);
    ASSERT_TRUE(begun) << begun.error().message;
    EXPECT_FALSE(history.overwritten());
    EXPECT_TRUE(history.look_after());
    EXPECT_THAT(history.notice(), HasSubstr("cut or written over while in use"));
    EXPECT_TRUE(history.put_override(override_of("192.0.2.1")));
  }
  void expect_all_there(SqliteHistory& history) {
    EXPECT_EQ(history.overrides().value().size(), 2U);
    EXPECT_EQ(history.labels().value().size(), 1U);
    EXPECT_EQ(history.modes().value().size(), 1U);
    EXPECT_EQ(history.windows(kStart, kStep, {"payment"}).value().stats[0][0].requests, 5);
  }
};

TEST_F(WrittenOverTest, AFileThatIsCutIsBegunAnewWithWhatIsInForce) {
  SipKey key;
  {
    const auto history = open();
    key = history->user_name_key();
    ASSERT_TRUE(history->put_override(override_of("10.0.0.0/8")));
    put("");
    expect_begun_anew(*history);
    expect_all_there(*history);
    ASSERT_EQ(aside().size(), 1U);
    EXPECT_EQ(fs::file_size(aside()[0]), 0U) << "nothing of the log went into it";
  }
  const auto history = open();
  EXPECT_FALSE(history->moved_aside());
  expect_all_there(*history);
  EXPECT_EQ(history->user_name_key().k0, key.k0) << "decisions kept since know users by it";
}

TEST_F(WrittenOverTest, SoIsOneThatABackupWasCopiedInto) {
  std::string backup;
  {
    const auto other = open();
    ASSERT_TRUE(other->put_override(override_of("203.0.113.9")));
  }
  backup = bytes();
  fs::remove(file_);
  {
    const auto history = open();
    ASSERT_TRUE(history->put_override(override_of("10.0.0.0/8")));
    put(backup);
    expect_begun_anew(*history);
    std::ifstream kept(aside().at(0), std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(kept), {}), backup);
  }
  expect_all_there(*open());
}

TEST_F(WrittenOverTest, SoIsOneWhoseLogWasDeleted) {
  {
    const auto history = open();
    ASSERT_TRUE(history->put_override(override_of("10.0.0.0/8")));
    fs::remove(file_.string() + "-wal");
    expect_begun_anew(*history);
  }
  expect_all_there(*open());
}

TEST_F(WrittenOverTest, WhatAnotherSqliteProgramWritesIsNone) {
  {
    const auto history = open();
    ASSERT_TRUE(history->put_override(override_of("10.0.0.0/8")));
    for (const char* sql :
         {"PRAGMA wal_checkpoint(PASSIVE)", "DELETE FROM labels", "PRAGMA wal_checkpoint(TRUNCATE)",
          "UPDATE overrides SET reason = 'another'; PRAGMA wal_checkpoint(RESTART)",
          "VACUUM; PRAGMA wal_checkpoint(FULL)"}) {
      script(sql);
      EXPECT_TRUE(history->look_after()) << sql;
      EXPECT_TRUE(history->put_override(override_of("192.0.2.1"))) << sql;
    }
    EXPECT_FALSE(history->overwritten());
    EXPECT_EQ(history->notice(), "");
  }
  EXPECT_EQ(open()->overrides().value().size(), 2U);
}

TEST_F(WrittenOverTest, NorWhatThisOneFoldsIntoTheFile) {
  const auto history = open();
  const std::vector<std::string> endpoints(1, std::string(50'000, 'e'));
  for (int i = 0; i < 300; ++i)
    ASSERT_TRUE(history->put_windows(kStart + i * kStep, kStep, endpoints, {stats(1)})) << i;
  EXPECT_GT(fs::file_size(file_), 1'000'000U);
}

}  // namespace
}  // namespace tidelimit::store
