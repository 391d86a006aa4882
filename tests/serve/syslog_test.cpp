#include "serve/syslog.hpp"

#include <gtest/gtest.h>

#include "serve/host_cpu.hpp"

namespace tidelimit::serve {
namespace {

TEST(SyslogMessage, CutsTheHeadersThatSendersWrite) {
  constexpr const char* kLine = R"(203.0.113.7 - - [24/Nov/2026:10:00:00 +0000] "GET /a: b" 200 5)";
  const std::string line = kLine;
  EXPECT_EQ(syslog_message("<190>Nov 24 10:00:00 web-1 nginx: " + line), line);
  EXPECT_EQ(syslog_message("<190>Nov 24 10:00:00 nginx: " + line), line);
  EXPECT_EQ(syslog_message("<190>Nov  4 10:00:00 nginx: " + line + "\n"), line);
  EXPECT_EQ(syslog_message("<134>1 2026-11-24T10:00:00Z web haproxy 7 - - " + line), line);
  EXPECT_EQ(syslog_message(R"(<134>1 - web app 7 id [a@1 b="]" c="\""][d e="f"] )" + line), line);
  EXPECT_EQ(syslog_message(line + "\r\n"), line);
  EXPECT_EQ(syslog_message("<190>" + line), line);
}

TEST(SyslogMessage, SurvivesGarbage) {
  EXPECT_EQ(syslog_message(""), "");
  EXPECT_EQ(syslog_message("<"), "<");
  EXPECT_EQ(syslog_message("<13>"), "");
  EXPECT_EQ(syslog_message("<13>1 "), "");
  EXPECT_EQ(syslog_message("<13>1 a b c d e [unclosed"), "");
  EXPECT_EQ(syslog_message("<99999>x"), "<99999>x");
}

TEST(HostCpu, IsTheBusyShareBetweenTwoReadings) {
  HostCpu cpu;
  EXPECT_EQ(cpu.take("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3 4\n"), std::nullopt);
  // 30 user and 10 system ticks of 100; waiting for disks (10) is idle; guest time is in user.
  EXPECT_DOUBLE_EQ(cpu.take("cpu  130 0 60 850 60 0 0 0 30 0\n").value(), 0.4);
  EXPECT_EQ(cpu.take("cpu  130 0 60 850 60 0 0 0 30 0\n"), std::nullopt);
  EXPECT_DOUBLE_EQ(cpu.take("cpu  130 0 60 850 60 0 0 20 30 0\n").value(), 1.0);
  EXPECT_EQ(cpu.take("intr 1 2 3"), std::nullopt);
  EXPECT_EQ(cpu.take("cpu  a b c d"), std::nullopt);
  EXPECT_EQ(cpu.take(""), std::nullopt);
}

}  // namespace
}  // namespace tidelimit::serve
