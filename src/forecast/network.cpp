#include "forecast/network.hpp"

#include <algorithm>
#include <cmath>

#include "base/random.hpp"
#include "forecast/network_engine.hpp"

namespace tidelimit::forecast {

namespace {

// As many as oneDNN's kernels for AVX2 take at once: of a block of 32 the last two went through
// others, which round otherwise. A live forecast asks for one row at a time.
constexpr std::size_t kInferenceRows = 6;

void fill_glorot(std::span<float> target, std::size_t fan_in, std::size_t fan_out, Random& random) {
  const double limit = std::sqrt(6.0 / static_cast<double>(fan_in + fan_out));
  for (float& w : target) w = static_cast<float>((2.0 * random.uniform() - 1.0) * limit);
}

}  // namespace

Network make_network(const NetworkShape& shape, std::uint64_t seed) {
  Network network{shape, std::vector<float>(shape.weight_count(), 0.0F)};
  Random random(seed);
  const std::span<float> all(network.weights);
  const std::size_t gates = 4 * shape.hidden;
  fill_glorot(all.first(shape.recurrent_at()), shape.features, gates, random);
  fill_glorot(all.subspan(shape.recurrent_at(), shape.hidden * gates), shape.hidden, gates, random);
  fill_glorot(all.subspan(shape.dense_at(), shape.hidden * shape.outputs), shape.hidden,
              shape.outputs, random);
  const auto forget_bias = all.subspan(shape.bias_at() + shape.hidden, shape.hidden);
  std::fill(forget_bias.begin(), forget_bias.end(), 1.0F);
  return network;
}

std::vector<float> run_network(const Network& network, std::size_t rows, const FillSequence& fill) {
  const NetworkShape& shape = network.shape;
  std::vector<float> outputs(rows * shape.outputs);
  if (rows == 0) return outputs;
  NetworkEngine engine(shape, kInferenceRows, NetworkEngine::Use::inference);
  engine.load(network.weights);
  for (std::size_t first = 0; first < rows; first += kInferenceRows) {
    const std::size_t count = std::min(kInferenceRows, rows - first);
    engine.gather(first, count, fill);
    const auto block = engine.forward();
    std::copy_n(block.data(), count * shape.outputs, outputs.data() + first * shape.outputs);
  }
  return outputs;
}

}  // namespace tidelimit::forecast
