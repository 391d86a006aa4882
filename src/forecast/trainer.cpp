#include "forecast/trainer.hpp"

#include <algorithm>
#include <barrier>
#include <cmath>
#include <exception>
#include <limits>
#include <numbers>
#include <numeric>
#include <thread>

#include "base/random.hpp"
#include "forecast/network_engine.hpp"

namespace tidelimit::forecast {

namespace {

constexpr std::size_t kSliceRows = 16;  // the smallest slice at which the kernels run at full speed

/// Adam with the constants of the paper.
class Adam {
 public:
  explicit Adam(std::size_t n) : m_(n, 0.0F), v_(n, 0.0F) {}

  void step(std::span<float> weights, std::span<const float> gradient, double rate) {
    constexpr float kBeta1 = 0.9F;
    constexpr float kBeta2 = 0.999F;
    constexpr float kEpsilon = 1e-7F;
    ++steps_;
    const double correct1 = 1 - std::pow(static_cast<double>(kBeta1), steps_);
    const double correct2 = 1 - std::pow(static_cast<double>(kBeta2), steps_);
    const auto size = static_cast<float>(rate * std::sqrt(correct2) / correct1);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      m_[i] = kBeta1 * m_[i] + (1 - kBeta1) * gradient[i];
      v_[i] = kBeta2 * v_[i] + (1 - kBeta2) * gradient[i] * gradient[i];
      weights[i] -= size * m_[i] / (std::sqrt(v_[i]) + kEpsilon);
    }
  }

 private:
  std::vector<float> m_, v_;
  int steps_ = 0;
};

struct Loss {
  double sum = 0;     // of the middle output, weighted
  double weight = 0;  // of the rows
};

/// One slice of a batch: its own engine, gradient and loss.
struct Slice {
  NetworkEngine engine;
  std::vector<float> gradient;
  std::vector<float> d_outputs;
  Loss loss;

  Slice(const NetworkShape& shape, NetworkEngine::Use use)
      : engine(shape, kSliceRows, use),
        gradient(use == NetworkEngine::Use::training ? shape.weight_count() : 0),
        d_outputs(kSliceRows * shape.outputs) {}
};

/// Threads that work on the slices of one batch after another.
class Crew {
 public:
  Crew(std::size_t threads, std::function<void(std::size_t worker)> work)
      : work_(std::move(work)), thrown_(threads), gate_(static_cast<std::ptrdiff_t>(threads)) {
    for (std::size_t w = 1; w < threads; ++w) threads_.emplace_back([this, w] { loop(w); });
  }
  ~Crew() {
    stopping_ = true;
    gate_.arrive_and_wait();
    for (auto& thread : threads_) thread.join();
  }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Lets all of them work, the caller as worker 0, and waits until every one is done; only then
  /// passes on what one of them threw.
  void run() {
    gate_.arrive_and_wait();
    work(0);
    gate_.arrive_and_wait();
    for (const std::exception_ptr& thrown : thrown_) {
      if (thrown) std::rethrow_exception(thrown);
    }
  }

 private:
  void loop(std::size_t worker) {
    for (;;) {
      gate_.arrive_and_wait();
      if (stopping_) return;
      work(worker);
      gate_.arrive_and_wait();
    }
  }

  void work(std::size_t worker) {
    thrown_[worker] = nullptr;
    try {
      work_(worker);
    } catch (...) {
      thrown_[worker] = std::current_exception();
    }
  }

  std::function<void(std::size_t)> work_;
  std::vector<std::exception_ptr> thrown_;  // one each, read by the caller after the gate
  std::barrier<> gate_;
  bool stopping_ = false;  // written before, read after the gate
  std::vector<std::thread> threads_;
};

class Fitter {
 public:
  Fitter(const NetworkShape& shape, const FitSettings& settings)
      : shape_(shape),
        settings_(settings),
        slice_count_((settings.batch + kSliceRows - 1) / kSliceRows),
        workers_(std::clamp<std::size_t>(static_cast<std::size_t>(std::max(1, settings.threads)), 1,
                                         slice_count_)),
        adam_(shape.weight_count()),
        gradient_(shape.weight_count()),
        crew_(workers_, [this](std::size_t worker) { work(worker); }) {
    for (std::size_t s = 0; s < slice_count_; ++s) {
      slices_.emplace_back(shape, NetworkEngine::Use::training);
    }
  }

  /// One pass over `examples` in the given order; changes the weights.
  double train_epoch(Network& network, const Examples& examples,
                     const std::vector<std::uint32_t>& order, double rate) {
    Loss loss;
    for (std::size_t first = 0; first < order.size(); first += settings_.batch) {
      run_batch(network, examples, order, first, true);
      std::copy(slices_[0].gradient.begin(), slices_[0].gradient.end(), gradient_.begin());
      for (std::size_t s = 1; s < slice_count_ && s * kSliceRows < batch_size_; ++s) {
        for (std::size_t i = 0; i < gradient_.size(); ++i) gradient_[i] += slices_[s].gradient[i];
      }
      add_losses(loss);
      shorten();
      adam_.step(network.weights, gradient_, rate);
      decay(network.weights, rate);
      average(network.weights);
    }
    return loss.weight > 0 ? loss.sum / loss.weight : 0;
  }

  /// What is to be kept of the weights: themselves, or their running mean.
  [[nodiscard]] Network kept(const Network& network) const {
    return mean_.empty() ? network : Network{network.shape, mean_};
  }

  double evaluate(Network& network, const Examples& examples) {
    std::vector<std::uint32_t> order(examples.size());
    std::iota(order.begin(), order.end(), 0U);
    Loss loss;
    for (std::size_t first = 0; first < order.size(); first += settings_.batch) {
      run_batch(network, examples, order, first, false);
      add_losses(loss);
    }
    return loss.weight > 0 ? loss.sum / loss.weight : 0;
  }

 private:
  void run_batch(Network& network, const Examples& examples,
                 const std::vector<std::uint32_t>& order, std::size_t first, bool learn) {
    network_ = &network;
    examples_ = &examples;
    order_ = &order;
    batch_first_ = first;
    batch_size_ = std::min(settings_.batch, order.size() - first);
    learning_ = learn;
    crew_.run();
  }

  void work(std::size_t worker) {
    for (std::size_t s = worker; s < slice_count_; s += workers_) {
      if (s * kSliceRows < batch_size_) run_slice(s);
    }
  }

  void run_slice(std::size_t s) {
    Slice& slice = slices_[s];
    const std::size_t first = batch_first_ + s * kSliceRows;
    const std::size_t count = std::min(kSliceRows, batch_first_ + batch_size_ - first);
    slice.engine.load(network_->weights);
    slice.engine.gather(first, count, [&](std::size_t row, std::span<float> out) {
      examples_->fill((*order_)[row], out);
    });
    const auto outputs = slice.engine.forward();
    slice.loss = {};
    std::fill(slice.d_outputs.begin(), slice.d_outputs.end(), 0.0F);
    for (std::size_t n = 0; n < count; ++n) {
      const std::size_t row = (*order_)[first + n];
      const float target = examples_->targets[row];
      const float weight = examples_->weights[row];
      for (std::size_t o = 0; o < shape_.outputs; ++o) {
        const float quantile = settings_.quantiles[o];
        const bool below = outputs[n * shape_.outputs + o] < target;
        slice.d_outputs[n * shape_.outputs + o] =
            2 * weight * (below ? -quantile : 1 - quantile) / static_cast<float>(batch_size_);
      }
      const std::size_t middle = n * shape_.outputs + shape_.outputs / 2;
      slice.loss.sum += static_cast<double>(weight * std::fabs(target - outputs[middle]));
      slice.loss.weight += static_cast<double>(weight);
    }
    if (learning_) slice.engine.backward(slice.d_outputs, slice.gradient);
  }

  void add_losses(Loss& loss) const {
    for (std::size_t s = 0; s < slice_count_ && s * kSliceRows < batch_size_; ++s) {
      loss.sum += slices_[s].loss.sum;
      loss.weight += slices_[s].loss.weight;
    }
  }

  void decay(std::vector<float>& weights, double rate) const {
    if (settings_.weight_decay <= 0) return;
    const auto keep = static_cast<float>(1 - settings_.weight_decay * rate);
    for (std::size_t i = 0; i < shape_.bias_at(); ++i) weights[i] *= keep;
  }

  /// The first steps weigh less, as they know less.
  void average(const std::vector<float>& weights) {
    if (settings_.averaged <= 0) return;
    steps_ += 1;
    const auto past =
        static_cast<float>(std::min(settings_.averaged, (1 + steps_) / (10 + steps_)));
    if (mean_.empty()) mean_ = weights;
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      mean_[i] = past * mean_[i] + (1 - past) * weights[i];
    }
  }

  void shorten() {
    const double longest = settings_.gradient_norm;
    if (longest <= 0) return;
    double squares = 0;
    for (const float g : gradient_) squares += static_cast<double>(g) * static_cast<double>(g);
    if (squares <= longest * longest) return;
    const auto factor = static_cast<float>(longest / std::sqrt(squares));
    for (float& g : gradient_) g *= factor;
  }

  NetworkShape shape_;
  const FitSettings& settings_;
  std::size_t slice_count_;
  std::size_t workers_;
  Adam adam_;
  std::vector<float> gradient_;
  std::vector<float> mean_;
  double steps_ = 0;
  std::vector<Slice> slices_;
  // The batch at hand: set before the crew runs, read by it.
  const Network* network_ = nullptr;
  const Examples* examples_ = nullptr;
  const std::vector<std::uint32_t>* order_ = nullptr;
  std::size_t batch_first_ = 0;
  std::size_t batch_size_ = 0;
  bool learning_ = false;
  Crew crew_;  // last: its threads use all of the above
};

void shuffle(std::vector<std::uint32_t>& order, Random& random) {
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
}

double rate_at(const FitSettings& settings, int epoch) {
  if (!settings.decay_learning_rate) return settings.learning_rate;
  const double done = static_cast<double>(epoch) / std::max(1, settings.epochs);
  return settings.learning_rate * (0.05 + 0.95 * 0.5 * (1 + std::cos(std::numbers::pi * done)));
}

}  // namespace

FitResult fit(Network start, const Examples& training, const Examples& validation,
              const FitSettings& settings, const std::function<void(const EpochReport&)>& report) {
  Fitter fitter(start.shape, settings);
  Random random(settings.seed);
  std::vector<std::uint32_t> order(training.size());
  std::iota(order.begin(), order.end(), 0U);

  FitResult best{start, 0};
  double best_loss = std::numeric_limits<double>::infinity();
  Network network = std::move(start);
  for (int epoch = 0; epoch < settings.epochs; ++epoch) {
    shuffle(order, random);
    EpochReport now{epoch + 1, 0, {}};
    now.loss = fitter.train_epoch(network, training, order, rate_at(settings, epoch));
    Network kept = fitter.kept(network);
    if (validation.size() > 0) now.validation_loss = fitter.evaluate(kept, validation);
    if (report) report(now);
    if (settings.keep == FitSettings::Keep::last || !now.validation_loss ||
        *now.validation_loss < best_loss) {
      best_loss = now.validation_loss.value_or(best_loss);
      best = {std::move(kept), epoch + 1};
    } else if (settings.patience > 0 && epoch + 1 - best.best_epoch >= settings.patience) {
      break;
    }
  }
  return best;
}

}  // namespace tidelimit::forecast
