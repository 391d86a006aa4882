#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <new>
#include <optional>

#include "serve/group_cpu.hpp"
#include "serve/prometheus_poll.hpp"
#include "serve/safely.hpp"
#include "serve/scripted_server.hpp"

namespace tidelimit::serve {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

Instant at(int second) {
  return Instant{seconds{second}};
}

TEST(GroupCpu, IsTheUsedShareOfTheQuota) {
  GroupCpu cpu;
  const auto take = [&](const char* stat, const char* most, int second) {
    return cpu.take(stat, most, 4, at(second));
  };
  EXPECT_EQ(take("usage_usec 1000000\nuser_usec 1\n", "200000 100000\n", 10), std::nullopt);
  EXPECT_DOUBLE_EQ(take("usage_usec 2000000\n", "200000 100000\n", 11).value(), 0.5);
  EXPECT_DOUBLE_EQ(take("usage_usec 4000000\n", "max 100000\n", 12).value(), 0.5)
      << "without a quota all CPUs count";
  EXPECT_DOUBLE_EQ(take("usage_usec 8000000\n", "", 13).value(), 1.0) << "the root group has none";
  EXPECT_DOUBLE_EQ(take("usage_usec 8500000\n", "50000 100000\n", 14).value(), 1.0);
  EXPECT_EQ(take("usage_usec 8500000\n", "50000 100000\n", 14), std::nullopt) << "no time passed";
  EXPECT_EQ(take("usage_usec 1\n", "max 100000\n", 15), std::nullopt) << "another group";
  EXPECT_EQ(take("usage_usec ten\n", "max 100000\n", 16), std::nullopt);
  EXPECT_EQ(take("usage_usec 9\n", "none at all\n", 17), std::nullopt);
}

std::string vector_of(const char* samples) {
  return std::string(R"({"status":"success","data":{"resultType":"vector","result":[)") + samples +
         "]}}";
}

TEST(Safely, TakesWhatIsThrownForAnError) {
  const auto thrown = safely([]() -> Result<double> { throw std::bad_alloc(); });
  ASSERT_FALSE(thrown);
  EXPECT_EQ(thrown.error().code, Code::internal);
  EXPECT_EQ(thrown.error().message, std::bad_alloc().what());
  EXPECT_EQ(safely([]() -> Result<double> { return 0.5; }), 0.5);
}

TEST(QueryValue, IsTheLargestSample) {
  EXPECT_DOUBLE_EQ(*value_in_answer(vector_of(R"({"value":[1,"1.01"]})")), 1) << "rounding";
  EXPECT_EQ(value_in_answer(vector_of(R"({"value":[1,"5"]})")).error().message,
            "the query answers 5, which is no share from 0 to 1; divide by 100");
  EXPECT_DOUBLE_EQ(*value_in_answer(vector_of(R"({"metric":{},"value":[1.5,"0.25"]})")), 0.25);
  EXPECT_DOUBLE_EQ(*value_in_answer(vector_of(
                       R"({"value":[1,"0.25"]},{"value":[1,"0.75"]},{"value":[1,"NaN"]})")),
                   0.75);
  EXPECT_DOUBLE_EQ(
      *value_in_answer(R"({"status":"success","data":{"resultType":"scalar","result":[1,"0.5"]}})"),
      0.5);
}

TEST(QueryValue, SaysWhatIsWrong) {
  const auto words = [](const std::string& body) {
    const auto value = value_in_answer(body);
    return value ? "accepted" : value.error().message;
  };
  EXPECT_THAT(words("<html>"), HasSubstr("no JSON object"));
  EXPECT_THAT(words(R"({"status":"error","error":"parse error: unexpected end"})"),
              HasSubstr("parse error"));
  EXPECT_THAT(words(vector_of("")), HasSubstr("no series"));
  EXPECT_THAT(words(vector_of(R"({"value":[1,"NaN"]})")), HasSubstr("no series"));
  EXPECT_THAT(words(vector_of(R"({"value":[1,"-1"]})")), HasSubstr("negative"));
  EXPECT_THAT(words(R"({"status":"success","data":{"resultType":"matrix","result":[]}})"),
              HasSubstr("gives a matrix"));
  EXPECT_THAT(words(R"({"status":"success"})"), HasSubstr("ask for a scalar"));
}

TEST(QueryValue, TakesNoWordOfAnybodysJsonForGranted) {
  const auto words = [](const std::string& body) {
    const auto value = value_in_answer(body);
    return value ? "accepted" : value.error().message;
  };
  EXPECT_THAT(words(R"({"timestamp":"x","status":404,"error":"Not Found"})"),
              HasSubstr("Not Found"));
  EXPECT_THAT(words(R"({"status":"error","error":null})"), HasSubstr("the query failed"));
  EXPECT_THAT(words(R"({"status":"success","data":null})"), HasSubstr("ask for a scalar"));
  EXPECT_THAT(words(R"({"status":"success","data":{"resultType":7,"result":7}})"),
              HasSubstr("ask for a scalar"));
  EXPECT_THAT(words(R"({"status":"success","data":{"resultType":"vector","result":7}})"),
              HasSubstr("no series"));
  EXPECT_THAT(words(vector_of(R"(7,"x",{"value":7})")), HasSubstr("no series"));
}

TEST(PrometheusPoll, WaitsForNoAnswerWhenItEnds) {
  ScriptedServer server({{kDripping}});
  Notes notes;
  std::optional<PrometheusPoll> poll;
  poll.emplace(server.url(), "cpu", "signals", notes, [](double) { FAIL() << "nothing was said"; });
  while (server.asked() == 0) std::this_thread::sleep_for(std::chrono::milliseconds{1});
  const auto begin = std::chrono::steady_clock::now();
  poll.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds{1});
}

}  // namespace
}  // namespace tidelimit::serve
