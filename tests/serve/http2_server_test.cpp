#include <gtest/gtest.h>
#include <thread>

#include "eventually.hpp"
#include "http2_wire.hpp"
#include "serve/grpc/health.hpp"
#include "serve/grpc/service_table.hpp"
#include "serve/http2/connection.hpp"
#include "serve/http2/server.hpp"
#include "socket_client.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::string_view kCheck = "/grpc.health.v1.Health/Check";

/// The health service on a free port of 127.0.0.1 with its loop on a thread.
class Http2ServerTest : public testing::Test {
 protected:
  void start(bool trusted = true, std::size_t per_client = 100, const Http2Limits& limits = {}) {
    table_ = std::make_unique<grpc::ServiceTable>([trusted](const Peer&) { return trusted; });
    table_->add(std::make_unique<grpc::HealthService>(std::vector<std::string>{}));
    quota_ = std::make_unique<ConnectionQuota>(100, per_client);
    auto socket = listen_tcp({"127.0.0.1", 0});
    ASSERT_TRUE(socket) << socket.error().message;
    port_ = local_port(*socket);
    // Those that are accepted have it of the one that listens.
    for (const auto& [which, size] :
         {std::pair{SO_SNDBUF, send_buffer_}, {SO_RCVBUF, read_buffer_}})
      if (size > 0) (void)setsockopt(socket->get(), SOL_SOCKET, which, &size, sizeof size);
    server_ = std::make_unique<Http2Server>(loop_, buffers_, std::move(*socket), *table_, limits,
                                            *quota_);
    thread_ = std::thread([this] { loop_.run(); });
  }
  void TearDown() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }
  static std::string hello() {
    return std::string(wire::kPreface) + wire::frame(wire::kSettings, 0, 0);
  }
  static std::string check(std::uint32_t stream) {
    return wire::call(stream, std::string(kCheck), "");
  }
  static std::string checks(std::uint32_t count, std::uint32_t done = 0) {
    std::string calls;
    for (std::uint32_t i = done; i < done + count; ++i) calls += check(2 * i + 1);
    return calls;
  }
  static std::string answer() { return wire::message("\x08\x01"); }

  Clock clock_;
  Loop loop_{clock_};
  LoopBuffers buffers_;
  std::unique_ptr<grpc::ServiceTable> table_;
  std::unique_ptr<ConnectionQuota> quota_;
  std::unique_ptr<Http2Server> server_;
  int send_buffer_ = 0;  ///< what the kernel takes of an answer that is not read; 0: its own choice
  int read_buffer_ = 0;  ///< what it takes of calls before they are read
  std::uint16_t port_ = 0;
  std::thread thread_;
};

constexpr int kSmallBuffer = 4096;
constexpr std::uint32_t kManyCalls = 5000;  // their answers are more than such buffers take

TEST_F(Http2ServerTest, AnswersByPriorKnowledgeHoweverThePrefaceIsCut) {
  start();
  SocketClient client(port_);
  const std::string bytes = hello() + check(1);
  for (std::size_t at = 0; at < bytes.size(); at += 5) client.send(bytes.substr(at, 5));
  EXPECT_NE(client.read_until(answer()).find(answer()), std::string::npos);
}

TEST_F(Http2ServerTest, TellsHttp1InItsOwnWordsAndCloses) {
  start();
  for (const char* start_line :
       {"GET / HTTP/1.1\r\n", "PROPFIND / HTTP/1.1\r\n", "PRI * HTTP/1.0\r\n"}) {
    SocketClient client(port_);
    client.send(std::string(start_line) + "Host: a\r\n\r\n");
    const std::string text = client.read_all();
    EXPECT_TRUE(text.starts_with("HTTP/1.1 505 ")) << text;
    EXPECT_TRUE(client.closed());
  }
}

TEST_F(Http2ServerTest, TellsACallerThatFindsNoPlaceToCalmDown) {
  start(false, 1);
  SocketClient first(port_);
  first.send(hello() + check(1));
  EXPECT_NE(first.read_until(answer()).find(answer()), std::string::npos);
  SocketClient second(port_);
  wire::Received received;
  received.take(second.read_all());
  EXPECT_EQ(received.goaways, std::vector<std::uint32_t>{0xb});
  EXPECT_TRUE(second.closed());
}

TEST_F(Http2ServerTest, SaysGoodbyeWhenItDrains) {
  start();
  SocketClient client(port_);
  client.send(hello() + check(1));
  std::string bytes = client.read_until(answer());
  loop_.post([this] { server_->drain(); });
  bytes += client.read_until("tidedown");  // the ping behind the notice
  client.send(wire::frame(wire::kPing, wire::kAck, 0, "tidedown"));
  bytes += client.read_all();
  EXPECT_TRUE(client.closed());
  wire::Received received;
  received.take(bytes);
  EXPECT_EQ(received.goaways, (std::vector<std::uint32_t>{0, 0}));
  EXPECT_FALSE(SocketClient(port_).connected());
}

TEST_F(Http2ServerTest, ADrainDoesNotWaitForAClientThatSaysNothing) {
  start();
  SocketClient silent(port_), client(port_);
  client.send(hello() + check(1));
  EXPECT_NE(client.read_until(answer()).find(answer()), std::string::npos);  // both are accepted
  loop_.post([this] { server_->drain(); });
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.closed());
}

TEST_F(Http2ServerTest, ItsLastWordsReachAClientThatGoesOnSending) {
  start();
  SocketClient client(port_);
  client.send(hello());
  std::string flood;
  for (int i = 0; i < 100'000; ++i) flood += wire::frame(wire::kPing, 0, 0, "12345678");
  std::thread sender([&] { client.send(flood); });
  wire::Received received;
  received.take(client.read_all());
  sender.join();
  EXPECT_EQ(received.goaways, std::vector<std::uint32_t>{0xb});
}

TEST_F(Http2ServerTest, ReadsOnWhenAClientReadsAgain) {
  Http2Limits limits;
  limits.unsent.bytes = 4 << 10;
  start(true, 100, limits);
  SocketClient client(port_);
  client.send(hello() + wire::frame(wire::kWindow, 0, 0, wire::be32(1 << 30)));
  constexpr int kCalls = 20'000;
  std::thread sender([&] {
    for (std::uint32_t i = 0; i < kCalls; ++i) client.send(check(2 * i + 1));
  });
  const std::string text = client.read_until(answer(), kCalls, std::chrono::seconds{30});
  sender.join();
  EXPECT_EQ(SocketClient::count(text, answer()), kCalls);
}

TEST_F(Http2ServerTest, LetsGoOfAClientThatReadsAlmostNothing) {
  send_buffer_ = kSmallBuffer;
  Http2Limits limits;
  limits.unsent.timeout = std::chrono::seconds{1};
  start(true, 100, limits);
  SocketClient client(port_, kSmallBuffer);
  std::thread sender([&] { client.send(hello() + checks(kManyCalls)); });
  for (int i = 0; i < 60 && !client.closed(); ++i) {
    (void)client.read_some(1500, std::chrono::milliseconds{100});
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
  EXPECT_TRUE(client.closed());
  client.end();
  sender.join();
}

TEST_F(Http2ServerTest, BoundsWhatAllThatAreNotTrustedHaveNotRead) {
  send_buffer_ = read_buffer_ = kSmallBuffer;  // no more calls at once than a stranger may have
  ByteBudget unsent(1);
  Http2Limits limits;
  limits.unsent.budget = &unsent;
  start(false, 100, limits);
  SocketClient client(port_, kSmallBuffer);
  client.send(hello() + check(1));
  EXPECT_NE(client.read_until(answer()).find(answer()), std::string::npos);  // it is accepted
  client.send(checks(kManyCalls, 1));
  // It reads afterwards only: reading as fast as it is answered, it would leave nothing unread.
  EXPECT_TRUE(eventually([&] { return quota_->open() == 0; }));
  EXPECT_LT(SocketClient::count(client.read_all(), answer()), static_cast<int>(kManyCalls));
  EXPECT_TRUE(client.closed());
  EXPECT_EQ(unsent.held(), 0u);
}

TEST_F(Http2ServerTest, HearsNothingOfAClientThatDoesNotRead) {
  send_buffer_ = read_buffer_ = kSmallBuffer;
  start(false);
  SocketClient client(port_, kSmallBuffer);
  // One that never says that it has read the settings may open streams for ever: each that is one
  // too many is to be told so.
  std::string streams = hello() + checks(kManyCalls);
  const std::size_t most = 16 << 20;
  for (std::uint32_t id = 2 * kManyCalls + 1; streams.size() < most; id += 2)
    streams += wire::frame(wire::kHeaders, wire::kEndHeaders, id, "\x83\x86\x84");
  EXPECT_LT(client.send_until_stuck(streams, std::chrono::milliseconds{500}), most / 2);
}

}  // namespace
}  // namespace tidelimit::serve
