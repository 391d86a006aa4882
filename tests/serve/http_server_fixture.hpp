#pragma once

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <thread>

#include "serve/http/connection.hpp"
#include "serve/http/server.hpp"
#include "serve/net/lane.hpp"
#include "socket_client.hpp"

namespace tidelimit::serve {

/// Says what it was asked; /later answers from another thread, /large with 4 MiB.
class Echo final : public Handler {
 public:
  [[nodiscard]] std::size_t body_limit(const Head&) const override { return 100'000; }
  [[nodiscard]] std::optional<Response> refuse_early(const Head& head, const Peer&) override {
    if (head.target != "/closed") return std::nullopt;
    return problem(401, "not before its body, and not after it");
  }
  [[nodiscard]] bool trusts(const Peer&) override { return trusted; }
  [[nodiscard]] Handling handle(const Request& request, ResponseWriter& response) override {
    ++handled;
    const std::string text = std::string(request.head.method) + " " +
                             std::string(request.head.target) + " " + std::string(request.body);
    if (request.head.target == "/later") {
      EXPECT_TRUE(lane.post([reply = request.later(), text] {
        reply({.body = text});
        reply({.body = "twice"});
      }));
      return Handling::later;
    }
    if (request.head.target == "/keep" && request.held != nullptr) {
      EXPECT_EQ(request.body.data(), request.held->bytes.data());
      kept_body.emplace(std::move(*request.held));
    }
    if (request.head.target == "/never") {
      kept = request.later();
      return Handling::later;
    }
    response.send({.body = request.head.target == "/large" ? std::string(4 << 20, 'x') : text});
    return Handling::done;
  }
  bool trusted = true;
  std::atomic<int> handled{0};
  Reply kept;
  std::optional<HeldBody> kept_body;
  Lane lane{"test", 8};
};

/// A server on a free port of 127.0.0.1 with its loop on a thread.
class HttpServerTest : public testing::Test {
 protected:
  void start(const HttpLimits& limits = {}, std::size_t in_all = 100,
             std::size_t per_client = 100) {
    listen_on(limits, in_all, per_client);
    run();
  }
  void listen_on(const HttpLimits& limits = {}, std::size_t in_all = 100,
                 std::size_t per_client = 100) {
    quota_ = std::make_unique<ConnectionQuota>(in_all, per_client);
    auto socket = listen_tcp({"127.0.0.1", 0});
    ASSERT_TRUE(socket) << socket.error().message;
    port_ = local_port(*socket);
    // Those that are accepted have it of the one that listens.
    if (send_buffer_ > 0)
      (void)setsockopt(socket->get(), SOL_SOCKET, SO_SNDBUF, &send_buffer_, sizeof send_buffer_);
    server_ =
        std::make_unique<HttpServer>(loop_, buffers_, std::move(*socket), echo_, limits, *quota_);
  }
  void run() {
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    (void)echo_.lane.stop(std::chrono::seconds{5});
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }
  SocketClient client() { return SocketClient(port_); }
  /// Until the loop has ended the turn it is in.
  void wait_for_turn() {
    std::promise<void> ended;
    loop_.post([&] { ended.set_value(); });
    ended.get_future().wait();
  }

  Clock clock_;
  Loop loop_{clock_};
  LoopBuffers buffers_;
  ByteBudget budget_{60'000};
  int send_buffer_ = 0;  ///< what the kernel takes of an answer that is not read; 0: its own choice
  Echo echo_;
  std::unique_ptr<ConnectionQuota> quota_;
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

inline std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

}  // namespace tidelimit::serve
