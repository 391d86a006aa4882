// The reference of training_bench: the same network trained in the same way by libtorch, on one
// thread. A program of its own, since both would bring their oneDNN into one process. Prints
// sequences for each second of CPU.

#include <cstdio>
#include <ctime>
#include <torch/torch.h>
#include <tuple>

namespace {

constexpr int kSteps = 96, kFeatures = 8, kHidden = 64, kBatch = 32, kBatches = 64;

/// LSTM, and a dense output of its last step.
struct Network : torch::nn::Module {
  Network()
      : lstm(register_module(
            "lstm", torch::nn::LSTM(torch::nn::LSTMOptions(kFeatures, kHidden).batch_first(true)))),
        dense(register_module("dense", torch::nn::Linear(kHidden, 1))) {}

  torch::Tensor forward(const torch::Tensor& sequences) {
    return dense->forward(std::get<0>(lstm->forward(sequences)).select(1, kSteps - 1));
  }

  torch::nn::LSTM lstm;
  torch::nn::Linear dense;
};

}  // namespace

int main() {
  at::set_num_threads(1);
  torch::manual_seed(1);
  Network network;
  torch::optim::Adam adam(network.parameters());
  const torch::Tensor sequences = torch::randn({kBatch, kSteps, kFeatures});
  const torch::Tensor targets = torch::randn({kBatch, 1});
  const auto train_batch = [&] {
    adam.zero_grad();
    torch::l1_loss(network.forward(sequences), targets).backward();
    adam.step();
  };
  train_batch();  // the first makes what later ones use again
  const std::clock_t start = std::clock();
  for (int i = 0; i < kBatches; ++i) train_batch();
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("%.1f\n", kBatches * kBatch / seconds);
  return 0;
}
