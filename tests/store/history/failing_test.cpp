#include <csignal>
#include <fstream>
#include <sys/resource.h>

#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

/// No file may grow beyond `bytes` while this lives: what a full disk looks like to a writer.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before_), 0);
    const rlimit small{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  }
  ~FullDisk() {
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &before_), 0);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

engine::OverrideRecord long_override_of(const std::string& target) {
  engine::OverrideRecord record = override_of(target);
  record.reason.assign(10'000, 'r');
  return record;
}

using FailingTest = HistoryTest;

TEST_F(FailingTest, AFullDiskGivesErrorsAndWritingResumes) {
  const auto history = open();
  ASSERT_TRUE(history->put_override(long_override_of("192.0.2.1")));
  const std::vector<std::string> endpoints(1, std::string(50'000, 'e'));
  {
    const FullDisk full(4096);
    const auto put = history->put_override(long_override_of("192.0.2.2"));
    ASSERT_FALSE(put) << "an override that is not on the disk must not be acknowledged";
    EXPECT_THAT(put.error().message, ::testing::HasSubstr("writing resumes by itself"));
    EXPECT_FALSE(history->put_windows(kStart, kStep, endpoints, {stats(1)}));
    EXPECT_EQ(history->overrides().value().size(), 1U) << "reading goes on";
  }
  EXPECT_EQ(history->overrides().value().size(), 1U) << "what failed is not there later";
  ASSERT_TRUE(history->put_override(long_override_of("192.0.2.3")));
  ASSERT_TRUE(history->put_windows(kStart, kStep, endpoints, {stats(1)}));
  EXPECT_EQ(history->overrides().value().size(), 2U);
}

TEST_F(FailingTest, AFullDiskKeepsNoGateFromStarting) {
  ASSERT_TRUE(open()->put_override(long_override_of("192.0.2.1")));
  std::shared_ptr<SqliteHistory> history;
  {
    const FullDisk full(4096);  // the index of the log has no room either
    history = open();
    EXPECT_EQ(history->overrides().value().size(), 1U) << "what it holds is in force";
    const auto put = history->put_override(long_override_of("192.0.2.2"));
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().code, Code::resource_exhausted);
    EXPECT_THAT(put.error().message, ::testing::HasSubstr("the disk is full"));
    EXPECT_FALSE(history->look_after());
    EXPECT_EQ(history->overrides().value().size(), 1U) << "reading goes on";
  }
  ASSERT_TRUE(history->look_after());
  ASSERT_TRUE(history->put_override(long_override_of("192.0.2.3")));
  EXPECT_EQ(history->overrides().value().size(), 2U);
  history.reset();
  EXPECT_EQ(open()->overrides().value().size(), 2U);
}

TEST_F(FailingTest, AFileThatWasOpenedOnAFullDiskAndIsDeletedIsWrittenAnewToo) {
  ASSERT_TRUE(open()->put_override(long_override_of("192.0.2.1")));
  std::shared_ptr<SqliteHistory> history;
  {
    const FullDisk full(4096);
    history = open();
    std::filesystem::remove(file_);
    EXPECT_FALSE(history->look_after());
  }
  ASSERT_TRUE(history->put_override(long_override_of("192.0.2.2")));
  history.reset();
  EXPECT_EQ(open()->overrides().value().size(), 2U);
}

TEST_F(FailingTest, AStartThatFailedForWantOfRoomIsNoLoss) {
  {
    const FullDisk full(4096);
    EXPECT_FALSE(SqliteHistory::open(file_, {}));
  }
  EXPECT_FALSE(open()->moved_aside());
}

TEST_F(FailingTest, DamageWhileRunningGivesErrorsAndTheNextStartBeginsAfresh) {
  {
    const auto history = open();
    for (int i = 0; i < 3000; ++i) {
      ASSERT_TRUE(history->put_windows(kStart + i * kStep, kStep, {"payment"}, {stats(i)}));
    }
  }
  auto history = open();
  {
    std::fstream out(file_, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(4096);
    out << std::string(std::filesystem::file_size(file_) - 4096, 'x');
  }
  const auto windows = history->windows(kStart, kStep, {"payment"});
  ASSERT_FALSE(windows);
  EXPECT_EQ(windows.error().code, Code::data_loss);
  history.reset();
  EXPECT_TRUE(open()->moved_aside());
}

}  // namespace
}  // namespace tidelimit::store
