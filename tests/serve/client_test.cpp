#include "serve/http/client.hpp"

#include <arpa/inet.h>
#include <array>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "serve/net/connect.hpp"
#include "serve/scripted_server.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::chrono::milliseconds kPatient{20'000};
constexpr std::chrono::milliseconds kImpatient{500};  // of a server that never answers

TEST(HttpCall, EndsInTimeHoweverSlowlyTheAnswerComes) {
  ScriptedServer server({{kDripping}, {kDripping}});
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(http_call(server.url(), "GET", "/", "", "", kImpatient).error().code,
            Code::unavailable);
  HttpSession session(server.url(), kImpatient);
  EXPECT_EQ(session.call("GET", "/", "").error().code, Code::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{8})
      << "the server drips for ten seconds a call";
}

/// A place where nobody is heard from: its queue is full, and who comes there is not answered.
class FullPlace {
 public:
  FullPlace() : listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_.get(), at(), sizeof address_), 0);
    EXPECT_EQ(listen(listener_.get(), 0), 0);
    address_.sin_port = htons(local_port(listener_));
    for (Fd& waiting : waiting_) {
      waiting = Fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      (void)connect(waiting.get(), at(), sizeof address_);
    }
  }
  [[nodiscard]] sockaddr* at() { return reinterpret_cast<sockaddr*>(&address_); }

 private:
  Fd listener_;
  sockaddr_in address_{};
  std::array<Fd, 8> waiting_;
};

TEST(ConnectToAny, LeavesTimeForTheAddressesAfterOneThatIsSilent) {
  FullPlace silent;
  ScriptedServer server({{kWhole}});
  sockaddr_in good{};
  good.sin_family = AF_INET;
  good.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  good.sin_port = htons(static_cast<std::uint16_t>(std::stoi(server.url().port)));
  addrinfo second{};
  second.ai_family = AF_INET;
  second.ai_socktype = SOCK_STREAM;
  second.ai_addr = reinterpret_cast<sockaddr*>(&good);
  second.ai_addrlen = sizeof good;
  addrinfo first = second;
  first.ai_addr = silent.at();
  first.ai_next = &second;
  const auto connected = connect_to_any(&first, Deadline(std::chrono::seconds{2}));
  EXPECT_TRUE(connected) << connected.error().message;
  first.ai_next = nullptr;
  const auto alone = connect_to_any(&first, Deadline(kImpatient));
  ASSERT_FALSE(alone) << "somebody answers where nobody should";
  EXPECT_EQ(alone.error().code, Code::unavailable);
}

TEST(HttpCall, TakesNoAnswerThatIsCutShort) {
  ScriptedServer server({{kCutShort}});
  const auto cut = http_call(server.url(), "GET", "/", "", "", kPatient);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Code::data_loss);
  EXPECT_NE(cut.error().message.find("cut short"), std::string::npos) << cut.error().message;
}

TEST(HttpCall, ReadsTheHeadersThatSayWhereABodyEndsHoweverTheyAreWritten) {
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nTransfer-Encoding:chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: \tChunked \r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nok, and more", kWhole}) {
    ScriptedServer server({{answer}});
    const auto got = http_call(server.url(), "GET", "/", "", "", kPatient);
    ASSERT_TRUE(got) << answer << got.error().message;
    EXPECT_EQ(got->body, "ok") << answer;
  }
}

TEST(HttpCall, WaitsForNoBodyWhereThereIsNone) {
  ScriptedServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"},
                         {"HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n"}});
  EXPECT_TRUE(http_call(server.url(), "HEAD", "/", "", "", kPatient));
  EXPECT_TRUE(http_call(server.url(), "GET", "/", "", "", kPatient));
}

TEST(HttpSession, ALengthThatNoAnswerHasIsNotReached) {
  ScriptedServer server({{"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nok"}});
  HttpSession session(server.url(), kPatient);
  const auto cut = session.call("GET", "/", "");
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message.find("ended the call early"), std::string::npos);
}

TEST(HttpSession, AsksAgainWhereTheServerHasClosedAnIdleConnection) {
  ScriptedServer server({{kWhole}, {kWhole}});
  HttpSession session(server.url(), kPatient);
  ASSERT_TRUE(session.call("POST", "/", ""));
  const auto again = session.call("POST", "/", "");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->body, "ok");
  EXPECT_EQ(server.asked(), 2);
}

TEST(HttpSession, AsksNotAgainOnceAnAnswerHasBegun) {
  ScriptedServer server({{kWhole, kCutShort}, {kWhole}});
  HttpSession session(server.url(), kPatient);
  ASSERT_TRUE(session.call("POST", "/", ""));
  const auto cut = session.call("POST", "/", "");
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message.find("ended the call early"), std::string::npos);
  EXPECT_EQ(server.asked(), 2);
  EXPECT_TRUE(session.call("POST", "/", "")) << "on a new connection";
}

TEST(HttpSession, AsksNotAgainWhereNoAnswerComesInTime) {
  ScriptedServer server({{kWhole, kSilent}, {kWhole}});
  // Time enough for the answer that comes, also on a busy machine.
  HttpSession session(server.url(), 4 * kImpatient);
  ASSERT_TRUE(session.call("POST", "/", ""));
  const auto late = session.call("POST", "/", "");
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message.find("no answer in time"), std::string::npos);
  EXPECT_EQ(server.asked(), 2);
}

}  // namespace
}  // namespace tidelimit::serve
