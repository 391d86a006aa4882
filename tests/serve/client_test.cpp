#include "serve/http/client.hpp"

#include <arpa/inet.h>
#include <atomic>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <vector>

namespace tidelimit::serve {
namespace {

constexpr char kWhole[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
constexpr char kCutShort[] = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok";
constexpr char kSilent[] = "";

/// A server that takes one connection after the other. Of each it is told what to answer to the
/// requests on it; where that is nothing it waits for the client to give up. Then it closes.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::vector<std::string>> connections)
      : connections_(std::move(connections)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(listen(listener_.get(), 8), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedServer() {
    (void)shutdown(listener_.get(), SHUT_RDWR);  // accept() returns
    thread_.join();
  }

  [[nodiscard]] Url url() const {
    return {.host = "127.0.0.1", .port = std::to_string(local_port(listener_)), .prefix = {}};
  }
  /// Requests that came so far.
  [[nodiscard]] int asked() const { return asked_; }

 private:
  void run() {
    for (const auto& answers : connections_) {
      const Fd connection(accept(listener_.get(), nullptr, nullptr));
      if (!connection) return;
      for (const std::string& answer : answers) {
        if (!read_request(connection)) break;
        ++asked_;
        if (answer == kSilent) (void)read_request(connection);
        (void)send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    }
  }
  /// False where the client closed instead.
  static bool read_request(const Fd& connection) {
    std::string text;
    while (!text.ends_with("\r\n\r\n")) {
      char next = 0;
      if (recv(connection.get(), &next, 1, 0) != 1) return false;
      text += next;
    }
    return true;
  }

  const std::vector<std::vector<std::string>> connections_;
  const Fd listener_;
  std::atomic<int> asked_{0};
  std::thread thread_;
};

constexpr std::chrono::milliseconds kPatient{20'000};
constexpr std::chrono::milliseconds kImpatient{500};  // of a server that never answers

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
  HttpSession session(server.url(), kImpatient);
  auto first = session.call("POST", "/", "");
  if (!first) GTEST_SKIP() << "a machine too busy for an answer in time";
  const auto late = session.call("POST", "/", "");
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message.find("no answer in time"), std::string::npos);
  EXPECT_EQ(server.asked(), 2);
}

}  // namespace
}  // namespace tidelimit::serve
