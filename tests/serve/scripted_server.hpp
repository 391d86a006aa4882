#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <vector>

#include "base/url.hpp"
#include "serve/net/socket.hpp"

namespace tidelimit::serve {

inline constexpr char kWhole[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
inline constexpr char kCutShort[] = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok";
inline constexpr char kSilent[] = "";
inline constexpr char kDripping[] = "a byte now and then, and no end";

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
        if (answer == kDripping) drip(connection);
        (void)send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      }
    }
  }
  /// Until the client gives up, or long after it should have.
  static void drip(const Fd& connection) {
    for (int i = 0; i < 500; ++i) {
      if (send(connection.get(), "x", 1, MSG_NOSIGNAL) != 1) return;
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
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

}  // namespace tidelimit::serve
