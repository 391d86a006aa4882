#include <chrono>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>

#include "eventually.hpp"
#include "http_server_fixture.hpp"

namespace tidelimit::serve {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kLarge = 4 << 20;  // what the fixture answers to /large

TEST_F(HttpServerTest, EmptyLinesBetweenRequestsMeanNothing) {
  start();
  SocketClient client(port_);
  client.send("\r\n\r\n\r\n" + get("/first") + "\r\n\r");
  EXPECT_NE(client.read_until("GET /first").find("200 OK"), std::string::npos);
  client.send("\n" + get("/second"));
  EXPECT_NE(client.read_until("GET /second").find("200 OK"), std::string::npos);
}

TEST_F(HttpServerTest, AnEmptyLineBeginsNoHead) {
  start({.head_timeout = milliseconds{300}, .idle_timeout = milliseconds{1500}});
  for (const char* after : {"\r\n", "\r"}) {
    SocketClient client(port_);
    client.send(get("/x") + after);
    const std::string answers = client.read_all();
    EXPECT_TRUE(client.closed());
    EXPECT_EQ(SocketClient::count(answers, "HTTP/1.1 "), 1) << answers;
  }
}

TEST_F(HttpServerTest, ItsRefusalOfASlowHeadCanBeRead) {
  start({.head_timeout = milliseconds{300}});
  SocketClient client(port_);
  client.send("GET / HTTP/1.1\r\nX: ");
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 408 "));
  client.send("y\r\n");
  EXPECT_FALSE(client.reset()) << "which could take the answer with it";
}

TEST_F(HttpServerTest, ItsRefusalOfACallThatLastsTooLongCanBeRead) {
  start({.wait_timeout = milliseconds{300}});
  SocketClient client(port_);
  client.send(get("/never"));
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 503 "));
  client.send(get("/next"));
  EXPECT_FALSE(client.reset()) << "which could take the answer with it";
}

TEST_F(HttpServerTest, AnswersAllThatAClientSentBeforeItsLast) {
  start({.unsent = {.bytes = 3 << 20}});
  SocketClient client(port_);
  std::string requests;
  for (int i = 0; i < 10; ++i) requests += get("/large");
  client.send(requests);
  client.end();
  ASSERT_TRUE(eventually([&] { return echo_.handled > 0; }));
  wait_for_turn();  // requests are left that stand behind answers
  EXPECT_LT(echo_.handled, 10);
  const std::string answers = client.read_bytes(10 * kLarge);
  EXPECT_EQ(SocketClient::count(answers, "HTTP/1.1 200"), 10);
  (void)client.read_all();
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, KeepsLittleForAClientThatIsNotTrusted) {
  echo_.trusted = false;
  send_buffer_ = 4096;
  start();
  SocketClient client(port_, 4096);
  std::string requests;
  for (int i = 0; i < 3000; ++i) requests += get("/x");
  client.send(requests);
  ASSERT_TRUE(eventually([&] { return echo_.handled > 0; }));
  wait_for_turn();  // one turn reads 64 KiB, which are 2300 requests
  EXPECT_LT(echo_.handled, 2000) << "two times 64 KiB of answers are fewer";
  EXPECT_EQ(SocketClient::count(client.read_until("HTTP/1.1 200", 3000), "HTTP/1.1 200"), 3000);
}

TEST_F(HttpServerTest, BoundsWhatAllThatAreNotTrustedHaveNotRead) {
  echo_.trusted = false;
  send_buffer_ = 4096;
  ByteBudget unsent(6 << 20);
  start({.unsent = {.budget = &unsent}});
  SocketClient first(port_, 4096);
  first.send(get("/large"));
  ASSERT_TRUE(eventually([&] { return unsent.held() > kLarge / 2; }));
  SocketClient second(port_, 4096);
  second.send(get("/large"));
  EXPECT_LT(second.read_all().size(), kLarge);
  EXPECT_TRUE(second.closed());
  EXPECT_GE(first.read_bytes(kLarge).size(), kLarge);
  EXPECT_TRUE(eventually([&] { return unsent.held() == 0; }));
  loop_.stop();
  thread_.join();
  server_.reset();
  EXPECT_EQ(unsent.held(), 0u);
}

TEST_F(HttpServerTest, WhatATrustedCallerHasNotReadCountsNowhere) {
  send_buffer_ = 4096;
  ByteBudget unsent(1);
  start({.unsent = {.budget = &unsent}});
  SocketClient client(port_);
  client.send(get("/large"));
  EXPECT_GE(client.read_bytes(kLarge).size(), kLarge);
}

TEST_F(HttpServerTest, LetsGoOfAClientThatReadsAlmostNothing) {
  send_buffer_ = 4096;
  start({.unsent = {.timeout = milliseconds{1000}}});
  SocketClient client(port_, 4096);
  client.send(get("/large"));
  std::size_t read = 0;
  for (int i = 0; i < 60 && !client.closed(); ++i) {
    read += client.read_bytes(1, milliseconds{100}).size();
    std::this_thread::sleep_for(milliseconds{200});
  }
  EXPECT_TRUE(client.closed());
  EXPECT_LT(read, kLarge / 2);
}

TEST_F(HttpServerTest, ADrainWaitsForNoMoreThanASlowReadersAnswer) {
  send_buffer_ = 4096;
  start();
  SocketClient client(port_, 4096);
  client.send(get("/large"));
  ASSERT_TRUE(eventually([&] { return echo_.handled == 1; }));
  loop_.post([this] { server_->drain(); });
  EXPECT_GE(client.read_bytes(kLarge).size(), kLarge);
  (void)client.read_all();
  EXPECT_TRUE(client.closed()) << "and not at the end of the idle time only";
}

}  // namespace
}  // namespace tidelimit::serve
