#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
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

/// Runs and differentiates a network on oneDNN for a fixed number of rows. One thread at a time;
/// oneDNN is held to the calling thread, so that results do not depend on the machine's cores.
/// Sequences are [T, N, F] (step-major), outputs [N, O].
class NetworkEngine {
 public:
  enum class Use : std::uint8_t { inference, training };

  NetworkEngine(const NetworkShape& shape, std::size_t rows, Use use);
  ~NetworkEngine();
  NetworkEngine(NetworkEngine&&) noexcept;
  NetworkEngine& operator=(NetworkEngine&&) noexcept;

  [[nodiscard]] std::size_t rows() const;
  /// Where the caller writes the next sequences: [T, N, F].
  [[nodiscard]] std::span<float> input();
  /// Copies weights (repacked for the kernels); call again whenever they changed.
  void load(std::span<const float> weights);
  /// Computes outputs [N, O] of what input() holds.
  std::span<const float> forward();
  /// After forward() in training use: overwrites `gradient` (weight_count() floats) with the sum
  /// over rows of d(loss)/d(weights), given d(loss)/d(outputs) [N, O].
  void backward(std::span<const float> d_outputs, std::span<float> gradient);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Writes sequence number `row` [T, F] into `out`.
using FillSequence = std::function<void(std::size_t row, std::span<float> out)>;

/// Copies sequences [first, first + count) into an engine's input; rows beyond count become zeros.
void gather(NetworkEngine& engine, const NetworkShape& shape, std::size_t first, std::size_t count,
            const FillSequence& fill);

/// Outputs [rows, O]. Pure; rows are computed in blocks of a fixed size, so that a row's outputs do
/// not depend on its neighbours.
[[nodiscard]] std::vector<float> run_network(const Network& network, std::size_t rows,
                                             const FillSequence& fill);

}  // namespace tidelimit::forecast
