#include "serve/gate/body.hpp"

#include <gtest/gtest.h>
#include <string>

#include "serve/http/handler.hpp"

namespace tidelimit::serve {
namespace {

/// A body with the padding that the reader counts on.
struct Padded {
  explicit Padded(std::string text) : bytes(std::move(text)) {
    bytes.reserve(bytes.size() + kBodyPadding);
  }
  std::string bytes;
};

class BodyReaderTest : public testing::Test {
 protected:
  Result<CheckCall> check(const std::string& text) {
    body_ = Padded(text);
    return reader_.check(body_.bytes);
  }
  Result<const std::vector<traffic::Request>*> report(const std::string& text) {
    body_ = Padded(text);
    return reader_.report(body_.bytes, WallTime{std::chrono::seconds{1000}});
  }
  BodyReader reader_;
  Padded body_{""};
};

TEST_F(BodyReaderTest, ReadsEveryFieldOfACheck) {
  const auto call =
      check(R"({"client_ip":"203.0.113.7","user_id":"4\u00e92","tier":"PRM","method":"POST",)"
            R"("path":"/pay?x","user_agent":"curl","hits":3,"unknown":{"a":[1,2]}})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(format_client(call->request.client), "203.0.113.7");
  EXPECT_EQ(call->request.user_id, "4é2");
  EXPECT_EQ(call->request.tier, "PRM");
  EXPECT_EQ(call->request.method, "POST");
  EXPECT_EQ(call->request.path, "/pay?x");
  EXPECT_EQ(call->request.user_agent, "curl");
  EXPECT_EQ(call->hits, 3u);
}

TEST_F(BodyReaderTest, NullAndAbsentFieldsTakeTheirDefaults) {
  const auto call = check(R"({"client_ip":"::1","path":"/","tier":null,"hits":null})");
  ASSERT_TRUE(call) << call.error().message;
  EXPECT_EQ(call->request.method, "GET");
  EXPECT_EQ(call->hits, 1u);
  EXPECT_EQ(call->request.tier, "");
}

struct BadBody {
  const char* name;
  const char* text;
  const char* says;
};

class BadCheck : public BodyReaderTest, public testing::WithParamInterface<BadBody> {};

TEST_P(BadCheck, IsRefusedInWords) {
  const auto call = check(GetParam().text);
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().code, Code::invalid_argument);
  EXPECT_NE(call.error().message.find(GetParam().says), std::string::npos) << call.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Check, BadCheck,
    testing::Values(
        BadBody{"empty", "", "empty"}, BadBody{"blank", " \n", "empty"},
        BadBody{"no_json", "client_ip=1", "JSON"},
        BadBody{"cut", R"({"client_ip":"1.2.3.4")", "JSON"},
        BadBody{"no_utf8", "{\"client_ip\":\"1.2.3.4\",\"path\":\"/\xe9\"}", "UTF-8"},
        BadBody{"array", "[]", "must be a JSON object"},
        BadBody{"rest", R"({"client_ip":"1.2.3.4","path":"/"} {})", "after the JSON object"},
        BadBody{"no_client", R"({"path":"/"})", "client_ip"},
        BadBody{"no_path", R"({"client_ip":"1.2.3.4"})", "path"},
        BadBody{"bad_client", R"({"client_ip":"1.2.3.4.5","path":"/"})", "1.2.3.4.5"},
        BadBody{"number_client", R"({"client_ip":7,"path":"/"})", "\"client_ip\" must be a string"},
        BadBody{"negative_hits", R"({"client_ip":"1.2.3.4","path":"/","hits":-1})", "hits"},
        BadBody{"huge_hits", R"({"client_ip":"1.2.3.4","path":"/","hits":1000001})", "hits"},
        BadBody{"fraction_hits", R"({"client_ip":"1.2.3.4","path":"/","hits":1.5})", "hits"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_F(BodyReaderTest, ReadsReportsOneAndMany) {
  const auto one = report(
      R"({"client_ip":"203.0.113.7","path":"/a","status":200,"latency_ms":12.5,"bytes":10})");
  ASSERT_TRUE(one) << one.error().message;
  ASSERT_EQ((*one)->size(), 1u);
  EXPECT_EQ((*one)->front().status, 200);
  EXPECT_FLOAT_EQ((*one)->front().latency_ms, 12.5f);
  EXPECT_EQ((*one)->front().time, WallTime{std::chrono::seconds{1000}});
  EXPECT_EQ((*one)->front().method, "GET") << "as a check's";
  const auto many = report(
      R"([{"client_ip":"a.example","path":"/a","status":429,"timestamp":"2026-11-24T10:00:00Z"},)"
      R"({"client_ip":"203.0.113.7","path":"/b","status":429,"own_denial":false,)"
      R"("asked":false,"timestamp":1764000000.123456789}])");
  ASSERT_TRUE(many) << many.error().message;
  ASSERT_EQ((*many)->size(), 2u);
  EXPECT_EQ((*many)->at(0).path, "/a");
  EXPECT_EQ((*many)->at(0).own_denial, std::nullopt) << "it does not say";
  EXPECT_EQ(format_time((*many)->at(0).time), "2026-11-24T10:00:00Z");
  EXPECT_EQ((*many)->at(1).own_denial, false);
  EXPECT_EQ((*many)->at(0).asked, traffic::Asked::unsaid);
  EXPECT_EQ((*many)->at(1).asked, traffic::Asked::never);
  EXPECT_EQ((*many)->at(1).time.time_since_epoch().count(), 1764000000123456789);
}

TEST_F(BodyReaderTest, AReportedAddressMayHaveItsPort) {
  for (const char* text : {"203.0.113.7", "203.0.113.7:4711", "[::ffff:203.0.113.7]:4711"}) {
    const auto seen = report(R"({"path":"/a","client_ip":")" + std::string(text) + "\"}");
    ASSERT_TRUE(seen) << seen.error().message;
    EXPECT_EQ((*seen)->front().client, client_of("203.0.113.7")) << text;
  }
  EXPECT_TRUE((*report(R"({"path":"/a","client_ip":"a.example"})"))->front().client.is_host_name());
}

TEST_F(BodyReaderTest, AReportIsAllOrNothingAndNamesTheElement) {
  const auto user = report(R"({"user_id":"u1","path":"/","status":200})");
  ASSERT_TRUE(user) << user.error().message;
  EXPECT_EQ((*user)->at(0).user_id, "u1");

  const auto bad = report(R"([{"client_ip":"1.2.3.4","path":"/"},{"path":"/"}])");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("element 1"), std::string::npos) << bad.error().message;
  EXPECT_FALSE(report(R"([1])"));
  EXPECT_FALSE(report("{\"client_ip\":\"1.2.3.4\",\"path\":\"/\xe9\"}"));
  EXPECT_FALSE(report(R"("x")"));
  EXPECT_FALSE(report(R"([{"client_ip":"1.2.3.4","path":"/"}] x)"));
  EXPECT_FALSE(report(R"({"client_ip":"1.2.3.4","path":"/","status":1000})"));
  EXPECT_FALSE(report(R"({"client_ip":"1.2.3.4","path":"/","latency_ms":-1})"));
  EXPECT_FALSE(report(R"({"client_ip":"1.2.3.4","path":"/","timestamp":"noon"})"));
  const auto none = report("[]");
  ASSERT_TRUE(none);
  EXPECT_TRUE((*none)->empty());
}

}  // namespace
}  // namespace tidelimit::serve
