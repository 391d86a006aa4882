#include "serve/status_log.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sstream>

namespace tidelimit::serve {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;
using testing::StartsWith;

/// What is told between construction and end goes here.
class StatusLogTest : public testing::Test {
 protected:
  StatusLogTest() : before_(spdlog::default_logger()) {
    auto sink = std::make_shared<spdlog::sinks::ostream_sink_st>(text_);
    sink->set_pattern("%v");
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", std::move(sink)));
  }
  ~StatusLogTest() override { spdlog::set_default_logger(before_); }

  void raise(int number) {
    for (int i = 0; i < number; ++i) {
      policy::VerdictRecord verdict;
      verdict.client = client_of(fmt::format("192.0.2.{}", ++raised_ % 256));
      verdict.kind = limiter::VerdictKind::malicious;
      verdict.action = limiter::Action::block;
      verdict.rule = "attacker";
      verdict.until = WallTime{25min};
      verdict.reasons = {"214 requests a minute", "88 % errors", "a third", "a fourth"};
      status_.recent_verdicts.push_back(verdict);
    }
    const auto most = static_cast<std::ptrdiff_t>(engine::kRecentVerdicts);
    auto& recent = status_.recent_verdicts;
    if (std::ssize(recent) > most) recent.erase(recent.begin(), recent.end() - most);
    status_.verdicts_total = {
        {limiter::VerdictKind::malicious, "attacker", static_cast<std::uint64_t>(raised_)}};
  }
  std::vector<std::string> told() {
    log_.tell(status_);
    std::vector<std::string> lines;
    std::istringstream in(text_.str());
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    text_.str({});
    return lines;
  }

  std::shared_ptr<spdlog::logger> before_;
  std::ostringstream text_;
  StatusLog log_;
  engine::Status status_;
  int raised_ = 0;
};

TEST_F(StatusLogTest, TellsEachVerdictOnceWithItsReasons) {
  raise(1);
  EXPECT_THAT(told(), ElementsAre("verdict: 192.0.2.1 malicious, blocked by attacker until "
                                  "1970-01-01T00:25:00Z: 214 requests a minute; 88 % errors; a "
                                  "third"));
  EXPECT_THAT(told(), SizeIs(0));
  raise(2);
  EXPECT_THAT(told(),
              ElementsAre(StartsWith("verdict: 192.0.2.2 "), StartsWith("verdict: 192.0.2.3 ")));
}

TEST_F(StatusLogTest, TellsWhatBecomesOfAVerdict) {
  raise(3);
  auto& all = status_.recent_verdicts;
  all[0].mode = policy::Mode::shadow;
  all[1].action = limiter::Action::limit;
  all[1].limit = Rate{10, 1min};
  all[2].client_name = "evil\nname";
  const auto lines = told();
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], HasSubstr("malicious, only reported by attacker"));
  EXPECT_THAT(lines[1], HasSubstr("malicious, held to 10/min by attacker"));
  EXPECT_THAT(lines[2], StartsWith("verdict: evil\\x0aname "));
}

TEST_F(StatusLogTest, ASwarmOfVerdictsIsCountedBeyondSixtyAMinute) {
  raise(50);
  EXPECT_THAT(told(), SizeIs(50));
  raise(500);
  EXPECT_THAT(told(), SizeIs(10));
  raise(1);
  EXPECT_THAT(told(), SizeIs(0));
  status_.at.mono = Instant{1min};
  EXPECT_THAT(told(), ElementsAre("verdict: and 491 more, by GET /v1/verdicts"));
  raise(1);
  EXPECT_THAT(told(), SizeIs(1));
}

TEST_F(StatusLogTest, TellsWhenSomethingIsDegradedAndWhenItIsWellAgain) {
  status_.degraded = {{"the history can't be written", "disk full"}};
  EXPECT_THAT(told(), ElementsAre("degraded: the history can't be written; disk full"));
  EXPECT_THAT(told(), SizeIs(0));
  status_.degraded.clear();
  EXPECT_THAT(told(), ElementsAre(StartsWith("well again: the history can't be written")));
}

}  // namespace
}  // namespace tidelimit::serve
