#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tidelimit::forecast {

/// Dimensions of the network, named alike in all of forecast/:
/// N rows (sequences of a batch), T steps, F features a step, H hidden units, O outputs.
struct NetworkShape {
  std::size_t steps = 96;
  std::size_t features = 1;
  std::size_t hidden = 64;
  std::size_t outputs = 1;

  bool operator==(const NetworkShape&) const = default;

  // One flat vector holds all weights, so that the optimiser sees a single array:
  // input [F, 4, H], recurrent [H, 4, H], bias [4, H], dense [H, O], dense bias [O]; gates i f c o.
  [[nodiscard]] std::size_t recurrent_at() const { return features * 4 * hidden; }
  [[nodiscard]] std::size_t bias_at() const { return recurrent_at() + hidden * 4 * hidden; }
  [[nodiscard]] std::size_t dense_at() const { return bias_at() + 4 * hidden; }
  [[nodiscard]] std::size_t dense_bias_at() const { return dense_at() + hidden * outputs; }
  [[nodiscard]] std::size_t weight_count() const { return dense_bias_at() + outputs; }
  [[nodiscard]] std::size_t sequence_size() const { return steps * features; }
};

/// LSTM(H) over the sequence, Dense(O) on its last hidden state.
struct Network {
  NetworkShape shape;
  std::vector<float> weights;  ///< weight_count() floats, laid out as NetworkShape says
};

/// Weights at the start of training: Glorot uniform for both LSTM matrices and the dense layer,
/// forget-gate bias 1 (Jozefowicz et al. 2015), everything else 0.
[[nodiscard]] Network make_network(const NetworkShape& shape, std::uint64_t seed);

/// Writes sequence number `row` [T, F] into `out`.
using FillSequence = std::function<void(std::size_t row, std::span<float> out)>;

/// Outputs [rows, O]. Pure; rows are computed in blocks of a fixed size, so that a row's outputs do
/// not depend on its neighbours.
[[nodiscard]] std::vector<float> run_network(const Network& network, std::size_t rows,
                                             const FillSequence& fill);

}  // namespace tidelimit::forecast
