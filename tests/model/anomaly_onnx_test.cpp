#include "model/anomaly_onnx.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "anomaly/detector_model.hpp"
#include "base/random.hpp"

namespace tidelimit::model {
namespace {

using traffic::ClientFeatures;
using traffic::Feature;
using traffic::kFeatures;

std::vector<ClientFeatures> rows(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<ClientFeatures> out(count);
  for (ClientFeatures& row : out) {
    row[Feature::requests_per_minute] = static_cast<float>(20 * random.exponential());
    row[Feature::error_ratio] = static_cast<float>(0.1 * random.uniform());
    row[Feature::endpoint_concentration] = static_cast<float>(random.uniform());
    row[Feature::agent_diversity] = static_cast<float>(1 + random.exponential());
    row[Feature::hour_requests] = static_cast<float>(300 * random.exponential());
    row[Feature::hour_errors] = static_cast<float>(5 * random.exponential());
    row[Feature::hour_error_ratio] = static_cast<float>(0.1 * random.uniform());
  }
  return out;
}

std::shared_ptr<const anomaly::Detector> trained(anomaly::Setting setting) {
  return *anomaly::train(rows(1000, 1), {.setting = setting, .trees = 20, .sample = 64});
}

class AnomalyOnnx : public testing::TestWithParam<anomaly::Setting> {};
INSTANTIATE_TEST_SUITE_P(Settings, AnomalyOnnx,
                         testing::Values(anomaly::Setting::plain, anomaly::Setting::best));

/// The file with one change.
template <class Change>
std::string changed(Change&& change, anomaly::Setting setting = anomaly::Setting::plain) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(anomaly_to_onnx(*trained(setting))));
  change(model);
  return model.SerializeAsString();
}

std::string refusal(std::string_view bytes) {
  const auto read = anomaly_from_onnx(bytes);
  return read.has_value() ? "accepted" : read.error().message;
}

void set_metadata(onnx::ModelProto& model, const std::string& key, const std::string& value) {
  for (auto& entry : *model.mutable_metadata_props()) {
    if (entry.key() == key) {
      entry.set_value(value);
    }
  }
}

onnx::AttributeProto& attribute(onnx::ModelProto& model, const std::string& name) {
  for (auto& node : *model.mutable_graph()->mutable_node()) {
    for (auto& candidate : *node.mutable_attribute()) {
      if (candidate.name() == name) {
        return candidate;
      }
    }
  }
  throw std::logic_error("no attribute " + name);
}

TEST_P(AnomalyOnnx, TheWayThroughTheFileChangesNothing) {
  const auto detector = trained(GetParam());
  const std::string bytes = anomaly_to_onnx(*detector);
  const auto back = anomaly_from_onnx(bytes);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(anomaly_to_onnx(**back), bytes);
  EXPECT_EQ(threshold(**back), threshold(*detector));
  for (const ClientFeatures& row : rows(500, 2)) {
    ASSERT_EQ(score(**back, row), score(*detector, row));
    ASSERT_EQ(examine(**back, row).evidence, examine(*detector, row).evidence);
    ASSERT_EQ(in_words(explain(**back, row)), in_words(explain(*detector, row)));
  }
}

TEST(AnomalyOnnxFile, KeepsWhatIsUsualForEachTier) {
  auto some = rows(1000, 1);
  for (std::size_t i = 0; i < some.size(); ++i) some[i].tier = static_cast<std::uint8_t>(i % 3);
  const auto detector =
      *anomaly::train(some, {.trees = 20, .sample = 64, .tiers = {"STD", "a,b \"c\""}});
  const std::string bytes = anomaly_to_onnx(*detector);
  const auto back = anomaly_from_onnx(bytes);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(anomaly_to_onnx(**back), bytes);
  ASSERT_EQ((*back)->parts().tiers.size(), 2U);
  EXPECT_EQ((*back)->parts().tiers[1].tier, "a,b \"c\"");
  for (std::size_t i = 0; i < kFeatures; ++i) {
    EXPECT_EQ((*back)->parts().tiers[1].usual[i].low, detector->parts().tiers[1].usual[i].low);
    EXPECT_EQ((*back)->parts().tiers[1].usual[i].high, detector->parts().tiers[1].usual[i].high);
  }
  onnx::ModelProto damaged;
  ASSERT_TRUE(damaged.ParseFromString(bytes));
  set_metadata(damaged, "tier.1.usual.error_ratio.high", "much");
  EXPECT_THAT(refusal(damaged.SerializeAsString()),
              testing::HasSubstr("tier.1.usual.error_ratio.high"));
}

TEST_P(AnomalyOnnx, RefusesEveryTruncation) {
  const std::string bytes = anomaly_to_onnx(*trained(GetParam()));
  for (std::size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 300) {
    ASSERT_FALSE(anomaly_from_onnx(std::string_view(bytes).substr(0, length)).has_value())
        << length << " of " << bytes.size();
  }
}

TEST_P(AnomalyOnnx, SurvivesDamageAtAnyByte) {
  const std::string bytes = anomaly_to_onnx(*trained(GetParam()));
  Random random(5);
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    damaged[random.below(damaged.size())] ^= static_cast<char>(1 + random.below(255));
    const auto read = anomaly_from_onnx(damaged);  // checksums are the bundle's; no crash is ours
    if (read.has_value()) {
      const double s = score(**read, rows(1, 3)[0]);
      ASSERT_TRUE(s > 0 && s < 1);
    }
  }
}

TEST(AnomalyOnnxFile, SaysWhatIsForeign) {
  EXPECT_THAT(refusal("not a protobuf"), testing::HasSubstr("no ONNX file"));
  EXPECT_THAT(refusal(changed([](auto& m) { m.clear_metadata_props(); })),
              testing::HasSubstr("not made by tidelimit"));
  EXPECT_THAT(refusal(changed([](auto& m) { set_metadata(m, "tidelimit.anomaly", "9"); })),
              testing::HasSubstr("has version 9"));
  EXPECT_THAT(refusal(changed([](auto& m) { set_metadata(m, "features", "a,b"); })),
              testing::HasSubstr("knows the features a,b"));
}

TEST(AnomalyOnnxFile, SaysWhatIsDamaged) {
  EXPECT_THAT(refusal(changed([](auto& m) { set_metadata(m, "threshold", "nan"); })),
              testing::HasSubstr("'threshold'"));
  EXPECT_THAT(refusal(changed([](auto& m) { set_metadata(m, "sample", "1000000000"); })),
              testing::HasSubstr("'sample'"));
  EXPECT_THAT(refusal(changed([](auto& m) { m.mutable_graph()->clear_node(); })),
              testing::HasSubstr("holds no trees"));
  EXPECT_THAT(refusal(changed([](auto& m) { attribute(m, "nodes_values").add_floats(1); })),
              testing::HasSubstr("different lengths"));
  EXPECT_THAT(refusal(changed([](auto& m) { attribute(m, "nodes_treeids").set_ints(3, 7); })),
              testing::HasSubstr("out of order"));
  EXPECT_THAT(refusal(changed([](auto& m) { attribute(m, "nodes_featureids").set_ints(0, 99); })),
              testing::HasSubstr("no isolation tree has"));
  EXPECT_THAT(refusal(changed([](auto& m) { attribute(m, "nodes_truenodeids").set_ints(0, 0); })),
              testing::HasSubstr("children out of order"));
}

TEST(AnomalyOnnxFile, SaysWhatIsDamagedOfTheDistance) {
  const auto best = anomaly::Setting::best;
  const auto ensemble = [](onnx::ModelProto& m, const std::string& output) -> onnx::NodeProto& {
    for (auto& node : *m.mutable_graph()->mutable_node()) {
      if (node.output(0) == output) return node;
    }
    throw std::logic_error("no node " + output);
  };
  const auto list = [](onnx::NodeProto& node, const std::string& name) -> onnx::AttributeProto& {
    for (auto& found : *node.mutable_attribute()) {
      if (found.name() == name) return found;
    }
    throw std::logic_error("no attribute " + name);
  };
  const auto after = [&](auto&& change) { return refusal(changed(change, best)); };
  EXPECT_EQ(after([](auto&) {}), "accepted");
  EXPECT_THAT(after([](auto& m) { set_metadata(m, "distance_trees", "0"); }),
              testing::HasSubstr("'distance_trees'"));
  EXPECT_THAT(after([&](auto& m) { ensemble(m, "distance_length").set_op_type("Identity"); }),
              testing::HasSubstr("no trees over the distance"));
  EXPECT_THAT(after([&](auto& m) {
                list(ensemble(m, "distance_length"), "nodes_truenodeids").set_ints(0, 0);
              }),
              testing::HasSubstr("no tree"));
  EXPECT_THAT(after([&](auto& m) {
                list(ensemble(m, "distance_length"), "target_weights").set_floats(0, -1.0F);
              }),
              testing::HasSubstr("path lengths that no tree has"));
  EXPECT_THAT(after([](auto& m) {
                for (auto& tensor : *m.mutable_graph()->mutable_initializer()) {
                  if (tensor.name() == "centre") tensor.clear_double_data();
                }
              }),
              testing::HasSubstr("a distance over other features"));
}

}  // namespace
}  // namespace tidelimit::model
