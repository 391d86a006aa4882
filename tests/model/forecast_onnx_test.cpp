#include "model/forecast_onnx.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <onnx/onnx_pb.h>

#include "model/some_model.hpp"

namespace tidelimit::model {
namespace {

using forecast::ForecastModel;
using forecast::Preset;
using ::testing::HasSubstr;

class ForecastOnnx : public testing::TestWithParam<Preset> {};

TEST_P(ForecastOnnx, TheWayThroughTheFileChangesNoBit) {
  const auto model = some_forecaster(GetParam(), 1);
  const std::string bytes = forecast_to_onnx(*model);
  const auto back = forecast_from_onnx(bytes);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(forecast_to_onnx(**back), bytes);
  EXPECT_EQ((*back)->network.weights, model->network.weights);
  EXPECT_EQ((*back)->residuals, model->residuals);
  EXPECT_EQ((*back)->linear, model->linear);
  EXPECT_EQ((*back)->member_prior, model->member_prior);
  EXPECT_EQ((*back)->validation_mae, model->validation_mae);
  EXPECT_EQ((*back)->best_epoch, 17);
  ASSERT_EQ((*back)->endpoints.size(), 2U);
  EXPECT_EQ((*back)->endpoints[1].name, model->endpoints[1].name);
  EXPECT_EQ((*back)->endpoints[0].deviation, 3.25);
  EXPECT_EQ((*back)->past.start, model->past.start);
  EXPECT_EQ((*back)->past.endpoints, model->past.endpoints);
  ASSERT_EQ((*back)->past.size(), 9U);
  EXPECT_EQ((*back)->past.stats[1][8].premium, 3);
  EXPECT_EQ((*back)->past.stats[1][8].responses, 19);
  EXPECT_FALSE((*back)->past.stats[0][4].observed);
  EXPECT_LT(bytes.size(), 1'000'000U);
}

const std::vector<float>& values(const onnx::ModelProto& file, const std::string& name,
                                 std::vector<float>& out) {
  for (const auto& tensor : file.graph().initializer()) {
    if (tensor.name() == name) out.assign(tensor.float_data().begin(), tensor.float_data().end());
  }
  return out;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// The LSTM of the ONNX specification (gates i o f c, both biases), computed from the file's own
/// constants: the meaning that others give to the file.
std::vector<double> as_others_compute(const onnx::ModelProto& file, const forecast::NetworkShape& n,
                                      const std::vector<float>& sequence) {
  std::vector<float> w, r, b, dense_w, dense_b;
  values(file, "lstm_w", w);
  values(file, "lstm_r", r);
  values(file, "lstm_b", b);
  values(file, "dense_w", dense_w);
  values(file, "dense_b", dense_b);
  const std::size_t gates = 4 * n.hidden;
  std::vector<double> h(n.hidden), c(n.hidden), z(gates);
  for (std::size_t t = 0; t < n.steps; ++t) {
    for (std::size_t g = 0; g < gates; ++g) {
      z[g] = static_cast<double>(b[g]) + static_cast<double>(b[gates + g]);
      for (std::size_t f = 0; f < n.features; ++f) {
        z[g] += static_cast<double>(w[g * n.features + f]) *
                static_cast<double>(sequence[t * n.features + f]);
      }
      for (std::size_t k = 0; k < n.hidden; ++k) {
        z[g] += static_cast<double>(r[g * n.hidden + k]) * h[k];
      }
    }
    for (std::size_t k = 0; k < n.hidden; ++k) {
      c[k] = sigmoid(z[2 * n.hidden + k]) * c[k] + sigmoid(z[k]) * std::tanh(z[3 * n.hidden + k]);
      h[k] = sigmoid(z[n.hidden + k]) * std::tanh(c[k]);
    }
  }
  std::vector<double> out(n.outputs);
  for (std::size_t o = 0; o < n.outputs; ++o) {
    out[o] = static_cast<double>(dense_b[o]);
    for (std::size_t k = 0; k < n.hidden; ++k) {
      out[o] += h[k] * static_cast<double>(dense_w[k * n.outputs + o]);
    }
  }
  return out;
}

TEST_P(ForecastOnnx, OthersComputeFromItWhatWeCompute) {
  const auto model = some_forecaster(GetParam(), 2);
  onnx::ModelProto file;
  ASSERT_TRUE(file.ParseFromString(forecast_to_onnx(*model)));
  const auto& n = model->network.shape;
  Random random(3);
  std::vector<float> sequence(n.sequence_size());
  for (float& v : sequence) v = static_cast<float>(random.normal());
  const auto ours = run_network(*model, sequence);
  ASSERT_TRUE(ours.has_value());
  const auto theirs = as_others_compute(file, n, sequence);
  for (std::size_t o = 0; o < n.outputs; ++o) {
    EXPECT_NEAR(static_cast<double>((*ours)[o]), theirs[o], 2e-5);
  }
}

INSTANTIATE_TEST_SUITE_P(Presets, ForecastOnnx, testing::Values(Preset::baseline, Preset::best),
                         [](const auto& info) {
                           return info.param == Preset::best ? "best" : "baseline";
                         });

/// What the reader says of the file with one change.
template <class Change>
std::string refusal(Change&& change) {
  onnx::ModelProto file;
  EXPECT_TRUE(file.ParseFromString(forecast_to_onnx(*some_forecaster(Preset::best, 1))));
  change(file);
  const auto read = forecast_from_onnx(file.SerializeAsString());
  return read.has_value() ? "accepted" : read.error().message;
}

void set_metadata(onnx::ModelProto& file, const std::string& key, const std::string& value) {
  for (auto& entry : *file.mutable_metadata_props()) {
    if (entry.key() == key) entry.set_value(value);
  }
}

onnx::TensorProto& tensor(onnx::ModelProto& file, const std::string& name) {
  for (auto& t : *file.mutable_graph()->mutable_initializer()) {
    if (t.name() == name) return t;
  }
  throw std::logic_error("no tensor " + name);
}

TEST(ForecastOnnx, ReadsFilesThatKeepNoPast) {
  onnx::ModelProto file;
  ASSERT_TRUE(file.ParseFromString(forecast_to_onnx(*some_forecaster(Preset::best, 1))));
  auto& metadata = *file.mutable_metadata_props();
  for (int i = metadata.size() - 1; i >= 0; --i) {
    if (metadata[i].key() == "past" || metadata[i].key() == "past_start")
      metadata.DeleteSubrange(i, 1);
  }
  const auto read = forecast_from_onnx(file.SerializeAsString());
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ((*read)->past.size(), 0U);
}

TEST(ForecastOnnxRefusals, APastThatIsNoWholeNumberOfWindows) {
  EXPECT_THAT(refusal([](auto& file) { set_metadata(file, "past", "1,2,3,4,5"); }),
              HasSubstr("past"));
  EXPECT_THAT(refusal([](auto& file) { set_metadata(file, "past_start", "yesterday"); }),
              HasSubstr("past_start"));
}

TEST(ForecastOnnx, ThoseOfOlderProgramsLackMembers) {
  const auto model = some_forecaster(Preset::best, 1);
  onnx::ModelProto file;
  ASSERT_TRUE(file.ParseFromString(forecast_to_onnx(*model)));
  std::string weights = "0.125,0.125,0.125,0.125,0.125,0.125,0.125,0.125,0.125";
  for (const char* lacking : {"linear_shape", "linear_change"}) {
    auto* props = file.mutable_metadata_props();
    props->erase(std::find_if(props->begin(), props->end(),
                              [&](const auto& p) { return p.key() == lacking; }));
    EXPECT_FALSE(forecast_from_onnx(file.SerializeAsString()).has_value()) << lacking;
    set_metadata(file, "member_prior", weights);
    const auto old = forecast_from_onnx(file.SerializeAsString());
    ASSERT_TRUE(old.has_value()) << old.error().message;
    ASSERT_EQ((*old)->member_prior.size(), forecast::kMembers);
    EXPECT_EQ((*old)->member_prior.back(), 0);
    for (const auto space : {forecast::Space::change, forecast::Space::shape})
      EXPECT_EQ((*old)->linear[space].size(), forecast::features_in(space));
    weights.resize(weights.rfind(','));
  }
}

TEST(ForecastOnnxRefusals, EveryTruncation) {
  const std::string bytes = forecast_to_onnx(*some_forecaster(Preset::best, 1));
  for (std::size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 300) {
    ASSERT_FALSE(forecast_from_onnx(std::string_view(bytes).substr(0, length)).has_value())
        << length << " of " << bytes.size();
  }
}

TEST(ForecastOnnxRefusals, NoCrashOfDamageAtAnyByte) {
  const std::string bytes = forecast_to_onnx(*some_forecaster(Preset::best, 1));
  Random random(5);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    std::string damaged = bytes;
    // The metadata and nodes stand in the first quarter; weights that differ are still weights.
    damaged[random.below(damaged.size() / (i % 2 == 0 ? 1 : 40))] ^=
        static_cast<char>(1 + random.below(255));
    refused += forecast_from_onnx(damaged).has_value() ? 0 : 1;
  }
  EXPECT_GT(refused, 20);
}

TEST(ForecastOnnxRefusals, SayWhatIsForeign) {
  EXPECT_THAT(forecast_from_onnx("not a protobuf").error().message, HasSubstr("no ONNX file"));
  EXPECT_THAT(refusal([](auto& m) { m.clear_metadata_props(); }),
              HasSubstr("not made by tidelimit"));
  EXPECT_THAT(refusal([](auto& m) { set_metadata(m, "tidelimit.forecast", "9"); }),
              HasSubstr("has version 9"));
  EXPECT_THAT(refusal([](auto& m) { set_metadata(m, "features", "a,b"); }),
              HasSubstr("knows the features a,b"));
  EXPECT_THAT(refusal([](auto& m) { set_metadata(m, "preset", "finest"); }),
              HasSubstr("unknown preset"));
}

TEST(ForecastOnnxRefusals, SayWhatIsDamaged) {
  EXPECT_THAT(refusal([](auto& m) { set_metadata(m, "window", "soon"); }), HasSubstr("'window'"));
  EXPECT_THAT(refusal([](auto& m) { set_metadata(m, "history", "50m"); }),
              HasSubstr("multiples of the window"));
  EXPECT_THAT(refusal([](auto& m) { set_metadata(m, "history", "12h"); }),
              HasSubstr("graph that this program does not compute"));
  EXPECT_THAT(refusal([](auto& m) { set_metadata(m, "residuals", "1,2"); }),
              HasSubstr("`residuals` has 2 numbers"));
  EXPECT_THAT(refusal([](auto& m) { set_metadata(m, "linear_log", "1,nan"); }),
              HasSubstr("'linear_log'"));
  EXPECT_THAT(refusal([](auto& m) { set_metadata(m, "endpoints", "payment"); }),
              HasSubstr("'endpoints'"));
  EXPECT_THAT(refusal([](auto& m) { tensor(m, "lstm_r").add_float_data(1); }),
              HasSubstr("'lstm_r'"));
  EXPECT_THAT(refusal([](auto& m) { tensor(m, "dense_b").set_float_data(0, NAN); }),
              HasSubstr("`dense_bias` holds numbers that are not finite"));
  EXPECT_THAT(refusal([](auto& m) { tensor(m, "lstm_b").set_name("x"); }),
              HasSubstr("lacks the constant 'lstm_b'"));
  EXPECT_THAT(refusal([](auto& m) { m.mutable_graph()->mutable_node(3)->set_op_type("MatMul"); }),
              HasSubstr("graph that this program does not compute"));
}

}  // namespace
}  // namespace tidelimit::model
