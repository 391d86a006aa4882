#include "model/bundle.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "model/digest.hpp"
#include "model/some_model.hpp"

namespace tidelimit::model {
namespace {

using forecast::Preset;
using nlohmann::json;
using ::testing::HasSubstr;

Bundle some_bundle() {
  Bundle bundle;
  bundle.manifest.preset = "best";
  bundle.manifest.trained_from = parse_time("2026-10-24T00:00:00Z").value();
  bundle.manifest.trained_until = parse_time("2026-11-24T10:15:00Z").value();
  bundle.manifest.endpoints = {"payment"};
  bundle.forecast = some_forecaster(Preset::best, 4);
  bundle.anomaly = some_detector();
  return bundle;
}

/// What decode() says of the bundle's files with one change.
template <class Change>
std::string refusal(Change&& change) {
  auto files = encode(some_bundle()).value();
  change(files);
  const auto read = decode(files);
  return read ? "accepted" : read.error().message;
}

/// The manifest with one change, its version drawn anew as encode() would.
template <class Change>
void edit_manifest(BundleFiles& files, Change&& change) {
  auto manifest = json::parse(files["manifest.json"]);
  change(manifest);
  const std::string stem =
      manifest["version"].get<std::string>().substr(0, std::string("20261124T101500Z-").size());
  manifest.erase("version");
  manifest["version"] = stem + sha256_hex(manifest.dump()).substr(0, 8);
  files["manifest.json"] = manifest.dump();
}

TEST(Bundle, ComesBackWhole) {
  const auto files = encode(some_bundle());
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->size(), 3U);
  const auto back = decode(*files);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->forecast->network.weights, some_bundle().forecast->network.weights);
  EXPECT_EQ(back->manifest.forecast_version, back->manifest.version);
  EXPECT_EQ(back->manifest.anomaly_version, back->manifest.version);
  EXPECT_EQ(encode(*back), *files);
  std::size_t size = 0;
  for (const auto& [name, bytes] : *files) size += bytes.size();
  EXPECT_LT(size, 1'000'000U);
}

TEST(Bundle, MayHoldOneModelButNotNone) {
  auto bundle = some_bundle();
  bundle.anomaly = nullptr;
  const auto back = decode(encode(bundle).value());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->anomaly, nullptr);
  EXPECT_EQ(back->manifest.anomaly_version, "");
  bundle.forecast = nullptr;
  EXPECT_FALSE(encode(bundle));
}

TEST(Bundle, RefusesTruncationAndFlippedBits) {
  for (const char* name : {"traffic.onnx", "anomaly.onnx"}) {
    EXPECT_THAT(refusal([&](auto& files) { files[name].pop_back(); }),
                HasSubstr(std::string(name) + ": damaged, it has"));
    EXPECT_THAT(refusal([&](auto& files) { files[name][files[name].size() / 2] ^= 4; }),
                HasSubstr(std::string(name) + ": damaged, its checksum"));
    EXPECT_THAT(refusal([&](auto& files) { files.erase(name); }),
                HasSubstr(std::string(name) + ": missing"));
  }
}

TEST(Bundle, RefusesAnyFlippedBitOfTheManifest) {
  const auto files = encode(some_bundle()).value();
  Random random(11);
  for (int i = 0; i < 300; ++i) {
    auto damaged = files;
    auto& text = damaged["manifest.json"];
    const std::size_t at = random.below(text.size());
    // White space between words is no content.
    if (std::isspace(static_cast<unsigned char>(text[at]))) continue;
    text[at] ^= static_cast<char>(1 << random.below(7));
    ASSERT_FALSE(decode(damaged)) << "byte " << at;
  }
}

TEST(Bundle, RefusesWhatIsForeign) {
  EXPECT_THAT(refusal([](auto& files) { files.erase("manifest.json"); }),
              HasSubstr("there is no manifest.json"));
  EXPECT_THAT(
      refusal([](auto& files) { edit_manifest(files, [](json& m) { m["format_version"] = 2; }); }),
      HasSubstr("bundle format 2, and this program reads format 1"));
  EXPECT_THAT(refusal([](auto& files) {
                edit_manifest(files,
                              [](json& m) { m["files"]["../x"] = m["files"]["traffic.onnx"]; });
              }),
              HasSubstr("names \"../x\""));
}

TEST(Bundle, RefusesOtherFeaturesAndShapes) {
  EXPECT_THAT(refusal([](auto& files) {
                edit_manifest(files,
                              [](json& m) { m["features"]["traffic.onnx"][0]["name"] = "x"; });
              }),
              HasSubstr("traffic.onnx: made for the features x,"));
  EXPECT_THAT(refusal([](auto& files) {
                edit_manifest(files, [](json& m) { m["features"]["anomaly.onnx"].erase(0); });
              }),
              HasSubstr("anomaly.onnx: made for the features"));
  EXPECT_THAT(refusal([](auto& files) {
                edit_manifest(files, [](json& m) { m["shape"]["history"] = "12h"; });
              }),
              HasSubstr("traffic.onnx: made for window 15m, history 24h"));
}

TEST(Bundle, RefusesASoundManifestOverAnUnsoundModel) {
  EXPECT_THAT(refusal([](auto& files) {
                files["traffic.onnx"] = "no model";
                edit_manifest(files, [&](json& m) {
                  m["files"]["traffic.onnx"]["size"] = files["traffic.onnx"].size();
                  m["files"]["traffic.onnx"]["sha256"] = sha256_hex(files["traffic.onnx"]);
                });
              }),
              HasSubstr("no ONNX file"));
}

}  // namespace
}  // namespace tidelimit::model
