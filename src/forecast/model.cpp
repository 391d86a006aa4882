#include "forecast/model.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "forecast/frames.hpp"
#include "forecast/past.hpp"

namespace tidelimit::forecast {

namespace {

template <class Numbers>
std::vector<float> floats(const Numbers& numbers) {
  std::vector<float> out;
  for (const auto v : numbers) out.push_back(static_cast<float>(v));
  return out;
}

/// Takes tensors out of parts by name, checking size and finiteness; remembers the first failure.
class Taker {
 public:
  explicit Taker(std::vector<Tensor>& tensors) : tensors_(tensors) {}

  /// Of `size` numbers, whatever is wrong.
  std::vector<float> take(const std::string& name, std::size_t size) {
    Tensor* found = find(name);
    if (found == nullptr) {
      note(fmt::format("tensor `{}` is missing", name));
    } else if (found->values.size() != size) {
      note(
          fmt::format("tensor `{}` has {} numbers, {} expected", name, found->values.size(), size));
    } else if (!std::all_of(found->values.begin(), found->values.end(),
                            [](float v) { return std::isfinite(v); })) {
      note(fmt::format("tensor `{}` holds numbers that are not finite", name));
    } else {
      return std::move(found->values);
    }
    return std::vector<float>(size, 0.0F);
  }
  std::vector<double> take_doubles(const std::string& name, std::size_t size) {
    const auto values = take(name, size);
    return {values.begin(), values.end()};
  }

  /// Null: there is none.
  [[nodiscard]] Tensor* find(std::string_view name) {
    const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                    [name](const Tensor& t) { return t.name == name; });
    return found == tensors_.end() ? nullptr : &*found;
  }
  void note(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  std::vector<Tensor>& tensors_;
  std::string problem_;
};

constexpr std::size_t kPastColumns = 4;

/// [E, W, 4], see ModelParts.
std::vector<float> numbers_of(const traffic::WindowGrid& past) {
  std::vector<float> numbers;
  for (const auto& row : past.stats) {
    for (const traffic::WindowStats& w : row) {
      for (const double n : {w.observed ? w.requests : -1.0, w.premium, w.errors, w.responses})
        numbers.push_back(static_cast<float>(n));
    }
  }
  return numbers;
}

traffic::WindowGrid past_of(const std::vector<float>& numbers, std::vector<std::string> endpoints,
                            WallTime start, Nanos step) {
  traffic::WindowGrid past{start, step, std::move(endpoints), {}};
  const std::size_t windows = numbers.size() / kPastColumns / past.endpoints.size();
  const float* next = numbers.data();
  for (std::size_t e = 0; e < past.endpoints.size(); ++e) {
    for (auto& w : past.stats.emplace_back(windows)) {
      w.observed = next[0] >= 0;
      w.requests = w.observed ? static_cast<double>(next[0]) : 0.0;
      w.premium = static_cast<double>(next[1]);
      w.errors = static_cast<double>(next[2]);
      w.responses = static_cast<double>(next[3]);
      next += kPastColumns;
    }
  }
  return past;
}

Network take_network(Taker& taker, const NetworkShape& n) {
  Network network{n, {}};
  const std::pair<const char*, std::size_t> layers[] = {
      {"input_weights", n.recurrent_at()},
      {"recurrent_weights", n.bias_at() - n.recurrent_at()},
      {"bias", n.dense_at() - n.bias_at()},
      {"dense_weights", n.dense_bias_at() - n.dense_at()},
      {"dense_bias", n.outputs}};
  for (const auto& [name, size] : layers) {
    const auto values = taker.take(name, size);
    network.weights.insert(network.weights.end(), values.begin(), values.end());
  }
  return network;
}

traffic::WindowGrid take_past(Taker& taker, const ModelParts& parts) {
  const Tensor* past = taker.find("past");
  if (past == nullptr) return {};
  const std::size_t size = past->values.size();
  if (parts.endpoints.empty() || size == 0 || size % (kPastColumns * parts.endpoints.size()) != 0) {
    taker.note("tensor `past` is no whole number of windows");
    return {};
  }
  if (size > kPastColumns * kMostPastWindows) {
    taker.note("tensor `past` holds too many windows");
    return {};
  }
  return past_of(taker.take("past", size), parts.endpoints, parts.past_start, parts.shape.window);
}

std::vector<EndpointScaling> take_endpoints(Taker& taker, std::vector<std::string> names) {
  std::vector<EndpointScaling> endpoints;
  const auto scaling = taker.take_doubles("scaling", names.size() * 2);
  for (std::size_t e = 0; e < names.size(); ++e) {
    endpoints.push_back({std::move(names[e]), scaling[2 * e], scaling[2 * e + 1]});
    if (!(endpoints.back().deviation > 0)) taker.note("tensor `scaling` has a deviation of zero");
  }
  return endpoints;
}

std::string tensor_of(Space space) {
  constexpr BySpace<const char*> kNames{
      {"linear_plain", "linear_log", "linear_change", "linear_shape"}};
  return kNames[space];
}

/// What `best` has besides the network.
void take_members(Taker& taker, ForecastModel& model) {
  std::size_t members = kMembers;
  for (const Space space : kSpaces) {
    const std::string name = tensor_of(space);
    Coefficients& prior = model.linear[space];
    const bool newer = space == Space::change || space == Space::shape;
    if (newer && taker.find(name) == nullptr) {
      prior = naive_coefficients(space);  // programs before did not know it: it has no say
      --members;
    } else {
      prior = taker.take_doubles(name, features_in(space));
    }
  }
  model.member_prior = taker.take_doubles("member_prior", members);
  model.member_prior.resize(kMembers, 0.0);
}

}  // namespace

WallTime ForecastModel::taught_until() const {
  // Of a past that was cut short, too little: there is more that did not teach.
  const double unseen = TrainOptions{}.validation_ratio * static_cast<double>(past.size());
  return past.time_of(past.size() - static_cast<std::size_t>(unseen));
}

const EndpointScaling* ForecastModel::find(const std::string& endpoint) const {
  const auto found = std::find_if(endpoints.begin(), endpoints.end(),
                                  [&](const EndpointScaling& e) { return e.name == endpoint; });
  return found == endpoints.end() ? nullptr : &*found;
}

std::string shape_problem(const Shape& shape) {
  if (shape.window <= Nanos{0} || shape.history < shape.window || shape.horizon < shape.window) {
    return "window, history and horizon must be positive, and the window the smallest";
  }
  if (shape.history % shape.window != Nanos{0} || shape.horizon % shape.window != Nanos{0}) {
    return "history and horizon must be whole multiples of the window";
  }
  constexpr std::size_t kMostSteps = 100'000;
  if (shape.steps() > kMostSteps) return "the history has more than 100000 windows";
  return {};
}

NetworkShape network_shape(Preset preset, const Shape& shape) {
  if (preset == Preset::baseline) return {shape.steps(), kBaselineFeatures, 64, 1};
  const std::size_t frames = shape.steps() / std::max<std::size_t>(1, shape.horizon_steps());
  return {std::max<std::size_t>(1, frames), kBestFeatures, 64, kQuantiles.size()};
}

double spread(double forecast, double scale) {
  return std::sqrt((forecast + kScaleFloor * scale) * scale + 1);
}

double residual(double came, double forecast, double scale) {
  constexpr double kMost = 16;
  return std::clamp((came - forecast) / spread(forecast, scale), -kMost, kMost);
}

ModelParts to_parts(const ForecastModel& model) {
  ModelParts parts{model.preset, model.shape,     {}, model.validation_mae, model.best_epoch,
                   {},           model.past.start};
  const NetworkShape& n = model.network.shape;
  const auto dim = [](std::size_t size) { return static_cast<std::int64_t>(size); };
  const auto& w = model.network.weights;
  const auto part = [&](std::size_t from, std::size_t to) {
    return std::vector<float>(w.begin() + static_cast<std::ptrdiff_t>(from),
                              w.begin() + static_cast<std::ptrdiff_t>(to));
  };
  std::vector<float> scaling;
  for (const auto& e : model.endpoints) {
    parts.endpoints.push_back(e.name);
    scaling.push_back(static_cast<float>(e.mean));
    scaling.push_back(static_cast<float>(e.deviation));
  }
  parts.tensors = {
      {"input_weights", {dim(n.features), 4, dim(n.hidden)}, part(0, n.recurrent_at())},
      {"recurrent_weights", {dim(n.hidden), 4, dim(n.hidden)}, part(n.recurrent_at(), n.bias_at())},
      {"bias", {4, dim(n.hidden)}, part(n.bias_at(), n.dense_at())},
      {"dense_weights", {dim(n.hidden), dim(n.outputs)}, part(n.dense_at(), n.dense_bias_at())},
      {"dense_bias", {dim(n.outputs)}, part(n.dense_bias_at(), n.weight_count())},
      {"scaling", {dim(model.endpoints.size()), 2}, std::move(scaling)},
      {"residuals", {dim(kResidualSamples)}, floats(model.residuals)}};
  if (model.preset == Preset::best) {
    for (const Space space : kSpaces) {
      parts.tensors.push_back(
          {tensor_of(space), {dim(features_in(space))}, floats(model.linear[space])});
    }
    parts.tensors.push_back({"member_prior", {dim(kMembers)}, floats(model.member_prior)});
  }
  if (model.past.size() > 0) {
    parts.tensors.push_back(
        {"past",
         {dim(model.past.endpoints.size()), dim(model.past.size()), dim(kPastColumns)},
         numbers_of(model.past)});
  }
  return parts;
}

Result<std::shared_ptr<const ForecastModel>> from_parts(ModelParts parts) {
  if (auto problem = shape_problem(parts.shape); !problem.empty()) {
    return fail(Code::data_loss, "the forecast model: " + problem);
  }
  auto model = std::make_shared<ForecastModel>();
  model->preset = parts.preset;
  model->shape = parts.shape;
  model->validation_mae = parts.validation_mae;
  model->best_epoch = parts.best_epoch;

  Taker taker(parts.tensors);
  model->network = take_network(taker, network_shape(parts.preset, parts.shape));
  model->past = take_past(taker, parts);
  model->endpoints = take_endpoints(taker, std::move(parts.endpoints));
  const auto residuals = taker.take_doubles("residuals", kResidualSamples);
  std::copy(residuals.begin(), residuals.end(), model->residuals.begin());
  if (parts.preset == Preset::best) take_members(taker, *model);
  if (!taker.problem().empty()) {
    return fail(Code::data_loss, "the forecast model: " + taker.problem());
  }
  return model;
}

const NetworkShape& network_input_shape(const ForecastModel& model) {
  return model.network.shape;
}

Result<std::vector<float>> run_network(const ForecastModel& model,
                                       std::span<const float> sequences) {
  const NetworkShape& shape = model.network.shape;
  if (sequences.size() % shape.sequence_size() != 0) {
    return fail(Code::invalid_argument,
                fmt::format("an instance is [{}][{}] numbers", shape.steps, shape.features));
  }
  return run_network(model.network, sequences.size() / shape.sequence_size(),
                     [&](std::size_t row, std::span<float> out) {
                       std::copy_n(sequences.data() + row * shape.sequence_size(),
                                   shape.sequence_size(), out.data());
                     });
}

}  // namespace tidelimit::forecast
