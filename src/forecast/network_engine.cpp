#include "forecast/network_engine.hpp"

#include <algorithm>
#include <cassert>
#include <omp.h>
#include <unordered_map>

#include <oneapi/dnnl/dnnl.hpp>

namespace tidelimit::forecast {

namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

/// oneDNN's OpenMP may use as many threads as it likes; this holds it to the caller's one.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc describe(std::initializer_list<std::size_t> dims, Tag tag) {
  memory::dims signed_dims;
  for (const auto dim : dims) signed_dims.push_back(static_cast<memory::dim>(dim));
  return {signed_dims, memory::data_type::f32, tag};
}

/// Scratchpads are ours: oneDNN's own belongs to the thread that made the primitive, and an engine
/// may be used by another.
dnnl::primitive_attr own_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// A view of floats that someone else owns. oneDNN's interface has no const; what it is given as a
/// source it only reads.
memory view(const memory::desc& desc, const float* data) {
  return {desc, cpu(), const_cast<float*>(data)};
}

}  // namespace

struct NetworkEngine::Impl {
  NetworkShape shape;
  std::size_t rows;
  bool training;
  dnnl::stream stream{cpu()};
  std::vector<float> input;   // [T, N, F]
  std::vector<float> hidden;  // [T, N, H]
  // [N, H]. Given although zero is the default: without it oneDNN 2.6 computes a wrong gradient of
  // the recurrent weights (the gradient test shows it).
  std::vector<float> zero_state;
  std::vector<float> outputs;  // [N, O]
  std::vector<float> dense;    // weights [H, O], then bias [O]

  dnnl::lstm_forward::primitive_desc forward_desc;
  dnnl::lstm_forward forward;
  Arguments forward_args;
  dnnl::lstm_backward backward;
  Arguments backward_args;
  std::vector<float> d_hidden;  // [T, N, H], zero but for the last step
  // Computed by oneDNN, unused: d_input [T, N, F], d_state and d_cell [N, H].
  std::vector<float> d_input, d_state, d_cell;

  Impl(const NetworkShape& s, std::size_t n, bool train)
      : shape(s),
        rows(n),
        training(train),
        input(s.steps * n * s.features),
        hidden(s.steps * n * s.hidden),
        zero_state(n * s.hidden, 0.0F),
        outputs(n * s.outputs),
        dense(s.weight_count() - s.dense_at()) {
    build_forward();
    if (training) build_backward();
  }

  [[nodiscard]] memory::desc input_desc() const {
    return describe({shape.steps, rows, shape.features}, Tag::tnc);
  }
  [[nodiscard]] memory::desc hidden_desc() const {
    return describe({shape.steps, rows, shape.hidden}, Tag::tnc);
  }
  [[nodiscard]] memory::desc state_desc() const {
    return describe({1, 1, rows, shape.hidden}, Tag::ldnc);
  }
  [[nodiscard]] memory::desc input_weights(Tag tag) const {
    return describe({1, 1, shape.features, 4, shape.hidden}, tag);
  }
  [[nodiscard]] memory::desc recurrent_weights(Tag tag) const {
    return describe({1, 1, shape.hidden, 4, shape.hidden}, tag);
  }
  [[nodiscard]] memory::desc bias() const { return describe({1, 1, 4, shape.hidden}, Tag::ldgo); }

  void build_forward() {
    const auto kind =
        training ? dnnl::prop_kind::forward_training : dnnl::prop_kind::forward_inference;
    const memory::desc none;  // the last state is read from the hidden sequence
    forward_desc = {{kind, dnnl::rnn_direction::unidirectional_left2right, input_desc(),
                     state_desc(), state_desc(), input_weights(Tag::any),
                     recurrent_weights(Tag::any), bias(), hidden_desc(), none, none},
                    own_scratchpad(),
                    cpu()};
    forward = dnnl::lstm_forward(forward_desc);
    forward_args = {{DNNL_ARG_SRC_LAYER, view(input_desc(), input.data())},
                    {DNNL_ARG_SRC_ITER, view(state_desc(), zero_state.data())},
                    {DNNL_ARG_SRC_ITER_C, view(state_desc(), zero_state.data())},
                    {DNNL_ARG_WEIGHTS_LAYER, memory(forward_desc.weights_layer_desc(), cpu())},
                    {DNNL_ARG_WEIGHTS_ITER, memory(forward_desc.weights_iter_desc(), cpu())},
                    {DNNL_ARG_BIAS, memory(bias(), cpu())},
                    {DNNL_ARG_DST_LAYER, view(hidden_desc(), hidden.data())},
                    {DNNL_ARG_SCRATCHPAD, memory(forward_desc.scratchpad_desc(), cpu())}};
    if (training) {
      forward_args.insert({DNNL_ARG_WORKSPACE, memory(forward_desc.workspace_desc(), cpu())});
    }
  }

  void build_backward() {
    d_hidden.assign(hidden.size(), 0.0F);
    d_input.assign(input.size(), 0.0F);
    d_state.assign(rows * shape.hidden, 0.0F);
    d_cell.assign(rows * shape.hidden, 0.0F);
    const memory::desc none;
    const dnnl::lstm_backward::primitive_desc desc({dnnl::prop_kind::backward,
                                                    dnnl::rnn_direction::unidirectional_left2right,
                                                    input_desc(),
                                                    state_desc(),
                                                    state_desc(),
                                                    input_weights(Tag::any),
                                                    recurrent_weights(Tag::any),
                                                    bias(),
                                                    hidden_desc(),
                                                    none,
                                                    none,
                                                    input_desc(),
                                                    state_desc(),
                                                    state_desc(),
                                                    input_weights(Tag::any),
                                                    recurrent_weights(Tag::any),
                                                    bias(),
                                                    hidden_desc(),
                                                    none,
                                                    none},
                                                   own_scratchpad(), cpu(), forward_desc);
    backward = dnnl::lstm_backward(desc);
    backward_args = {{DNNL_ARG_SRC_LAYER, forward_args.at(DNNL_ARG_SRC_LAYER)},
                     {DNNL_ARG_SRC_ITER, forward_args.at(DNNL_ARG_SRC_ITER)},
                     {DNNL_ARG_SRC_ITER_C, forward_args.at(DNNL_ARG_SRC_ITER_C)},
                     {DNNL_ARG_DIFF_SRC_ITER, view(state_desc(), d_state.data())},
                     {DNNL_ARG_DIFF_SRC_ITER_C, view(state_desc(), d_cell.data())},
                     {DNNL_ARG_WEIGHTS_LAYER, memory(desc.weights_layer_desc(), cpu())},
                     {DNNL_ARG_WEIGHTS_ITER, memory(desc.weights_iter_desc(), cpu())},
                     {DNNL_ARG_BIAS, forward_args.at(DNNL_ARG_BIAS)},
                     {DNNL_ARG_DST_LAYER, forward_args.at(DNNL_ARG_DST_LAYER)},
                     {DNNL_ARG_WORKSPACE, forward_args.at(DNNL_ARG_WORKSPACE)},
                     {DNNL_ARG_DIFF_DST_LAYER, view(hidden_desc(), d_hidden.data())},
                     {DNNL_ARG_DIFF_SRC_LAYER, view(input_desc(), d_input.data())},
                     {DNNL_ARG_DIFF_WEIGHTS_LAYER, memory(desc.diff_weights_layer_desc(), cpu())},
                     {DNNL_ARG_DIFF_WEIGHTS_ITER, memory(desc.diff_weights_iter_desc(), cpu())},
                     {DNNL_ARG_DIFF_BIAS, memory(bias(), cpu())},
                     {DNNL_ARG_SCRATCHPAD, memory(desc.scratchpad_desc(), cpu())}};
  }

  /// Copies weights into the layout that the kernels of one direction prefer.
  void pack(std::span<const float> weights, Arguments& args) {
    reorder(view(input_weights(Tag::ldigo), weights.data()), args.at(DNNL_ARG_WEIGHTS_LAYER));
    reorder(view(recurrent_weights(Tag::ldigo), weights.data() + shape.recurrent_at()),
            args.at(DNNL_ARG_WEIGHTS_ITER));
  }

  void reorder(memory source, memory target) {
    dnnl::reorder(source, target).execute(stream, source, target);
  }

  [[nodiscard]] const float* last_hidden() const {
    return hidden.data() + (shape.steps - 1) * rows * shape.hidden;
  }

  void dense_forward() {
    const float* w = dense.data();
    const float* b = w + shape.hidden * shape.outputs;
    for (std::size_t n = 0; n < rows; ++n) {
      const float* h = last_hidden() + n * shape.hidden;
      for (std::size_t o = 0; o < shape.outputs; ++o) {
        float sum = b[o];
        for (std::size_t k = 0; k < shape.hidden; ++k) sum += h[k] * w[k * shape.outputs + o];
        outputs[n * shape.outputs + o] = sum;
      }
    }
  }

  void dense_backward(std::span<const float> d_outputs, std::span<float> gradient) {
    const float* w = dense.data();
    float* d_w = gradient.data() + shape.dense_at();
    float* d_b = gradient.data() + shape.dense_bias_at();
    float* d_last = d_hidden.data() + (shape.steps - 1) * rows * shape.hidden;
    std::fill(d_w, d_w + shape.hidden * shape.outputs + shape.outputs, 0.0F);
    for (std::size_t n = 0; n < rows; ++n) {
      const float* h = last_hidden() + n * shape.hidden;
      const float* d = d_outputs.data() + n * shape.outputs;
      for (std::size_t k = 0; k < shape.hidden; ++k) {
        float sum = 0;
        for (std::size_t o = 0; o < shape.outputs; ++o) {
          sum += w[k * shape.outputs + o] * d[o];
          d_w[k * shape.outputs + o] += h[k] * d[o];
        }
        d_last[n * shape.hidden + k] = sum;
      }
      for (std::size_t o = 0; o < shape.outputs; ++o) d_b[o] += d[o];
    }
  }
};

NetworkEngine::NetworkEngine(const NetworkShape& shape, std::size_t rows, Use use) {
  const OneThread guard;
  impl_ = std::make_unique<Impl>(shape, rows, use == Use::training);
}
NetworkEngine::~NetworkEngine() = default;
NetworkEngine::NetworkEngine(NetworkEngine&&) noexcept = default;
NetworkEngine& NetworkEngine::operator=(NetworkEngine&&) noexcept = default;

void NetworkEngine::load(std::span<const float> weights) {
  assert(weights.size() == impl_->shape.weight_count());
  const OneThread guard;
  impl_->pack(weights, impl_->forward_args);
  if (impl_->training) impl_->pack(weights, impl_->backward_args);
  const float* bias = weights.data() + impl_->shape.bias_at();
  auto* packed = static_cast<float*>(impl_->forward_args.at(DNNL_ARG_BIAS).get_data_handle());
  std::copy(bias, bias + 4 * impl_->shape.hidden, packed);
  const auto dense = weights.subspan(impl_->shape.dense_at());
  std::copy(dense.begin(), dense.end(), impl_->dense.begin());
}

void NetworkEngine::gather(std::size_t first, std::size_t count, const FillSequence& fill) {
  const NetworkShape& shape = impl_->shape;
  const std::size_t rows = impl_->rows;
  std::vector<float> row(shape.sequence_size());
  for (std::size_t n = 0; n < rows; ++n) {
    if (n < count) {
      fill(first + n, row);
    } else {
      std::fill(row.begin(), row.end(), 0.0F);
    }
    for (std::size_t t = 0; t < shape.steps; ++t) {
      std::copy_n(row.data() + t * shape.features, shape.features,
                  impl_->input.data() + (t * rows + n) * shape.features);
    }
  }
}

std::span<const float> NetworkEngine::forward() {
  const OneThread guard;
  impl_->forward.execute(impl_->stream, impl_->forward_args);
  impl_->stream.wait();
  impl_->dense_forward();
  return impl_->outputs;
}

void NetworkEngine::backward(std::span<const float> d_outputs, std::span<float> gradient) {
  assert(impl_->training && gradient.size() == impl_->shape.weight_count());
  const OneThread guard;
  Impl& self = *impl_;
  self.dense_backward(d_outputs, gradient);
  // oneDNN adds to the gradients it is given.
  for (const int argument :
       {DNNL_ARG_DIFF_WEIGHTS_LAYER, DNNL_ARG_DIFF_WEIGHTS_ITER, DNNL_ARG_DIFF_BIAS}) {
    const memory& m = self.backward_args.at(argument);
    auto* data = static_cast<unsigned char*>(m.get_data_handle());
    std::fill(data, data + m.get_desc().get_size(), static_cast<unsigned char>(0));
  }
  self.backward.execute(self.stream, self.backward_args);
  self.reorder(self.backward_args.at(DNNL_ARG_DIFF_WEIGHTS_LAYER),
               view(self.input_weights(Tag::ldigo), gradient.data()));
  self.reorder(
      self.backward_args.at(DNNL_ARG_DIFF_WEIGHTS_ITER),
      view(self.recurrent_weights(Tag::ldigo), gradient.data() + self.shape.recurrent_at()));
  self.stream.wait();
  const auto* bias =
      static_cast<const float*>(self.backward_args.at(DNNL_ARG_DIFF_BIAS).get_data_handle());
  std::copy(bias, bias + 4 * self.shape.hidden, gradient.data() + self.shape.bias_at());
}

}  // namespace tidelimit::forecast
