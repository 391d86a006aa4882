// What the forecaster costs: sequences a second through LSTM(64) on one core, a month of five
// endpoints through train() on two, and forecasts from 28 days of windows as a live gate asks them.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <numbers>
#include <optional>

#include "base/random.hpp"
#include "figures.hpp"
#include "forecast/model.hpp"
#include "forecast/trainer.hpp"

namespace tidelimit::forecast {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Of this process, all threads: what other processes take of the cores does not count.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

/// Forward, backward and Adam: 96 steps of 8 features, batches of 32.
double sequences_per_second() {
  constexpr std::size_t kRows = 8192;
  constexpr int kEpochs = 2;
  const NetworkShape shape{.steps = 96, .features = 8, .hidden = 64, .outputs = 1};
  Random random(1);
  std::vector<float> data(256 * shape.sequence_size());
  for (float& v : data) v = static_cast<float>(random.normal());
  Examples examples;
  for (std::size_t i = 0; i < kRows; ++i) {
    examples.targets.push_back(static_cast<float>(random.normal()));
    examples.weights.push_back(1);
  }
  examples.fill = [&](std::size_t row, std::span<float> out) {
    std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(row % 256 * shape.sequence_size()),
                shape.sequence_size(), out.begin());
  };
  FitSettings settings;
  settings.epochs = kEpochs;
  settings.gradient_norm = 0;
  const double start = cpu_seconds();
  const auto fitted = fit(make_network(shape, 1), examples, {}, settings, {});
  return static_cast<double>(kRows * static_cast<std::size_t>(fitted.best_epoch)) /
         (cpu_seconds() - start);
}

/// What lstm_libtorch beside this program prints; empty: it was not built.
std::optional<double> libtorch_sequences_per_second() {
  const auto program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "lstm_libtorch";
  std::FILE* const output =
      std::filesystem::exists(program) ? ::popen(program.c_str(), "r") : nullptr;
  double rate = 0;
  const bool told = output != nullptr && std::fscanf(output, "%lf", &rate) == 1;
  if (output != nullptr) ::pclose(output);
  return told ? std::optional(rate) : std::nullopt;
}

/// Alternating, the medians count: a busy machine hits both alike.
void add_training_rates(bench::Figures& figures) {
  constexpr int kRounds = 3;
  std::vector<double> ours, theirs;
  for (int i = 0; i < kRounds; ++i) {
    ours.push_back(sequences_per_second());
    if (const auto rate = libtorch_sequences_per_second()) theirs.push_back(*rate);
  }
  const auto median = [](std::vector<double>& rates) {
    std::sort(rates.begin(), rates.end());
    return rates[rates.size() / 2];
  };
  const double rate = median(ours);
  figures.add({.name = "training_sequences_per_core",
               .value = rate,
               .unit = "sequences/s",
               .aim = ">=5000"});
  if (theirs.empty()) {
    std::fprintf(stderr,
                 "lstm_libtorch is not measured: scripts/setup --bench installs libtorch-dev\n");
    return;
  }
  figures.add({.name = "lstm_libtorch",
               .value = rate,
               .unit = "sequences/s",
               .reference = "libtorch, one thread",
               .reference_value = median(theirs),
               .aim = ">=10"});
}

/// Daily and weekly rhythm with Poisson noise.
traffic::WindowGrid traffic_of(int endpoints, int days) {
  traffic::WindowGrid grid;
  grid.start = WallTime{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}};
  Random random(2);
  for (int e = 0; e < endpoints; ++e) {
    grid.endpoints.push_back(fmt::format("endpoint{}", e));
    auto& row = grid.stats.emplace_back(static_cast<std::size_t>(days) * 96);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double day = 2 * std::numbers::pi * static_cast<double>(i) / 96;
      const double mean = 50.0 * (e + 1) * (1.2 + std::sin(day + e) + 0.2 * std::sin(day / 7));
      row[i].requests = static_cast<double>(random.poisson(mean));
    }
  }
  return grid;
}

void add_predictions(bench::Figures& figures, const ForecastModel& model, int endpoints) {
  constexpr int kDays = 28;
  const auto grid = traffic_of(endpoints, kDays);
  auto start = std::chrono::steady_clock::now();
  const auto forecasts = predict(&model, grid, grid.size(), model.shape);
  if (forecasts.front().source != Source::lstm) std::fprintf(stderr, "the model is not used\n");
  figures.add({.name = fmt::format("predict_{}_endpoints", endpoints),
               .value = seconds_since(start),
               .unit = "s",
               .aim = endpoints == 5 ? "<=0.5" : ""});
  if (endpoints != 5) return;
  std::vector<std::size_t> origins;
  for (std::size_t t = 96; t + 4 <= grid.size(); ++t) origins.push_back(t);
  start = std::chrono::steady_clock::now();
  const auto many = predict_many(&model, grid, origins, model.shape);
  figures.add({.name = "predict_month_of_5_endpoints",
               .value = seconds_since(start),
               .unit = "s",
               .aim = "<=10"});
  if (many.size() != origins.size()) std::fprintf(stderr, "forecasts are missing\n");
}

}  // namespace
}  // namespace tidelimit::forecast

int main(int argc, char** argv) {
  using namespace tidelimit::forecast;
  tidelimit::bench::Figures figures;
  add_training_rates(figures);
  const auto grid = traffic_of(5, 30);
  std::shared_ptr<const ForecastModel> best;
  for (const auto preset : {Preset::baseline, Preset::best}) {
    TrainOptions options;
    options.preset = preset;
    const auto start = std::chrono::steady_clock::now();
    const double cpu_start = cpu_seconds();
    const auto model = train(grid, options, {});
    if (!model) {
      std::fprintf(stderr, "%s\n", model.error().message.c_str());
      return 1;
    }
    figures.add(
        {.name = fmt::format("train_month_{}", preset == Preset::best ? "best" : "baseline"),
         .value = seconds_since(start),
         .unit = "s",
         .aim = "<=60"});
    figures.add(
        {.name = fmt::format("train_month_{}_cpu", preset == Preset::best ? "best" : "baseline"),
         .value = cpu_seconds() - cpu_start,
         .unit = "s"});
    if (preset == Preset::best) best = *model;
  }
  for (const int endpoints : {5, 20}) add_predictions(figures, *best, endpoints);
  return figures.print(argc, argv);
}
