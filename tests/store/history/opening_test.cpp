#include <csignal>
#include <fstream>
#include <map>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class OpeningTest : public FileTest {
 protected:
  [[nodiscard]] Error refusal() const {
    const auto opened = SqliteHistory::open(file_, {});
    return opened ? Error{Code::internal, "it was opened"} : opened.error();
  }
};

TEST_F(OpeningTest, MakesFileAndFolderForTheOwnerAlone) {
  file_ = folder_ / "var/lib/state.db";
  const auto history = open();
  EXPECT_FALSE(history->moved_aside());
  struct stat about {};
  ASSERT_EQ(::stat(file_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
}

TEST_F(OpeningTest, RefusesAFileThatIsNoDatabaseAndLeavesItAlone) {
  const std::string letter = "Dear all,\n" + std::string(5000, 'x');
  put(letter);
  const auto error = refusal();
  EXPECT_EQ(error.code, Code::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr(file_.string() + ": not a tidelimit history"));
  EXPECT_THAT(error.message, HasSubstr("name another `state`"));
  EXPECT_EQ(bytes(), letter);
}

TEST_F(OpeningTest, RefusesAnotherProgramsDatabaseAndLeavesItAlone) {
  script("CREATE TABLE invoices (n INTEGER)");
  EXPECT_THAT(refusal().message, HasSubstr("a SQLite file of another program"));
  script("INSERT INTO invoices VALUES (1)");
}

TEST_F(OpeningTest, RefusesALayoutOfTheFuture) {
  static_cast<void>(open());
  script("PRAGMA user_version = 99");
  const auto error = refusal();
  EXPECT_EQ(error.code, Code::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr("written by a newer tidelimit (version 99"));
}

TEST_F(OpeningTest, TakesUpTheOpenWindowOfTheLayoutBefore) {
  static_cast<void>(open());
  // As version 5 had it: one window, with a word on whether it was listened to.
  script(R"(
    ALTER TABLE plan_changes DROP COLUMN of;
    DROP TABLE open_window;
    CREATE TABLE open_window (
      start INTEGER NOT NULL, step INTEGER NOT NULL, endpoint TEXT NOT NULL,
      requests REAL NOT NULL, premium REAL NOT NULL, errors REAL NOT NULL, responses REAL NOT NULL,
      latency_ms_sum REAL NOT NULL, malicious REAL NOT NULL, late REAL NOT NULL,
      observed INTEGER NOT NULL,
      PRIMARY KEY (start, step, endpoint)
    ) WITHOUT ROWID;
    INSERT INTO open_window VALUES
      (1764000000000000000, 900000000000, 'browse', 5, 0, 0, 0, 0, 0, 0, 1),
      (1764000000000000000, 900000000000, 'payment', 7, 0, 0, 0, 0, 0, 0, 0);
    ALTER TABLE configurations DROP COLUMN before;
    ALTER TABLE verdicts DROP COLUMN withheld;
    ALTER TABLE decisions DROP COLUMN repeats;
    DROP TABLE user_name_key;
    DROP TABLE plan_standing;
    ALTER TABLE verdicts DROP COLUMN source; DROP TABLE window_lengths;
    PRAGMA user_version = 5)");
  const auto saved = open()->open_windows(kStep).value();
  ASSERT_EQ(saved.so_far.size(), 1U);
  EXPECT_EQ(saved.so_far.stats[0][0].requests, 5);
  EXPECT_EQ(saved.so_far.stats[1][0].requests, 7);
  EXPECT_EQ(saved.missed[0][0], 0s);
  EXPECT_EQ(saved.missed[1][0], kStep);
  EXPECT_EQ(saved.as_of, saved.so_far.start + kStep) << "what has passed since is forgiven";
}

TEST_F(OpeningTest, KnowsWhyTheLayoutBeforeOnlyReportedAVerdict) {
  using policy::Withheld;
  policy::VerdictRecord office;
  office.client = client_of("192.0.2.1");
  office.mode = limiter::Mode::shadow;
  office.reasons = {"214 requests a minute", "not enforced: over 50 users behind it"};
  office.from = kStart;
  office.until = kStart + 15min;
  auto beyond = office;
  beyond.client = client_of("192.0.2.2");
  beyond.reasons.back() = "not enforced: the budget of new verdicts is spent";
  auto shadowed = office;
  shadowed.client = client_of("192.0.2.3");
  shadowed.reasons.pop_back();
  ASSERT_TRUE(open()->put_verdicts({office, beyond, shadowed}));
  script(
      "ALTER TABLE verdicts DROP COLUMN withheld; ALTER TABLE plan_changes DROP COLUMN of; "
      "ALTER TABLE decisions DROP COLUMN repeats; DROP TABLE user_name_key; "
      "DROP TABLE plan_standing; ALTER TABLE verdicts DROP COLUMN source; DROP TABLE "
      "window_lengths; "
      "PRAGMA user_version = 7");
  std::map<std::uint64_t, Withheld> found;
  const auto records = open()->verdicts(kStart);
  ASSERT_TRUE(records);
  for (const auto& record : *records) found[record.client.lo] = record.withheld;
  EXPECT_EQ(found.at(office.client.lo), Withheld::protection);
  EXPECT_EQ(found.at(beyond.client.lo), Withheld::budget);
  EXPECT_EQ(found.at(shadowed.client.lo), Withheld::no);
}

TEST_F(OpeningTest, KnowsWhereLimitsStandByTheChangesOfTheLayoutBefore) {
  const auto change = [](double before, double after) {
    return policy::PlanChange{.time = kStart,
                              .endpoint = "browse",
                              .tier = "STD",
                              .before_scale = before,
                              .after_scale = after,
                              .rule = "busy",
                              .cause = "cpu"};
  };
  ASSERT_TRUE(open()->put_plan_changes({change(1, 0.5), change(0.5, 0.25), change(0.25, 0.6)}));
  script(
      "DROP TABLE plan_standing; ALTER TABLE verdicts DROP COLUMN source; DROP TABLE "
      "window_lengths; PRAGMA user_version = "
      "10");
  const auto standing = open()->plan_standing().value();
  ASSERT_EQ(standing.size(), 2U);
  EXPECT_EQ(standing[0].after_scale, 0.25) << "the last that tightened";
  EXPECT_EQ(standing[1].after_scale, 0.6) << "and the last";
}

TEST_F(OpeningTest, NoKindOfRecordIsTakenForDamage) {
  {
    const auto history = open();
    policy::PlanChange change;
    change.time = kStart;
    change.endpoint = "browse";
    change.after_scale = 0.5;
    policy::VerdictRecord verdict;
    verdict.rule = "attacker";
    verdict.from = verdict.until = kStart;
    engine::DecisionRecord decision;
    decision.time = kStart;
    decision.outcome = "shadow_deny";
    forecast::EndpointForecast forecast;
    forecast.made_at = kStart;
    EXPECT_TRUE(history->put_plan_changes({change}));
    EXPECT_TRUE(history->put_verdicts({verdict}));
    EXPECT_TRUE(history->put_decisions({decision}));
    EXPECT_TRUE(history->put_forecasts({forecast}));
    EXPECT_TRUE(history->put_windows(kStart, kStep, {"browse"}, {stats(1)}));
    EXPECT_TRUE(history->put_open_windows(open_window(kStart + kStep, {"browse"}, {stats(2)})));
    EXPECT_TRUE(history->put_override(override_of("192.0.2.1")));
    EXPECT_TRUE(history->put_label({.target = "192.0.2.7",
                                    .malicious = true,
                                    .reason = "r",
                                    .by = "ann",
                                    .made_at = kStart,
                                    .until = {}}));
    EXPECT_TRUE(history->put_modes({{"rules", {}, "r", "ann", kStart, {}}}));
    EXPECT_TRUE(history->put_configuration({"abc", "text", kStart, kStart}));
    const engine::ConfigurationHold hold{"abc", "def", "r", "ann", kStart};
    EXPECT_TRUE(history->put_hold(&hold));
  }
  EXPECT_FALSE(open()->moved_aside());
}

TEST_F(OpeningTest, RefusesAFolderInItsPlace) {
  fs::create_directory(file_);
  EXPECT_THAT(refusal().message, HasSubstr("not a regular file"));
}

TEST_F(OpeningTest, RefusesAPlaceItCannotWrite) {
  file_ = "/proc/tidelimit/state.db";
  EXPECT_THAT(refusal().message, HasSubstr("/proc/tidelimit"));
  std::ofstream(folder_ / "plain") << "x";
  file_ = folder_ / "plain/state.db";
  EXPECT_THAT(refusal().message, HasSubstr("plain"));
}

TEST_F(OpeningTest, RefusesASecondGateOnTheSameFile) {
  const auto first = open();
  const auto error = refusal();
  EXPECT_EQ(error.code, Code::failed_precondition);
  EXPECT_THAT(error.message, HasSubstr("held by another running tidelimit"));
}

TEST_F(OpeningTest, ALinkIsTheFileThatItLeadsTo) {
  const fs::path target = folder_ / "disk/state.db";
  const fs::path link = file_;
  file_ = target;
  static_cast<void>(open());
  fs::create_symlink(target, link);
  file_ = link;
  const auto history = open();
  file_ = target;
  EXPECT_THAT(refusal().message, HasSubstr("held by another running tidelimit"));
  ASSERT_TRUE(history->put_override(override_of("10.0.0.0/8")));
  fs::remove(target);
  ASSERT_TRUE(history->look_after());
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_TRUE(fs::is_regular_file(target));
  EXPECT_EQ(history->overrides().value().size(), 1U);
}

TEST_F(OpeningTest, MovesADamagedHistoryAsideAndKeepsItsOverrides) {
  {
    const auto history = open();
    ASSERT_TRUE(history->put_override(override_of("10.0.0.0/8")));
    for (int i = 0; i < 3000; ++i) {
      ASSERT_TRUE(history->put_windows(kStart + i * kStep, kStep, {"payment"}, {stats(i)}));
    }
  }
  // The last half is overwritten, as a failing disk would; the overrides live near the front.
  const auto size = fs::file_size(file_);
  {
    std::fstream out(file_, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(size / 2));
    out << std::string(size - size / 2, 'x');
  }
  const auto damaged = bytes();
  const auto history = open();
  ASSERT_TRUE(history->moved_aside());
  EXPECT_THAT(history->moved_aside()->string(), HasSubstr(file_.string() + ".corrupt-"));
  std::ifstream aside(*history->moved_aside(), std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(aside), {}), damaged);
  EXPECT_EQ(history->windows(kStart, kStep, {"payment"}).value().size(), 0U);
  ASSERT_EQ(history->overrides().value().size(), 1U);
  EXPECT_EQ(history->overrides().value()[0].target, "10.0.0.0/8");
  EXPECT_TRUE(history->put_windows(kStart, kStep, {"payment"}, {stats(1)}));
}

TEST_F(OpeningTest, BeginsAfreshOnAFileOfZeros) {
  put(std::string(8192, '\0'));
  EXPECT_TRUE(open()->moved_aside());
  EXPECT_FALSE(open()->moved_aside());
}

TEST_F(OpeningTest, AFileThatLostAllIsNoFirstStart) {
  static_cast<void>(open());
  put("");
  {
    const auto history = open();
    ASSERT_TRUE(history->moved_aside());
    EXPECT_THAT(history->notice(), HasSubstr("may be lost"));
    EXPECT_TRUE(history->put_override(override_of("10.0.0.0/8")));
  }
  EXPECT_FALSE(open()->moved_aside());
}

TEST_F(OpeningTest, AnEmptyFileThatNoGateHadIsAFirstStart) {
  put("");
  EXPECT_FALSE(open()->moved_aside());
}

TEST_F(OpeningTest, AFileThatIsDeletedUnderItIsWrittenAnewWithAllThatItHeld) {
  {
    const auto history = open();
    ASSERT_TRUE(history->put_override(override_of("10.0.0.0/8")));
    ASSERT_TRUE(history->put_windows(kStart, kStep, {"payment"}, {stats(5)}));
    fs::remove_all(folder_.path());
    ASSERT_TRUE(history->look_after());
    EXPECT_THAT(history->notice(), HasSubstr("was deleted while in use"));
    EXPECT_THAT(refusal().message, HasSubstr("held by another running tidelimit"));
    // And without the look of a turn before.
    for (const char* end : {"", "-wal", "-shm", ".lock"}) fs::remove(file_.string() + end);
    ASSERT_TRUE(history->put_override(override_of("192.0.2.1")));
    EXPECT_EQ(history->overrides().value().size(), 2U);
    struct stat about {};
    ASSERT_EQ(::stat(file_.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600U);
  }
  const auto history = open();
  EXPECT_EQ(history->notice(), "");
  EXPECT_EQ(history->overrides().value().size(), 2U);
  EXPECT_EQ(history->windows(kStart, kStep, {"payment"}).value().stats[0][0].requests, 5);
}

TEST_F(OpeningTest, WhereAnotherStandsInItsPlaceNothingIsAcknowledged) {
  const auto history = open();
  ASSERT_TRUE(history->put_override(override_of("10.0.0.0/8")));
  fs::rename(file_, folder_ / "kept");
  put("another");
  const auto made = history->put_override(override_of("192.0.2.1"));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::resource_exhausted);
  EXPECT_THAT(made.error().message, HasSubstr("another file stands in its place"));
  EXPECT_FALSE(history->look_after());
  EXPECT_EQ(bytes(), "another");
  // Moved away, the one in use is written anew.
  fs::remove(file_);
  const auto again = history->put_override(override_of("192.0.2.1"));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(history->overrides().value().size(), 2U);
}

TEST_F(OpeningTest, ASecondGateOnADeletedLockStopsTheWriting) {
  const auto first = open();
  for (const char* end : {"", "-wal", "-shm", ".lock"}) fs::remove(file_.string() + end);
  const auto second = open();
  const auto made = first->put_override(override_of("192.0.2.1"));
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("held by another running tidelimit"));
  EXPECT_TRUE(second->put_override(override_of("192.0.2.1")));
}

TEST_F(OpeningTest, NothingAcknowledgedIsLostWhenKilled) {
  int acknowledged[2];
  ASSERT_EQ(::pipe(acknowledged), 0);
  const auto child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto history = open();
    for (int i = 0;; ++i) {
      const bool put = history->put_windows(kStart + i * kStep, kStep, {"payment"}, {stats(i)}) &&
                       history->put_override(override_of("user/" + std::to_string(i)));
      if (!put || ::write(acknowledged[1], &i, sizeof i) != sizeof i) ::_exit(1);
    }
  }
  int last = 0;
  while (last < 200) ASSERT_EQ(::read(acknowledged[0], &last, sizeof last), int{sizeof last});
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(acknowledged[1]);
  for (int more = 0; ::read(acknowledged[0], &more, sizeof more) > 0;) last = more;
  ::close(acknowledged[0]);

  const auto history = open();
  EXPECT_FALSE(history->moved_aside());
  const auto grid = history->windows(kStart, kStep, {"payment"}).value();
  ASSERT_GT(grid.size(), static_cast<std::size_t>(last));
  for (std::size_t i = 0; i <= static_cast<std::size_t>(last); ++i) {
    EXPECT_EQ(grid.stats[0][i].requests, static_cast<double>(i));
  }
  EXPECT_GT(history->overrides().value().size(), static_cast<std::size_t>(last));
}

}  // namespace
}  // namespace tidelimit::store
