#include "model/manifest_json.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "model/digest.hpp"

namespace tidelimit::model {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ManifestFile example() {
  ManifestFile file;
  file.manifest.preset = "best";
  file.manifest.trained_from = parse_time("2026-10-24T00:00:00Z").value();
  file.manifest.trained_until = parse_time("2026-11-24T10:15:00Z").value();
  file.manifest.endpoints = {"payment", "browse", "with \"quotes\""};
  file.manifest.shape = {.window = std::chrono::minutes{5},
                         .history = std::chrono::hours{12},
                         .horizon = std::chrono::minutes{30}};
  file.manifest.figures = {{"validation_mae", 12.25}, {"epochs", 50}};
  file.features["anomaly.onnx"] = {{"requests_per_minute", "log(1 + x)"}, {"error_ratio", "raw"}};
  file.files["anomaly.onnx"] = {std::string(64, 'a'), 1234};
  return file;
}

/// What the reader says of the example with one change.
template <class Change>
std::string refusal(Change&& change) {
  auto manifest = json::parse(write_manifest(example()));
  change(manifest);
  const auto read = read_manifest(manifest.dump());
  return read ? "accepted" : read.error().message;
}

TEST(ManifestJson, ComesBackWhole) {
  const auto put = example();
  const auto back = read_manifest(write_manifest(put));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->manifest.preset, "best");
  EXPECT_EQ(back->manifest.trained_from, put.manifest.trained_from);
  EXPECT_EQ(back->manifest.trained_until, put.manifest.trained_until);
  EXPECT_EQ(back->manifest.endpoints, put.manifest.endpoints);
  EXPECT_EQ(back->manifest.shape, put.manifest.shape);
  EXPECT_EQ(back->manifest.figures, put.manifest.figures);
  ASSERT_EQ(back->features.at("anomaly.onnx").size(), 2U);
  EXPECT_EQ(back->features.at("anomaly.onnx")[0].name, "requests_per_minute");
  EXPECT_EQ(back->features.at("anomaly.onnx")[0].scaling, "log(1 + x)");
  EXPECT_EQ(back->files.at("anomaly.onnx").sha256, std::string(64, 'a'));
  EXPECT_EQ(back->files.at("anomaly.onnx").size, 1234U);
}

TEST(ManifestJson, VersionNamesTrainingEndAndContent) {
  auto file = example();
  const auto version = [&] { return read_manifest(write_manifest(file))->manifest.version; };
  const auto first = version();
  EXPECT_THAT(first, StartsWith("20261124T101500Z-"));
  EXPECT_EQ(first.size(), std::string("20261124T101500Z-1a2b3c4d").size());
  EXPECT_EQ(version(), first);
  file.files["anomaly.onnx"].sha256[0] = 'b';
  EXPECT_NE(version(), first);
}

TEST(ManifestJson, RefusesWhatWasChangedByHand) {
  EXPECT_THAT(refusal([](json& m) { m["figures"]["validation_mae"] = 1.0; }),
              HasSubstr("changed after training"));
  EXPECT_THAT(refusal([](json& m) { m["shape"]["window"] = "15m"; }), HasSubstr("changed"));
}

TEST(ManifestJson, NamesBothFormats) {
  EXPECT_THAT(refusal([](json& m) { m["format_version"] = 7; }),
              HasSubstr("bundle format 7, and this program reads format 1"));
  EXPECT_THAT(refusal([](json& m) { m.erase("format_version"); }), HasSubstr("reads format 1"));
}

TEST(ManifestJson, RefusesWhatIsNotOurs) {
  EXPECT_THAT(read_manifest("{\"name\": \"my-web-page\"}").error().message,
              HasSubstr("not a tidelimit model bundle"));
  EXPECT_THAT(read_manifest("[]").error().message, HasSubstr("not a tidelimit model bundle"));
  EXPECT_THAT(read_manifest("").error().message, HasSubstr("no JSON"));
  const auto text = write_manifest(example());
  EXPECT_THAT(read_manifest(text.substr(0, text.size() / 2)).error().message, HasSubstr("no JSON"));
}

TEST(ManifestJson, NamesTheKeyThatIsWrong) {
  const auto says = [](const char* words) { return HasSubstr(words); };
  EXPECT_THAT(refusal([](json& m) { m.erase("preset"); }), says("\"preset\" must be a text"));
  EXPECT_THAT(refusal([](json& m) { m["trained_until"] = "soon"; }),
              says("\"trained_until\" must be a time like"));
  EXPECT_THAT(refusal([](json& m) { m["endpoints"] = "payment"; }),
              says("\"endpoints\" must be a list"));
  EXPECT_THAT(refusal([](json& m) { m["endpoints"] = json::array({1}); }),
              says("\"endpoints\" must be a list"));
  EXPECT_THAT(refusal([](json& m) { m["shape"]["window"] = "15"; }),
              says("\"shape.window\" must be a duration like 15m"));
  EXPECT_THAT(refusal([](json& m) { m["shape"]["history"] = "7m"; }),
              says("\"shape.history\" must be a multiple of the window"));
  EXPECT_THAT(refusal([](json& m) { m["figures"]["x"] = "y"; }),
              says("\"figures.x\" must be a number"));
  EXPECT_THAT(refusal([](json& m) { m["files"]["anomaly.onnx"]["size"] = -1; }),
              says("\"files.anomaly.onnx.size\" must be a whole number"));
  EXPECT_THAT(refusal([](json& m) { m["features"]["anomaly.onnx"] = json::array({1}); }),
              says("\"features.anomaly.onnx\" must be a list of objects"));
}

// FIPS 180-4, appendix B and the empty message.
TEST(Digest, IsSha256) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace tidelimit::model
