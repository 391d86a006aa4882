#include "serve/admin/predict_body.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace tidelimit::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kShape[] = {2, 3};
constexpr std::string_view kNames[] = {"sequence", "sequences"};

Result<PredictBody> read(std::string_view body) {
  return read_predict_body(body, kNames, kShape);
}
std::string refused(std::string_view body) {
  const auto got = read(body);
  return got ? "read" : got.error().message;
}

TEST(PredictBody, TakesRowsInEveryFormOfTheOriginal) {
  for (const char* body : {R"({"instances":[[[1,2,3],[4,5,6.5]]]})",
                           R"({"instances":[{"sequence":[[1,2,3],[4,5,6.5]]}]})",
                           R"({"instances":[{"sequences":[[1,2,3],[4,5,6.5]]}]})",
                           R"({"inputs":[[[1,2,3],[4,5,6.5]]],"signature_name":"serving_default"})",
                           R"({"signature_name":"","inputs":{"sequence":[[[1,2,3],[4,5,6.5]]]}})",
                           R"({"inputs":{"sequences":[[[1,2,3],[4,5,6.5]]]}})"}) {
    const auto got = read(body);
    ASSERT_TRUE(got) << body << ": " << got.error().message;
    EXPECT_EQ(got->by_row, std::string(body).find("instances") != std::string::npos);
    EXPECT_THAT(got->rows, ElementsAre(1, 2, 3, 4, 5, 6.5F));
  }
  EXPECT_TRUE(read(R"({"instances":[]})")->rows.empty());
}

TEST(PredictBody, SaysWhatDoesNotFit) {
  EXPECT_THAT(refused("{"), HasSubstr("JSON Parse error"));
  EXPECT_THAT(refused(R"({"instances":[]} x)"), HasSubstr("JSON Parse error"));
  EXPECT_THAT(refused("[]"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(refused("{}"), HasSubstr(R"(either "instances" or "inputs")"));
  EXPECT_THAT(refused(R"({"instances":[],"inputs":[]})"), HasSubstr("either"));
  EXPECT_THAT(refused(R"({"instances":7})"),
              HasSubstr("\"instances\": expected an array, got a number"));
  EXPECT_THAT(refused(R"({"inputs":{"other":[]}})"), HasSubstr("must hold \"sequence\""));
  EXPECT_THAT(refused(R"({"instances":[{"other":[]}]})"), HasSubstr("instance 0 must hold"));
  EXPECT_THAT(refused(R"({"instances":[[[1,2,3],[4,5]]]})"),
              HasSubstr("instance 0 of shape [2, 3]: expected an array of 3, got 2 elements"));
  EXPECT_THAT(refused(R"({"instances":[[[1,2,3],[4,5,6],[7,8,9]]]})"),
              HasSubstr("got more elements"));
  EXPECT_THAT(refused(R"({"instances":[[[1,2,3],[4,"5",6]]]})"),
              HasSubstr("expected a number, got a string"));
  EXPECT_THAT(refused(R"({"instances":[[[1,2,3],[4,1e39,6]]]})"), HasSubstr("too large"));
  EXPECT_THAT(refused(R"({"instances":[0,0,0]})"),
              HasSubstr("expected an array of 2, got a number"));
  EXPECT_THAT(refused(R"({"instances":[],"signature_name":"train"})"), HasSubstr("signature"));
  for (const char* no_number : {"-Infinity", "-NaN"})
    EXPECT_THAT(refused(fmt::format(R"({{"instances":[[[1,2,{}],[4,5,6]]]}})", no_number)),
                HasSubstr("a number that is not as JSON writes it"));
  EXPECT_EQ(refused(R"({"instances":[],"instances":[]})"), R"("instances" is there twice)");
  EXPECT_EQ(refused(R"({"inputs":[],"inputs":[]})"), R"("inputs" is there twice)");
}

TEST(PredictBody, TakesInstancesOfOneFormAlone) {
  constexpr const char* kPlain = "[[1,2,3],[4,5,6]]";
  const std::string named = fmt::format(R"({{"sequence":{}}})", kPlain);
  const auto both = [](std::string_view first, std::string_view second) {
    return refused(fmt::format(R"({{"instances":[{},{}]}})", first, second));
  };
  EXPECT_EQ(both(kPlain, kPlain), "read");
  EXPECT_EQ(both(named, named), "read");
  EXPECT_EQ(both(kPlain, named),
            "all instances must be of one form: instance 1 is an object, and those before it are "
            "not");
  EXPECT_EQ(both(named, kPlain),
            "all instances must be of one form: instance 1 is a plain array, and those before it "
            "are not");
  const std::string more = fmt::format(R"({{"sequence":{},"weather":1}})", kPlain);
  EXPECT_EQ(both(named, more),
            "instance 1 must hold \"sequence\" and nothing else; it holds \"weather\"");
  const std::string twice = fmt::format(R"({{"sequence":{0},"sequences":{0}}})", kPlain);
  EXPECT_EQ(both(named, twice), "instance 1 holds \"sequence\" twice");
  EXPECT_EQ(refused(fmt::format(R"({{"inputs":{{"weather":1,"sequence":[{}]}}}})", kPlain)),
            "\"inputs\" must hold \"sequence\" and nothing else; it holds \"weather\"");
}

TEST(PredictBody, RefusesWhatIsNestedWithoutEnd) {
  const std::string deep = R"({"instances":)" + std::string(100'000, '[') + "}";
  EXPECT_NE(refused(deep), "read");
}

}  // namespace
}  // namespace tidelimit::serve
