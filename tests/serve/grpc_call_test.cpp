#include <gtest/gtest.h>
#include <optional>
#include <stdexcept>

#include "http2_wire.hpp"
#include "serve/grpc/health.hpp"
#include "serve/grpc/service_table.hpp"
#include "serve/http2/session.hpp"

namespace tidelimit::serve::grpc {
namespace {

using namespace std::chrono_literals;
using wire::call;
using wire::frame;
using wire::grpc_head;
using wire::headers;
using wire::message;

constexpr std::uint32_t kCalm = 0xb, kRefusedStream = 7, kCancel = 8;

/// Unary: Echo gives the message back, Fail a status, Throw throws. Streams: Chat gives every
/// message back until "bye"; Pour sends until it is told to stop.
class TestService final : public Service {
 public:
  struct Counts {
    int unary = 0;
    int handlers = 0;  ///< alive
    int poured = 0;
    int ends = 0;
    std::optional<Instant> deadline;
    Call* call = nullptr;
  };
  TestService(Counts& counts, bool open) : counts_(counts), open_(open) {}

  [[nodiscard]] std::string_view name() const override { return "test.Test"; }
  [[nodiscard]] bool open_to_all() const override { return open_; }
  [[nodiscard]] std::span<const Method> methods() const override {
    static constexpr std::array kMethods{
        Method{"Echo", 0, MethodKind::unary}, Method{"Fail", 1, MethodKind::unary},
        Method{"Throw", 2, MethodKind::unary}, Method{"Chat", 3, MethodKind::stream},
        Method{"Pour", 4, MethodKind::stream}};
    return kMethods;
  }
  [[nodiscard]] Status unary(int method, std::string_view text, const CallContext& context,
                             std::string& reply) override {
    ++counts_.unary;
    counts_.deadline = context.deadline;
    if (method == 2) throw std::runtime_error("a library's");
    reply += text;
    if (method == 1) return {StatusCode::aborted, "no, 100 % sure"};
    return {};
  }
  [[nodiscard]] std::unique_ptr<CallHandler> open(int method, const CallContext&,
                                                  Call& the_call) override {
    counts_.call = &the_call;
    return std::make_unique<Handler>(counts_, the_call, method == 4);
  }

 private:
  class Handler final : public CallHandler {
   public:
    Handler(Counts& counts, Call& the_call, bool pour)
        : counts_(counts), call_(the_call), pour_(pour) {
      ++counts_.handlers;
    }
    ~Handler() override { --counts_.handlers; }
    void on_message(std::string_view text, const CallContext&) override {
      if (pour_) {
        while (call_.send(std::string(1000, 'x'))) ++counts_.poured;
      } else if (text == "bye") {
        call_.finish({StatusCode::ok, ""});
        EXPECT_FALSE(call_.send("too late"));
      } else {
        EXPECT_TRUE(call_.send(text));
      }
    }
    void on_end(const CallContext&) override {
      ++counts_.ends;
      call_.finish({StatusCode::out_of_range, "ended"});
    }

   private:
    Counts& counts_;
    Call& call_;
    bool pour_;
  };

  Counts& counts_;
  bool open_;
};

/// A session with its client's side by hand, in virtual time.
class GrpcCall : public testing::Test {
 protected:
  void start(bool trusted = true, bool open = false) {
    session_.reset();  // before what it refers to
    table_ = std::make_unique<ServiceTable>([trusted](const Peer&) { return trusted; });
    table_->add(std::make_unique<TestService>(counts_, open));
    auto health = std::make_unique<HealthService>(std::vector<std::string>{"test.Test"});
    health_ = health.get();
    table_->add(std::move(health));
    session_ = std::make_unique<Http2Session>(
        *table_, peer_, trusted, limits_, now_, [this] { ++wakes_; }, &pool_);
    send(std::string(wire::kPreface) + frame(wire::kSettings, 0, 0));
  }
  void send(std::string_view bytes) {
    session_->receive(bytes);
    collect();
  }
  void collect() {
    std::string out;
    session_->collect(out, 1 << 20);
    got_.take(out);
  }
  void pass(Nanos time) {
    now_.mono = now_.mono + time;
    session_->check_time();
    collect();
  }
  wire::Received::Stream& stream(std::uint32_t id) { return got_.streams[id]; }
  std::string status(std::uint32_t id) { return stream(id).fields["grpc-status"]; }

  Http2Limits limits_;
  Now now_{{1s}, {}};
  Peer peer_;
  TestService::Counts counts_;
  BlockPool pool_;
  std::unique_ptr<ServiceTable> table_;
  HealthService* health_ = nullptr;
  std::unique_ptr<Http2Session> session_;
  wire::Received got_;
  int wakes_ = 0;
};

TEST_F(GrpcCall, AnswersAUnaryCallWithHeadMessageAndTrailers) {
  start();
  send(call(1, "/test.Test/Echo", "hello"));
  EXPECT_EQ(stream(1).frames, "hdH");
  EXPECT_EQ(stream(1).data, message("hello"));
  const std::map<std::string, std::string> fields{
      {":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "0"}};
  EXPECT_EQ(stream(1).fields, fields);
  EXPECT_FALSE(stream(1).was_reset);
  EXPECT_EQ(session_->streams(), 0u);
}

TEST_F(GrpcCall, TakesAMessageByteByByteAndInManyFrames) {
  start();
  std::string bytes = headers(1, grpc_head("/test.Test/Echo"));
  for (const char c : message("hello")) bytes += frame(wire::kData, 0, 1, std::string(1, c));
  bytes += frame(wire::kData, wire::kEndStream, 1);
  for (const char c : bytes) send(std::string(1, c));
  EXPECT_EQ(stream(1).data, message("hello"));
  EXPECT_EQ(status(1), "0");
}

TEST_F(GrpcCall, AnswersManyCallsOfOneReadTogether) {
  start();
  std::string bytes;
  for (std::uint32_t i = 0; i < 500; ++i)
    bytes += call(2 * i + 1, "/test.Test/Echo", std::to_string(i));
  session_->receive(bytes);
  EXPECT_EQ(wakes_, 0);
  collect();
  for (std::uint32_t i = 0; i < 500; ++i) {
    EXPECT_EQ(stream(2 * i + 1).data, message(std::to_string(i)));
    EXPECT_EQ(status(2 * i + 1), "0");
  }
}

TEST_F(GrpcCall, TakesNoMoreFromTheAllocatorOnceItIsWarm) {
  start();
  std::uint32_t id = 1;
  const auto round = [&] {
    std::string bytes;
    for (int i = 0; i < 100; ++i, id += 2) bytes += call(id, "/test.Test/Echo", "hello");
    send(bytes);
  };
  for (int i = 0; i < 10; ++i) round();
  const std::uint64_t before = pool_.allocations();
  for (int i = 0; i < 50; ++i) round();
  EXPECT_LE(pool_.allocations() - before, 2u) << "5000 calls";
}

TEST_F(GrpcCall, GivesTheServicesStatusWithItsMessageEncoded) {
  start();
  send(call(1, "/test.Test/Fail", "x"));
  EXPECT_EQ(stream(1).frames, "H");
  EXPECT_EQ(status(1), "10");
  EXPECT_EQ(stream(1).fields["grpc-message"], "no, 100 %25 sure");
  EXPECT_EQ(stream(1).fields[":status"], "200");
  EXPECT_EQ(stream(1).fields["content-type"], "application/grpc");
}

TEST_F(GrpcCall, TurnsAnExceptionIntoUnavailable) {
  start();
  send(call(1, "/test.Test/Throw", "x") + call(3, "/test.Test/Echo", "y"));
  EXPECT_EQ(status(1), "14");
  EXPECT_EQ(status(3), "0");
}

TEST_F(GrpcCall, KnowsNoOtherMethodOrService) {
  start();
  send(call(1, "/test.Test/Other", "") + call(3, "/test.Other/Echo", "") + call(5, "/Echo", "") +
       call(7, "/test.Test/Echo/", ""));
  for (const std::uint32_t id : {1u, 3u, 5u, 7u}) EXPECT_EQ(status(id), "12") << id;
  EXPECT_EQ(counts_.unary, 0);
}

TEST_F(GrpcCall, AnswersWhatIsNoGrpcInHttpsWords) {
  start();
  auto json = grpc_head("/test.Test/Echo");
  json.back().second = "application/json";
  auto get = grpc_head("/test.Test/Echo");
  get.front().second = "GET";
  send(headers(1, json) + headers(3, get, wire::kEndHeaders | wire::kEndStream));
  EXPECT_EQ(stream(1).fields[":status"], "415");
  EXPECT_EQ(stream(3).fields[":status"], "405");
  EXPECT_EQ(stream(3).fields["allow"], "POST");
  RefusalCounts::Counts counts{};
  table_->refusals().add_to(counts);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const int status = RefusalCounts::kStatuses[i];
    EXPECT_EQ(counts[i], status == 405 || status == 415 ? 1u : 0u) << status;
  }
}

TEST_F(GrpcCall, RefusesAHeadThatIsTooLarge) {
  limits_.head_bytes = 4 << 10;
  start();
  send(headers(1, grpc_head("/test.Test/Echo", {{"a", std::string(5 << 10, 'x')}}),
               wire::kEndHeaders | wire::kEndStream) +
       call(3, "/test.Test/Echo", "y"));
  EXPECT_EQ(stream(1).fields[":status"], "431");
  EXPECT_EQ(status(3), "0");
  // No end of continuations is waited for.
  std::string endless = headers(5, grpc_head("/test.Test/Echo"), 0);
  for (int i = 0; i < 100; ++i)
    endless += frame(wire::kContinuation, 0, 5, wire::pack({{"a", std::string(1000, 'x')}}));
  send(endless);
  EXPECT_FALSE(got_.goaways.empty());
}

TEST_F(GrpcCall, CalmsAFloodOfContinuations) {
  start();
  std::string endless = headers(1, grpc_head("/test.Test/Echo"), 0);
  for (int i = 0; i < 100; ++i) endless += frame(wire::kContinuation, 0, 1);
  send(endless);
  EXPECT_EQ(got_.goaways, std::vector<std::uint32_t>{kCalm});
  EXPECT_EQ(table_->ended_for(Flood::continuations), 1u);
  EXPECT_TRUE(session_->over());
}

/// A long field once, then heads that name it again and again by a byte.
TEST_F(GrpcCall, CalmsAClientWhoseHeadsUnpackToFarMoreThanTheyAre) {
  // The second value holds a byte that makes the field one to pass over, when all of it was seen.
  for (const std::string& value : {std::string(3900, 'b'), std::string(3899, 'b') + '\x01'}) {
    got_ = wire::Received();
    start();
    const std::string plain = wire::pack(grpc_head("/test.Test/Echo"));
    send(frame(wire::kHeaders, wire::kEndHeaders | wire::kEndStream, 1,
               plain + wire::pack_indexed("a", value)));
    ASSERT_TRUE(got_.goaways.empty());
    send(frame(wire::kHeaders, wire::kEndHeaders | wire::kEndStream, 3,
               plain + std::string(10'000, wire::kFirstOfTable)));
    EXPECT_EQ(got_.goaways, std::vector<std::uint32_t>{kCalm});
    EXPECT_TRUE(session_->over());
    EXPECT_EQ(table_->ended_for(Flood::header_bytes), 1u);
  }
}

TEST_F(GrpcCall, CalmsAClientThatGoesOnWithHeadsThatAreTooLarge) {
  start();
  const std::string plain = wire::pack(grpc_head("/test.Test/Echo"));
  send(frame(wire::kHeaders, wire::kEndHeaders | wire::kEndStream, 1,
             plain + wire::pack_indexed("a", std::string(3900, 'b'))));
  std::uint32_t id = 3;
  for (int i = 0; i < FloodGuard::kLargeHeads; ++i, id += 2) {
    send(frame(wire::kHeaders, wire::kEndHeaders | wire::kEndStream, id,
               plain + std::string(6, wire::kFirstOfTable)));
    EXPECT_EQ(stream(id).fields[":status"], "431");
  }
  pass(1s);
  send(frame(wire::kHeaders, wire::kEndHeaders | wire::kEndStream, id,
             plain + std::string(6, wire::kFirstOfTable)));
  EXPECT_EQ(stream(id).fields[":status"], "431") << "some are free each second";
  EXPECT_TRUE(got_.goaways.empty());
  std::string more;
  for (int i = 0; i < FloodGuard::kLargeHeads; ++i)
    more += frame(wire::kHeaders, wire::kEndHeaders | wire::kEndStream, id += 2,
                  plain + std::string(6, wire::kFirstOfTable));
  send(more);
  EXPECT_EQ(got_.goaways, std::vector<std::uint32_t>{kCalm});
  EXPECT_TRUE(session_->over());
  EXPECT_EQ(table_->ended_for(Flood::large_heads), 1u);
}

TEST_F(GrpcCall, RefusesMessagesThatAreTooLargeOrCompressedOrMalformed) {
  start();
  send(headers(1, grpc_head("/test.Test/Echo")) +
       frame(wire::kData, 0, 1, std::string("\0\0\1\0\1", 5)));
  EXPECT_EQ(status(1), "8");
  EXPECT_TRUE(stream(1).was_reset) << "the rest is not wanted";
  EXPECT_EQ(stream(1).reset, 0u);
  send(headers(3, grpc_head("/test.Test/Echo", {{"grpc-encoding", "gzip"}})) +
       frame(wire::kData, wire::kEndStream, 3, message("x", 1)));
  EXPECT_EQ(status(3), "12");
  EXPECT_EQ(stream(3).fields["grpc-accept-encoding"], "identity");
  send(headers(5, grpc_head("/test.Test/Echo")) +
       frame(wire::kData, wire::kEndStream, 5, message("x", 1)));
  EXPECT_EQ(status(5), "13");
  send(headers(7, grpc_head("/test.Test/Echo")) +
       frame(wire::kData, wire::kEndStream, 7, message("x", 7)));
  EXPECT_EQ(status(7), "13");
  // A client may name an encoding and not use it.
  send(call(9, "/test.Test/Echo", "x", {{"grpc-encoding", "gzip"}}));
  EXPECT_EQ(status(9), "0");
}

TEST_F(GrpcCall, WantsExactlyOneMessageOfAUnaryCall) {
  start();
  send(headers(1, grpc_head("/test.Test/Echo"), wire::kEndHeaders | wire::kEndStream));
  EXPECT_EQ(status(1), "13");
  send(headers(3, grpc_head("/test.Test/Echo")) +
       frame(wire::kData, wire::kEndStream, 3, message("a") + message("b")));
  EXPECT_EQ(status(3), "13");
  send(headers(5, grpc_head("/test.Test/Echo")) +
       frame(wire::kData, wire::kEndStream, 5, message("abc").substr(0, 6)));
  EXPECT_EQ(status(5), "13");
  EXPECT_EQ(counts_.unary, 0);
}

TEST_F(GrpcCall, RefusesCallersThatAreNotTrustedButForOpenServices) {
  start(false);
  send(call(1, "/test.Test/Echo", "") + call(3, "/grpc.health.v1.Health/Check", "") +
       call(5, "/test.Test/Chat", ""));
  EXPECT_EQ(status(1), "7");
  EXPECT_EQ(status(3), "0");
  EXPECT_EQ(status(5), "7");
  EXPECT_EQ(counts_.unary, 0);
  EXPECT_EQ(got_.settings[NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS], Http2Limits::kUntrustedStreams);
}

TEST_F(GrpcCall, KeepsDeadlines) {
  start();
  send(call(1, "/test.Test/Echo", "", {{"grpc-timeout", "0m"}}));
  EXPECT_EQ(status(1), "4");
  send(call(3, "/test.Test/Echo", "", {{"grpc-timeout", "250m"}}));
  EXPECT_EQ(status(3), "0");
  EXPECT_EQ(counts_.deadline, Instant{1250ms});
  send(call(5, "/test.Test/Echo", "", {{"grpc-timeout", "soon"}}));
  EXPECT_EQ(status(5), "13");
  // The rest of a request comes late, or never.
  send(headers(7, grpc_head("/test.Test/Echo", {{"grpc-timeout", "250m"}})) +
       headers(9, grpc_head("/test.Test/Chat", {{"grpc-timeout", "250m"}})) +
       headers(11, grpc_head("/test.Test/Echo", {{"grpc-timeout", "250m"}})));
  now_.mono = now_.mono + 300ms;
  send(frame(wire::kData, wire::kEndStream, 7, message("")));
  EXPECT_EQ(status(7), "4");
  pass(1s);
  EXPECT_EQ(status(9), "4");
  EXPECT_EQ(status(11), "4");
  EXPECT_EQ(counts_.handlers, 0);
}

TEST_F(GrpcCall, StreamsMessagesBothWays) {
  start();
  send(headers(1, grpc_head("/test.Test/Chat")));
  EXPECT_EQ(counts_.handlers, 1);
  send(frame(wire::kData, 0, 1, message("a") + message("b")));
  EXPECT_EQ(stream(1).data, message("a") + message("b"));
  EXPECT_FALSE(stream(1).ended());
  EXPECT_TRUE(counts_.call->send("of its own accord"));
  EXPECT_EQ(wakes_, 1);
  collect();
  EXPECT_EQ(stream(1).data, message("a") + message("b") + message("of its own accord"));
  send(frame(wire::kData, 0, 1, message("bye") + message("more")));
  EXPECT_EQ(counts_.handlers, 0);
  EXPECT_EQ(status(1), "0");
  EXPECT_EQ(session_->streams(), 0u);
}

TEST_F(GrpcCall, TellsAStreamOfTheClientsEnd) {
  start();
  send(headers(1, grpc_head("/test.Test/Chat")) +
       frame(wire::kData, wire::kEndStream, 1, message("a")));
  EXPECT_EQ(counts_.ends, 1);
  EXPECT_EQ(stream(1).frames, "hdH");
  EXPECT_EQ(status(1), "11");
}

TEST_F(GrpcCall, ACancelledStreamLosesItsHandler) {
  start();
  send(headers(1, grpc_head("/test.Test/Chat")) + frame(wire::kData, 0, 1, message("a")));
  send(frame(wire::kReset, 0, 1, wire::be32(kCancel)));
  EXPECT_EQ(counts_.handlers, 0);
  EXPECT_EQ(session_->streams(), 0u);
  send(headers(3, grpc_head("/test.Test/Chat")));
  EXPECT_EQ(counts_.handlers, 1);
  session_.reset();
  EXPECT_EQ(counts_.handlers, 0);
}

TEST_F(GrpcCall, CountsCallsByMethodAndHowTheyEnded) {
  start();
  send(call(1, "/test.Test/Echo", "a") + call(3, "/test.Test/Echo", "b") +
       call(5, "/test.Test/Fail", "c") + call(7, "/test.Test/Other", "") +
       call(9, "/of.Client's/Making", ""));
  send(headers(11, grpc_head("/test.Test/Chat")));
  send(frame(wire::kReset, 0, 11, wire::be32(kCancel)));
  send(headers(13, grpc_head("/test.Test/Chat")) +
       frame(wire::kData, wire::kEndStream, 13, message("a")));
  auto get = grpc_head("/test.Test/Echo");
  get.front().second = "GET";
  send(headers(15, get, wire::kEndHeaders | wire::kEndStream));
  ASSERT_EQ(stream(15).fields[":status"], "405") << "no gRPC call, and not counted as one";

  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, std::uint64_t> ended;
  for (const EndedCalls& calls : table_->ended())
    ended[{calls.service, calls.method, name_of(calls.code)}] = calls.count;
  const decltype(ended) expected{{{"test.Test", "Echo", "OK"}, 2},
                                 {{"test.Test", "Fail", "ABORTED"}, 1},
                                 {{"test.Test", "Chat", "CANCELLED"}, 1},
                                 {{"test.Test", "Chat", "OUT_OF_RANGE"}, 1},
                                 {{"none", "none", "UNIMPLEMENTED"}, 2}};
  EXPECT_EQ(ended, expected);
}

TEST_F(GrpcCall, DropsMessagesForAClientThatDoesNotReadAndLetsItGoInTheEnd) {
  start();
  send(headers(1, grpc_head("/test.Test/Pour")) + frame(wire::kData, 0, 1, message("go")));
  const int bytes = counts_.poured * 1005;
  EXPECT_GT(bytes, 200 << 10);
  EXPECT_LT(bytes, 400 << 10);
  EXPECT_EQ(stream(1).data.size(), 65'535u) << "the window that every stream begins with";
  send(frame(wire::kWindow, 0, 0, wire::be32(1000)) + frame(wire::kWindow, 0, 1, wire::be32(1000)));
  EXPECT_EQ(stream(1).data.size(), 66'535u);
  pass(20s);
  EXPECT_FALSE(stream(1).was_reset);
  pass(20s);
  EXPECT_TRUE(stream(1).was_reset);
  EXPECT_EQ(stream(1).reset, kCancel);
  EXPECT_EQ(counts_.handlers, 0);
}

TEST_F(GrpcCall, BoundsMessagesThatAreNotWhole) {
  limits_.held_bytes = 100'000;
  start();
  std::string bytes;
  for (const std::uint32_t id : {1u, 3u, 5u, 7u})
    bytes +=
        headers(id, grpc_head("/test.Test/Echo")) +
        frame(wire::kData, 0, id, (std::string("\0\0\0\xea\x60", 5) + std::string(16'000, 'x'))) +
        frame(wire::kData, 0, id, std::string(16'000, 'x'));
  send(bytes);
  EXPECT_EQ(status(1), "");
  EXPECT_EQ(status(5), "");
  EXPECT_EQ(status(7), "8");
  send(frame(wire::kReset, 0, 3, wire::be32(kCancel)) +
       frame(wire::kData, 0, 1, std::string(16'000, 'x')) +
       call(9, "/test.Test/Echo", std::string(10'000, 'y')));
  EXPECT_EQ(status(9), "0") << "what is cancelled is no longer counted";
  pass(Http2Limits::kBodyTimeout + 1s);
  EXPECT_EQ(status(1), "4") << "nor waited for forever";
  EXPECT_EQ(session_->streams(), 0u);
}

TEST_F(GrpcCall, RefusesStreamsBeyondTheBound) {
  limits_.streams = 3;
  start();
  std::string bytes;
  for (const std::uint32_t id : {1u, 3u, 5u, 7u})
    bytes += headers(id, grpc_head("/test.Test/Chat"));
  send(bytes);
  EXPECT_EQ(counts_.handlers, 3);
  EXPECT_TRUE(stream(7).was_reset);
  EXPECT_EQ(stream(7).reset, kRefusedStream);
}

TEST_F(GrpcCall, CalmsAClientThatOpensAndResets) {
  start();
  std::string bytes;
  for (std::uint32_t i = 0; i < 1000; ++i)
    bytes += call(2 * i + 1, "/test.Test/Echo", "") +
             frame(wire::kReset, 0, 2 * i + 1, wire::be32(kCancel));
  send(bytes);
  EXPECT_EQ(got_.goaways, std::vector<std::uint32_t>{kCalm});
  EXPECT_LE(counts_.unary, FloodGuard::kResets + 1);
  EXPECT_TRUE(session_->over());
}

TEST_F(GrpcCall, CalmsAClientThatMakesTheServerReset) {
  start();
  std::string bytes;
  // A window update of zero is an error of its stream.
  for (std::uint32_t i = 0; i < 1000; ++i)
    bytes += headers(2 * i + 1, grpc_head("/test.Test/Chat")) +
             frame(wire::kWindow, 0, 2 * i + 1, wire::be32(0));
  for (std::size_t at = 0; at < bytes.size(); at += 4096) send(bytes.substr(at, 4096));
  ASSERT_FALSE(got_.goaways.empty());
  EXPECT_TRUE(session_->over());
}

TEST_F(GrpcCall, BearsResetsOfAClientThatMostlyFinishesItsCalls) {
  start();
  std::uint32_t id = 1;
  for (int round = 0; round < 20; ++round) {
    std::string bytes;
    for (int i = 0; i < 200; ++i, id += 2) bytes += call(id, "/test.Test/Echo", "");
    for (int i = 0; i < 100; ++i, id += 2)
      bytes += call(id, "/test.Test/Echo", "") + frame(wire::kReset, 0, id, wire::be32(kCancel));
    send(bytes);
  }
  EXPECT_TRUE(got_.goaways.empty());
}

TEST_F(GrpcCall, CalmsFloodsOfFramesThatAskForNothing) {
  const std::vector<std::string> floods{
      frame(wire::kPing, 0, 0, "12345678"),
      frame(wire::kSettings, 0, 0),
      frame(wire::kPriority, 0, 3, std::string("\0\0\0\1\0", 5)),
      frame(wire::kWindow, 0, 0, wire::be32(1)),
      frame(wire::kData, 0, 1),
  };
  for (std::size_t i = 0; i < floods.size(); ++i) {
    SCOPED_TRACE(i);
    got_ = wire::Received();
    start();
    send(headers(1, grpc_head("/test.Test/Chat")));
    std::string bytes;
    for (int n = 0; n < 2 * FloodGuard::kIdleFrames; ++n) bytes += floods[i];
    for (std::size_t at = 0; at < bytes.size(); at += 1000) send(bytes.substr(at, 1000));
    EXPECT_EQ(got_.goaways, std::vector<std::uint32_t>{kCalm});
    EXPECT_TRUE(session_->over());
  }
}

/// gRPC's C core sends two or three such frames with every answer that it reads.
TEST_F(GrpcCall, BearsPingsOfAClientWhoseCallsLast) {
  start();
  const std::string ping = frame(wire::kPing, 0, 0, "12345678");
  for (std::uint32_t id = 1; id < 2 * limits_.streams; id += 2) {
    send(headers(id, grpc_head("/test.Test/Chat")) + frame(wire::kData, 0, id, message("hello")));
    send(ping + ping + ping);
  }
  EXPECT_TRUE(got_.goaways.empty());
  EXPECT_EQ(session_->streams(), limits_.streams);
}

TEST_F(GrpcCall, BearsPingsOfAClientThatCalls) {
  start();
  std::uint32_t id = 1;
  for (int i = 0; i < 5000; ++i, id += 2)
    send(call(id, "/test.Test/Echo", "") + frame(wire::kPing, 0, 0, "12345678"));
  EXPECT_TRUE(got_.goaways.empty());
  EXPECT_EQ(got_.ping_acks, 5000);
}

TEST_F(GrpcCall, LetsGoOfAClientWhoseHeadDoesNotEnd) {
  start();
  send(headers(1, grpc_head("/test.Test/Echo"), 0));
  pass(limits_.head_timeout - 1s);
  EXPECT_TRUE(got_.goaways.empty());
  pass(2s);
  EXPECT_EQ(got_.goaways, std::vector<std::uint32_t>{0});
  EXPECT_TRUE(session_->over());
}

TEST_F(GrpcCall, SaysGoodbyeToAnIdleClient) {
  start();
  send(call(1, "/test.Test/Echo", ""));
  pass(limits_.idle_timeout - 1s);
  EXPECT_TRUE(got_.goaways.empty());
  pass(2s);
  EXPECT_EQ(got_.goaways.size(), 1u);
  pass(2s);
  EXPECT_EQ(got_.goaways.size(), 2u);
  EXPECT_TRUE(session_->over());
}

TEST_F(GrpcCall, ADrainAnswersCallsThatCrossItAndEndsStreams) {
  start();
  send(headers(1, grpc_head("/test.Test/Chat")) + headers(3, grpc_head("/test.Test/Echo")));
  session_->drain();
  collect();
  EXPECT_EQ(got_.goaways, std::vector<std::uint32_t>{0});
  EXPECT_EQ(got_.last_stream, 0x7fffffffu);
  ASSERT_EQ(got_.pings.size(), 1u);
  send(call(5, "/test.Test/Echo", "on its way") + frame(wire::kPing, wire::kAck, 0, got_.pings[0]));
  EXPECT_EQ(status(5), "0");
  EXPECT_EQ(status(1), "14");
  EXPECT_EQ(counts_.handlers, 0);
  EXPECT_EQ(got_.last_stream, 5u);
  EXPECT_FALSE(session_->over()) << "a unary call is under way";
  send(frame(wire::kData, wire::kEndStream, 3, message("rest")));
  EXPECT_EQ(stream(3).data, message("rest"));
  EXPECT_TRUE(session_->over());
}

TEST_F(GrpcCall, HealthTellsWatchersThatItStops) {
  start();
  const std::string watch = "/grpc.health.v1.Health/Watch";
  send(headers(1, grpc_head(watch)) +
       frame(wire::kData, wire::kEndStream, 1, message("\x0a\x09test.Test")) +
       headers(3, grpc_head(watch)) +
       frame(wire::kData, wire::kEndStream, 3, message("\x0a\x01x")));
  EXPECT_EQ(stream(1).data, message("\x08\x01"));
  EXPECT_EQ(stream(3).data, message("\x08\x03"));
  health_->stop_serving();
  collect();
  EXPECT_EQ(stream(1).data, message("\x08\x01") + message("\x08\x02"));
  send(call(5, "/grpc.health.v1.Health/Check", ""));
  EXPECT_EQ(stream(5).data, message("\x08\x02"));
  send(frame(wire::kReset, 0, 1, wire::be32(kCancel)));
  health_->stop_serving();  // nobody is told who has gone
}

TEST_F(GrpcCall, HealthHasRoomForSoManyWatchesAndNoMore) {
  limits_.streams = HealthService::kMostWatches + 10;
  start();
  const std::string watch = "/grpc.health.v1.Health/Watch";
  const auto id = [](std::size_t i) { return static_cast<std::uint32_t>(2 * i + 1); };
  for (std::size_t i = 0; i < HealthService::kMostWatches; ++i)
    send(headers(id(i), grpc_head(watch)));
  const std::uint32_t last = id(HealthService::kMostWatches - 1);
  EXPECT_EQ(status(last), "");
  send(call(last + 2, watch, ""));
  EXPECT_EQ(status(last + 2), "8");
  send(call(last + 4, "/grpc.health.v1.Health/Check", ""));
  EXPECT_EQ(status(last + 4), "0");
  send(frame(wire::kReset, 0, 1, wire::be32(kCancel)));
  send(call(last + 6, watch, ""));
  EXPECT_EQ(stream(last + 6).data, message("\x08\x01")) << "one has gone";
}

TEST_F(GrpcCall, AnswersProtocolErrorsWithGoaway) {
  start();
  send(frame(wire::kData, 0, 0, "data on stream zero"));
  EXPECT_EQ(got_.goaways, std::vector<std::uint32_t>{1});
  EXPECT_TRUE(session_->over());
}

}  // namespace
}  // namespace tidelimit::serve::grpc
