#include "serve/http/server.hpp"

#include <fmt/format.h>
#include <future>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

#include "eventually.hpp"
#include "http_server_fixture.hpp"
#include "serve/http/shared_answer.hpp"

namespace tidelimit::serve {
namespace {

using std::chrono::milliseconds;

TEST_F(HttpServerTest, AnswersAPipelineInOrder) {
  start();
  SocketClient client(port_);
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += get(i % 50 == 7 ? "/later" : fmt::format("/{}", i));
  client.send(requests);
  const std::string answers = client.read_until("HTTP/1.1 200", 500);
  std::size_t at = 0;
  for (int i = 0; i < 499; ++i) {
    const std::string wanted = i % 50 == 7 ? "GET /later" : fmt::format("GET /{} ", i);
    const std::size_t found = answers.find(wanted, at);
    ASSERT_NE(found, std::string::npos) << i;
    at = found + 1;
  }
  EXPECT_EQ(answers.find("twice"), std::string::npos);
}

TEST_F(HttpServerTest, AnswersARequestThatArrivesByteByByte) {
  start();
  SocketClient client(port_);
  for (const char byte :
       "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello" + get("/next")) {
    client.send({&byte, 1});
  }
  const std::string answers = client.read_until("GET /next");
  EXPECT_NE(answers.find("POST /x hello"), std::string::npos);
  EXPECT_NE(answers.find("GET /next"), std::string::npos);
}

TEST_F(HttpServerTest, TakesBodiesOfAllKinds) {
  start();
  SocketClient client(port_);
  const std::string large(90'000, 'b');
  client.send("POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n" + large);
  EXPECT_NE(client.read_until("POST /l " + large).find(large), std::string::npos);
  client.send("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\n\r\n" + get("/after"));
  const std::string answers = client.read_until("GET /after");
  EXPECT_NE(answers.find("POST /c abcde"), std::string::npos);
  EXPECT_NE(answers.find("GET /after"), std::string::npos);
}

TEST_F(HttpServerTest, ContinuesOnRequestOnly) {
  start();
  SocketClient client(port_);
  client.send("POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  EXPECT_NE(client.read_until("POST /e hi").find("POST /e hi"), std::string::npos);
}

TEST_F(HttpServerTest, RefusesLargeBodiesBeforeTheyArrive) {
  start();
  SocketClient client(port_);
  client.send("POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST_F(HttpServerTest, ARefusalIsReadEvenBehindBytesThatKeepComing) {
  start();
  SocketClient client(port_);
  client.send("POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n" +
              std::string(3'000'000, 'z'));
  EXPECT_TRUE(client.read_until("}\n").starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, RefusesBeforeTheBodyWhatItWouldRefuseAfterIt) {
  start({.bodies = &budget_});
  for (const char* length : {"Content-Length: 50000", "Transfer-Encoding: chunked"}) {
    SocketClient client(port_);
    client.send(std::string("POST /closed HTTP/1.1\r\nHost: a\r\n") + length +
                "\r\nExpect: 100-continue\r\n\r\n");
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 ")) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  }
}

TEST_F(HttpServerTest, BoundsTheBytesOfAllBodiesThatAreKept) {
  start({.bodies = &budget_});
  const auto head = [](int size) {
    return fmt::format("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", size);
  };
  SocketClient first(port_);
  first.send(head(40'000));
  first.send(std::string(39'999, 'a'));
  ASSERT_TRUE(eventually([&] { return budget_.held() >= 39'999; }));
  SocketClient second(port_);
  second.send(head(90'000));
  second.send(std::string(89'999, 'b'));
  const std::string refused = second.read_until("}\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused.substr(0, 200);
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos);
  first.send("a");
  EXPECT_NE(first.read_until("aaa").find("POST /keep"), std::string::npos);
  EXPECT_EQ(budget_.held(), 40'000u) << "a body that the handler keeps goes on counting";
  loop_.post([this] { echo_.kept_body.reset(); });
  ASSERT_TRUE(eventually([&] { return budget_.held() == 0; }));
  SocketClient third(port_);
  third.send(head(50'000));
  third.send(std::string(50'000, 'c'));
  EXPECT_NE(third.read_until("ccc").find("200 OK"), std::string::npos);
}

TEST_F(HttpServerTest, SaysOfAnAnswerWhetherAnyoneWaitsForIt) {
  start({.wait_timeout = milliseconds{200}});
  SocketClient client(port_);
  client.send(get("/never"));
  ASSERT_TRUE(eventually([&] { return echo_.handled == 1; }));
  bool wanted = false;
  loop_.post([&] { wanted = echo_.kept.wanted(); });
  const std::string answer = client.read_all();
  EXPECT_TRUE(wanted);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_NE(answer.find("no answer in time"), std::string::npos) << answer;
  EXPECT_FALSE(echo_.kept.wanted());
}

TEST_F(HttpServerTest, CountsWhatHttpItselfRefuses) {
  start();
  for (const char* bytes : {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
                            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n"}) {
    SocketClient client(port_);
    client.send(bytes);
    EXPECT_NE(client.read_all(), "");
  }
  RefusalCounts::Counts counts{};
  buffers_.refusals.add_to(counts);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const int status = RefusalCounts::kStatuses[i];
    EXPECT_EQ(counts[i], status == 400 ? 2u : status == 413 ? 1u : 0u) << status;
  }
}

TEST_F(HttpServerTest, RefusesGarbageAndCloses) {
  start();
  SocketClient client(port_);
  client.send(std::string("\x16\x03\x01\x00\xf4\x01\x00", 7));
  client.end();
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  start();
  SocketClient client(port_);
  client.send("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_NE(answer.find("Content-Length: 8"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(HttpServerTest, ClosesAsHttp10Does) {
  start();
  SocketClient client(port_);
  client.send("GET /old HTTP/1.0\r\n\r\n");
  EXPECT_NE(client.read_all().find("GET /old"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, AnswersAClientThatHasSentItsLast) {
  start();
  SocketClient client(port_);
  client.send(get("/later") + get("/last"));
  client.end();
  const std::string answers = client.read_all();
  EXPECT_NE(answers.find("GET /later"), std::string::npos) << answers;
  EXPECT_NE(answers.find("GET /last"), std::string::npos) << answers;
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, NoticesAnEndBehindWhatCameWhileItWaited) {
  start();
  SocketClient client(port_);
  client.send(get("/never"));
  ASSERT_TRUE(eventually([&] { return echo_.handled == 1; }));
  client.send(get("/last"));
  client.end();
  wait_for_turn();  // the edge that told of both has gone
  loop_.post([this] { echo_.kept({.body = "made"}); });
  EXPECT_NE(client.read_all().find("GET /last"), std::string::npos);
  EXPECT_TRUE(client.closed()) << "and not at the end of the idle time only";
}

TEST_F(HttpServerTest, HoldsBackForAClientThatDoesNotRead) {
  start();
  SocketClient client(port_);
  std::string requests;
  for (int i = 0; i < 10; ++i) requests += get("/large");
  client.send(requests);
  ASSERT_TRUE(eventually([&] { return echo_.handled > 0; }));
  wait_for_turn();  // all requests came at once, so that one turn would answer all
  EXPECT_LT(echo_.handled, 10) << "the kernel takes some of 4 MiB each, not all";
  const std::string answers = client.read_bytes(10u * (4 << 20));
  EXPECT_EQ(SocketClient::count(answers, "HTTP/1.1 200"), 10);
  EXPECT_GE(answers.size(), 10u * (4 << 20));
}

TEST_F(HttpServerTest, LetsGoOfSlowHeads) {
  start({.head_timeout = milliseconds{300}});
  SocketClient client(port_);
  client.send("GET / HTTP/1.1\r\nX: ");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, AHeadThatTricklesIsSlowToo) {
  start({.head_timeout = milliseconds{500}});
  SocketClient client(port_);
  client.send("GET / HTTP/1.1\r\n");
  std::string answer;
  for (int i = 0; i < 40 && answer.empty(); ++i) {
    client.send("X: y\r\n");
    answer = client.read_until("\r\n\r\n", 1, milliseconds{100});
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
}

TEST_F(HttpServerTest, LetsGoOfIdleConnections) {
  start({.idle_timeout = milliseconds{300}});
  SocketClient client(port_);
  client.send(get("/x"));
  EXPECT_NE(client.read_all().find("GET /x"), std::string::npos);
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, BoundsConnectionsInAll) {
  start({}, 2);
  SocketClient first(port_), second(port_);
  first.send(get("/1"));
  (void)first.read_until("GET /1");
  second.send(get("/2"));
  (void)second.read_until("GET /2");
  SocketClient third(port_);
  EXPECT_TRUE(third.read_all().starts_with("HTTP/1.1 503 "));
}

TEST_F(HttpServerTest, BoundsConnectionsOfOneAddressUnlessItIsTrusted) {
  echo_.trusted = false;
  start({}, 100, 1);
  SocketClient first(port_);
  first.send(get("/1"));
  EXPECT_NE(first.read_until("GET /1").find("GET /1"), std::string::npos);
  SocketClient second(port_);
  EXPECT_TRUE(second.read_all().starts_with("HTTP/1.1 503 "));
}

TEST_F(HttpServerTest, KeepsAQuarterOfThePlacesForTrustedCallers) {
  echo_.trusted = false;
  start({}, 4, 100);
  std::vector<std::unique_ptr<SocketClient>> strangers;
  for (int i = 0; i < 3; ++i) {
    strangers.push_back(std::make_unique<SocketClient>(port_));
    strangers.back()->send(get("/x"));
    ASSERT_NE(strangers.back()->read_until("GET /x").find("GET /x"), std::string::npos) << i;
  }
  EXPECT_TRUE(SocketClient(port_).read_all().starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(quota_->refused(NoPlace::strangers), 1u);
  std::promise<void> trusts;
  loop_.post([&] {
    echo_.trusted = true;
    trusts.set_value();
  });
  trusts.get_future().wait();
  SocketClient trusted(port_);
  trusted.send(get("/mine"));
  EXPECT_NE(trusted.read_until("GET /mine").find("GET /mine"), std::string::npos);
  EXPECT_EQ(quota_->by_wire().on[0], 4u);
  EXPECT_EQ(quota_->by_wire().on[1], 0u);
}

TEST_F(HttpServerTest, TellsCallersThatItHasNoDescriptorForThem) {
  listen_on();
  const SocketClient waiting(port_);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  Fd next(dup(0));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next.get());  // the least free one: no other is given
  next.close();
  SocketClient client(port_);
  ++none.rlim_cur;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  run();
  const std::string answer = client.read_all();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_EQ(quota_->refused(NoPlace::descriptors), 2u);
  SocketClient later(port_);
  later.send(get("/x"));
  EXPECT_NE(later.read_until("GET /x").find("GET /x"), std::string::npos)
      << "at once, without a rest";
}

TEST_F(HttpServerTest, GivesPlacesBack) {
  start({}, 1);
  for (int i = 0; i < 20; ++i) {
    SocketClient client(port_);
    client.send(get("/x", "Connection: close\r\n"));
    ASSERT_NE(client.read_all().find("GET /x"), std::string::npos) << i;
  }
}

TEST_F(HttpServerTest, DrainsWhatIsUnderWayAndClosesWhatIsIdle) {
  start({.bodies = &budget_});
  SocketClient idle(port_), busy(port_);
  idle.send(get("/idle"));
  (void)idle.read_until("GET /idle");
  busy.send("POST /busy HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
  ASSERT_TRUE(eventually([&] { return budget_.held() > 0; })) << "what came of the body is read";
  loop_.post([this] { server_->drain(); });
  (void)idle.read_all();
  EXPECT_TRUE(idle.closed());
  busy.send("lo");
  const std::string answer = busy.read_all();
  EXPECT_NE(answer.find("POST /busy hello"), std::string::npos);
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_FALSE(SocketClient(port_).connected());
}

TEST_F(HttpServerTest, AnswersARequestThatCameJustBeforeTheDrain) {
  start();
  SocketClient kept(port_);
  kept.send(get("/first"));
  (void)kept.read_until("GET /first");
  loop_.post([&] {
    kept.send(get("/last"));  // in the loop's own turn, so that the loop has not read it
    server_->drain();
  });
  const std::string answer = kept.read_all();
  EXPECT_NE(answer.find("GET /last"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
}

TEST(SharedAnswer, IsMadeOnceForAllThatWait) {
  SharedAnswer answer;
  std::vector<std::string> got;
  int made = 0;
  const Reply reply([&](const Response& response) { got.push_back(*response.shared_body); }, {});
  const auto make = [&] {
    // Who asks while it is made may know of what came too late for it, and waits for the next.
    if (++made == 1) {
      EXPECT_TRUE(answer.join(reply));
      EXPECT_FALSE(answer.join(reply));
    }
    return Response{.body = std::to_string(made)};
  };
  EXPECT_TRUE(answer.join(reply));
  EXPECT_FALSE(answer.join(reply));
  EXPECT_FALSE(answer.join(reply));
  answer.make(make);
  EXPECT_EQ(got, (std::vector<std::string>{"1", "1", "1"}));
  answer.make(make);
  EXPECT_EQ(got, (std::vector<std::string>{"1", "1", "1", "2", "2"}));
}

TEST(Ports, AUsedPortIsRefusedInWords) {
  const auto first = listen_tcp({"127.0.0.1", 0});
  ASSERT_TRUE(first);
  const auto second = require_free_port({"127.0.0.1", local_port(*first)});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
  EXPECT_TRUE(listen_tcp({"127.0.0.1", local_port(*first)}));  // the loops of one process share it
}

TEST(Ports, NamesTheMendForAHostThatIsNoAddress) {
  const auto opened = listen_tcp({"example.com", 0});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("no IP address"), std::string::npos);
}

}  // namespace
}  // namespace tidelimit::serve
