#include "serve/admin/predict_body.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace tidelimit::serve {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::size_t kShape[] = {2, 3};

Result<PredictBody> read(std::string_view body) {
  return read_predict_body(body, "sequence", kShape);
}
std::string refused(std::string_view body) {
  const auto got = read(body);
  return got ? "read" : got.error().message;
}

TEST(PredictBody, TakesRowsInEveryFormOfTheOriginal) {
  for (const char* body :
       {R"({"instances":[[[1,2,3],[4,5,6.5]]]})",
        R"({"instances":[{"sequence":[[1,2,3],[4,5,6.5]]}]})",
        R"({"inputs":[[[1,2,3],[4,5,6.5]]],"signature_name":"serving_default"})",
        R"({"signature_name":"","inputs":{"sequence":[[[1,2,3],[4,5,6.5]]]}})"}) {
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
}

TEST(PredictBody, RefusesWhatIsNestedWithoutEnd) {
  const std::string deep = R"({"instances":)" + std::string(100'000, '[') + "}";
  EXPECT_NE(refused(deep), "read");
}

}  // namespace
}  // namespace tidelimit::serve
