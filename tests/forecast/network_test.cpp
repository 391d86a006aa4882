#include "forecast/network.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <stdexcept>
#include <thread>

#include "base/random.hpp"
#include "forecast/network_engine.hpp"
#include "forecast/trainer.hpp"

namespace tidelimit::forecast {
namespace {

constexpr NetworkShape kSmall{.steps = 7, .features = 3, .hidden = 5, .outputs = 2};

/// Weights that no two gates share.
Network drawn_network(const NetworkShape& shape, std::uint64_t seed) {
  Network network{shape, std::vector<float>(shape.weight_count())};
  Random random(seed);
  for (float& w : network.weights) w = static_cast<float>(0.5 * random.normal());
  return network;
}

std::vector<float> drawn_sequences(std::size_t rows, const NetworkShape& shape,
                                   std::uint64_t seed) {
  Random random(seed);
  std::vector<float> all(rows * shape.sequence_size());
  for (float& v : all) v = static_cast<float>(random.normal());
  return all;
}

FillSequence from(const std::vector<float>& all, const NetworkShape& shape) {
  return [&all, size = shape.sequence_size()](std::size_t row, std::span<float> out) {
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(row * size), size, out.begin());
  };
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

/// LSTM and dense layer as the textbook writes them, in doubles; weights as NetworkShape says.
std::vector<double> oracle(const NetworkShape& n, const std::vector<float>& weights,
                           const float* sequence) {
  const std::size_t h_count = n.hidden;
  const auto w = [&](std::size_t i) { return static_cast<double>(weights[i]); };
  std::vector<double> h(h_count), c(h_count);
  for (std::size_t t = 0; t < n.steps; ++t) {
    std::vector<double> z(4 * h_count);
    for (std::size_t g = 0; g < 4 * h_count; ++g) {
      z[g] = w(n.bias_at() + g);
      for (std::size_t f = 0; f < n.features; ++f) {
        z[g] += w(f * 4 * h_count + g) * static_cast<double>(sequence[t * n.features + f]);
      }
      for (std::size_t k = 0; k < h_count; ++k) {
        z[g] += w(n.recurrent_at() + k * 4 * h_count + g) * h[k];
      }
    }
    for (std::size_t k = 0; k < h_count; ++k) {  // gates i f c o
      c[k] = sigmoid(z[h_count + k]) * c[k] + sigmoid(z[k]) * std::tanh(z[2 * h_count + k]);
      h[k] = sigmoid(z[3 * h_count + k]) * std::tanh(c[k]);
    }
  }
  std::vector<double> out(n.outputs);
  for (std::size_t o = 0; o < n.outputs; ++o) {
    out[o] = w(n.dense_bias_at() + o);
    for (std::size_t k = 0; k < h_count; ++k) out[o] += h[k] * w(n.dense_at() + k * n.outputs + o);
  }
  return out;
}

TEST(Network, ComputesTheTextbooksLstm) {
  for (const NetworkShape shape :
       {kSmall, NetworkShape{.steps = 24, .features = 17, .hidden = 64, .outputs = 5}}) {
    constexpr std::size_t kRows = 37;  // more than a block, and no multiple of it
    const Network network = drawn_network(shape, 1);
    const auto sequences = drawn_sequences(kRows, shape, 2);
    const auto outputs = run_network(network, kRows, from(sequences, shape));
    for (std::size_t row = 0; row < kRows; ++row) {
      const auto expected =
          oracle(shape, network.weights, sequences.data() + row * shape.sequence_size());
      for (std::size_t o = 0; o < shape.outputs; ++o) {
        ASSERT_NEAR(static_cast<double>(outputs[row * shape.outputs + o]), expected[o], 1e-4)
            << "row " << row << ", output " << o;
      }
    }
  }
}

TEST(Network, GradientIsThatOfFiniteDifferences) {
  constexpr std::size_t kRows = 16;
  const Network network = drawn_network(kSmall, 3);
  const auto sequences = drawn_sequences(kRows, kSmall, 4);
  Random random(5);
  std::vector<float> d_outputs(kRows * kSmall.outputs);
  for (float& d : d_outputs) d = static_cast<float>(random.normal());
  // The loss whose derivative by the outputs is d_outputs.
  const auto loss = [&](const std::vector<float>& weights) {
    double sum = 0;
    for (std::size_t row = 0; row < kRows; ++row) {
      const auto out = oracle(kSmall, weights, sequences.data() + row * kSmall.sequence_size());
      for (std::size_t o = 0; o < kSmall.outputs; ++o) {
        sum += out[o] * static_cast<double>(d_outputs[row * kSmall.outputs + o]);
      }
    }
    return sum;
  };
  NetworkEngine engine(kSmall, kRows, NetworkEngine::Use::training);
  engine.load(network.weights);
  engine.gather(0, kRows, from(sequences, kSmall));
  std::vector<float> gradient(kSmall.weight_count());
  for (int round = 0; round < 2; ++round) {  // the second must not add to the first
    (void)engine.forward();
    engine.backward(d_outputs, gradient);
  }
  constexpr float kStep = 1e-2F;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    auto up = network.weights;
    auto down = network.weights;
    up[i] += kStep;
    down[i] -= kStep;
    const double width = static_cast<double>(up[i]) - static_cast<double>(down[i]);
    const double slope = (loss(up) - loss(down)) / width;
    ASSERT_NEAR(static_cast<double>(gradient[i]), slope, 2e-3 * (1 + std::fabs(slope)))
        << "weight " << i;
  }
}

TEST(Network, EngineMayBeUsedByAnotherThreadThanItsMakers) {
  const Network network = drawn_network(kSmall, 6);
  const auto sequences = drawn_sequences(16, kSmall, 7);
  NetworkEngine engine(kSmall, 16, NetworkEngine::Use::training);
  std::vector<float> here(16 * kSmall.outputs), there(here.size());
  const auto run = [&](std::vector<float>& out) {
    engine.load(network.weights);
    engine.gather(0, 16, from(sequences, kSmall));
    const auto outputs = engine.forward();
    std::copy(outputs.begin(), outputs.end(), out.begin());
  };
  std::thread([&] { run(there); }).join();
  run(here);
  EXPECT_EQ(here, there);
}

TEST(Network, EngineKeepsWhatItLoadedOfWeightsThatAreGone) {
  const Network network = drawn_network(kSmall, 16);
  const auto sequences = drawn_sequences(16, kSmall, 17);
  NetworkEngine engine(kSmall, 16, NetworkEngine::Use::inference);
  std::vector<float> lent = network.weights;
  engine.load(lent);
  std::fill(lent.begin(), lent.end(), 0.0F);
  engine.gather(0, 16, from(sequences, kSmall));
  const auto outputs = engine.forward();
  const auto expected = run_network(network, 16, from(sequences, kSmall));
  EXPECT_TRUE(std::equal(outputs.begin(), outputs.end(), expected.begin(), expected.end()));
}

TEST(Network, ARowDoesNotDependOnItsNeighbours) {
  const Network network = drawn_network(kSmall, 8);
  const auto sequences = drawn_sequences(70, kSmall, 9);
  const auto all = run_network(network, 70, from(sequences, kSmall));
  const auto alone = run_network(
      network, 1, [&](std::size_t, std::span<float> out) { from(sequences, kSmall)(69, out); });
  for (std::size_t o = 0; o < kSmall.outputs; ++o) {
    EXPECT_EQ(all[69 * kSmall.outputs + o], alone[o]);
  }
}

/// Sequences whose target is the mean of their first feature, which a small network can learn.
Examples averages(const std::vector<float>& sequences, std::size_t rows) {
  Examples examples;
  for (std::size_t row = 0; row < rows; ++row) {
    float sum = 0;
    for (std::size_t t = 0; t < kSmall.steps; ++t) {
      sum += sequences[row * kSmall.sequence_size() + t * kSmall.features];
    }
    examples.targets.push_back(sum / static_cast<float>(kSmall.steps));
    examples.weights.push_back(1);
  }
  examples.fill = from(sequences, kSmall);
  return examples;
}

TEST(Trainer, LearnsAndKeepsTheBestEpoch) {
  const auto sequences = drawn_sequences(640, kSmall, 10);
  const auto others = drawn_sequences(128, kSmall, 11);
  FitSettings settings;
  settings.quantiles = {0.5F, 0.5F};
  settings.epochs = 30;
  settings.learning_rate = 1e-2;
  std::vector<double> losses, validation;
  const auto fitted = fit(make_network(kSmall, 1), averages(sequences, 640), averages(others, 128),
                          settings, [&](const EpochReport& report) {
                            losses.push_back(report.loss);
                            validation.push_back(report.validation_loss.value());
                          });
  ASSERT_EQ(losses.size(), 30U);
  EXPECT_LT(losses.back(), 0.3 * losses.front());
  const auto lowest = std::min_element(validation.begin(), validation.end());
  EXPECT_EQ(fitted.best_epoch, lowest - validation.begin() + 1);
}

TEST(Trainer, QuantilesAreQuantiles) {
  // Nothing to see but noise: the outputs must become its quantiles.
  const auto nothing = std::vector<float>(kSmall.sequence_size(), 0.0F);
  Examples examples;
  Random random(12);
  for (int i = 0; i < 2000; ++i) {
    examples.targets.push_back(static_cast<float>(random.uniform()));
    examples.weights.push_back(1);
  }
  examples.fill = [&](std::size_t, std::span<float> out) {
    std::copy(nothing.begin(), nothing.end(), out.begin());
  };
  FitSettings settings;
  settings.quantiles = {0.1F, 0.8F};
  settings.epochs = 30;
  settings.learning_rate = 1e-2;
  settings.decay_learning_rate = true;
  const auto fitted = fit(make_network(kSmall, 2), examples, {}, settings, {});
  const auto out = run_network(fitted.network, 1, examples.fill);
  EXPECT_NEAR(static_cast<double>(out[0]), 0.1, 0.04);
  EXPECT_NEAR(static_cast<double>(out[1]), 0.8, 0.04);
}

TEST(Trainer, TheFirstStepIsAdams) {
  // Kingma and Ba 2015: the first step moves every weight by the learning rate against its slope.
  const auto sequences = drawn_sequences(32, kSmall, 13);
  const Network start = drawn_network(kSmall, 14);
  FitSettings settings;
  settings.quantiles = {0.5F, 0.5F};
  settings.epochs = 1;
  settings.learning_rate = 1e-3;
  settings.gradient_norm = 0;
  const auto fitted = fit(start, averages(sequences, 32), {}, settings, {});
  std::size_t moved = 0;
  for (std::size_t i = 0; i < start.weights.size(); ++i) {
    const double step =
        std::fabs(static_cast<double>(fitted.network.weights[i] - start.weights[i]));
    ASSERT_LT(step, 1.01e-3);
    moved += step > 0.95e-3 ? 1 : 0;  // but where the slope is as small as Adam's epsilon
  }
  EXPECT_GT(moved, start.weights.size() * 95 / 100);
}

TEST(Trainer, ThreadsChangeNothing) {
  const auto sequences = drawn_sequences(300, kSmall, 15);
  FitSettings settings;
  settings.quantiles = {0.5F, 0.5F};
  settings.epochs = 3;
  settings.batch = 64;
  settings.averaged = 0.9;
  settings.weight_decay = 0.05;
  std::vector<std::vector<float>> weights;
  for (const int threads : {1, 2, 3, 8}) {
    settings.threads = threads;
    weights.push_back(
        fit(make_network(kSmall, 3), averages(sequences, 300), {}, settings, {}).network.weights);
  }
  for (const auto& w : weights) EXPECT_EQ(w, weights.front());
}

TEST(Trainer, WhatAThreadThrowsEndsTheFitOnTheCallersThread) {
  const auto sequences = drawn_sequences(64, kSmall, 18);
  FitSettings settings;
  settings.quantiles = {0.5F, 0.5F};
  settings.threads = 2;
  const auto caller = std::this_thread::get_id();
  for (const bool on_callers : {true, false}) {
    auto examples = averages(sequences, 64);
    examples.fill = [&, fill = examples.fill](std::size_t row, std::span<float> out) {
      if ((std::this_thread::get_id() == caller) == on_callers) throw std::runtime_error("slice");
      fill(row, out);
    };
    EXPECT_THROW((void)fit(make_network(kSmall, 3), examples, {}, settings, {}),
                 std::runtime_error);
  }
}

}  // namespace
}  // namespace tidelimit::forecast
