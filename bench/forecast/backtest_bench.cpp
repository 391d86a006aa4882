// Forecasts of real series beside the naive rules: each series is trained on its first 80 %, then
// the next hour is forecast at every window of the rest, each origin knowing its past alone. The
// reference is the naive rule that turned out best on those same origins: nobody knows it before.
//   backtest_bench [FOLDER] [--json] [--members] [--no-baseline] [--seed=N]
// --members also shows each member of `best` by itself (the ablation of docs/models.md).

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "figures.hpp"
#include "forecast/memory.hpp"
#include "forecast/model.hpp"
#include "series_files.hpp"

namespace tidelimit::forecast {
namespace {

constexpr double kTrained = 0.8;

/// What one series' origins had to say.
struct Score {
  double mae = 0;
  double model_mae = 0;  ///< of the model alone, had no naive rule ever taken its place
  double guarded = 0;    ///< share of origins at which one did
  double covered_90 = 0;
  double covered_80 = 0;
  double pinball = 0;  ///< mean over kQuantiles
};

struct Judged {
  std::vector<std::size_t> origins;
  std::vector<double> truths;
  std::array<double, kNaiveRules> naive{};  ///< mean absolute errors
  double best_naive = 0;
  std::size_t rule = 0;
};

Judged judge_naive(const Series& series, std::size_t from) {
  Judged judged;
  const std::size_t horizon = series.spans().horizon;
  for (std::size_t t = from; t + horizon <= series.size(); ++t) {
    if (!series.all_observed(t, t + horizon)) continue;
    judged.origins.push_back(t);
    judged.truths.push_back(series.horizon_sum(t));
    const auto rules = naive_forecasts(series, t);
    for (std::size_t r = 0; r < kNaiveRules; ++r) {
      judged.naive[r] += std::fabs(rules[r].value_or(0.0) - judged.truths.back());
    }
  }
  for (double& mae : judged.naive) mae /= static_cast<double>(judged.origins.size());
  const auto best = std::min_element(judged.naive.begin(), judged.naive.end());
  judged.best_naive = *best;
  judged.rule = static_cast<std::size_t>(best - judged.naive.begin());
  return judged;
}

double pinball(double truth, double forecast, double quantile) {
  return truth >= forecast ? quantile * (truth - forecast) : (1 - quantile) * (forecast - truth);
}

Score score(const ForecastModel& model, const traffic::WindowGrid& grid, const Judged& judged,
            const Shape& shape) {
  const auto forecasts = predict_many(&model, grid, judged.origins, shape);
  Score s;
  for (std::size_t k = 0; k < judged.origins.size(); ++k) {
    const auto& q = forecasts[k].front().quantiles;
    const double truth = judged.truths[k];
    s.mae += std::fabs(q[kMedian] - truth);
    s.guarded += forecasts[k].front().guarded() ? 1 : 0;
    s.covered_90 += q[0] <= truth && truth <= q[4] ? 1 : 0;
    s.covered_80 += q[1] <= truth && truth <= q[3] ? 1 : 0;
    for (std::size_t i = 0; i < q.size(); ++i) {
      s.pinball += pinball(truth, q[i], kQuantiles[i]) / static_cast<double>(q.size());
    }
  }
  const Series series(grid.stats[0], Spans::of(shape));
  const auto alone =
      model.preset == Preset::best
          ? best_points(model, grid, 0, series, judged.origins)
          : baseline_points(model, grid, 0, series, *model.find(grid.endpoints[0]), judged.origins);
  for (std::size_t k = 0; k < alone.size(); ++k)
    s.model_mae += std::fabs(alone[k] - judged.truths[k]);
  const auto n = static_cast<double>(judged.origins.size());
  s.mae /= n;
  s.model_mae /= n;
  s.guarded /= n;
  s.covered_90 /= n;
  s.covered_80 /= n;
  s.pinball /= n;
  return s;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// What the guard does to the error of a preset, over series.
class GuardRatio {
 public:
  void add(const Score& s) {
    const double ratio = s.mae / s.model_mae;
    log_sum_ += std::log(ratio);
    least_ = std::min(least_, ratio);
    most_ = std::max(most_, ratio);
    ++count_;
  }
  void report(const char* preset, bench::Figures& figures) const {
    const auto name = [&](const char* what) {
      return fmt::format("guard_over_model_{}_{}", preset, what);
    };
    figures.add({.name = name("geomean"),
                 .value = std::exp(log_sum_ / count_),
                 .unit = "",
                 .aim = "<=1.01"});
    figures.add({.name = name("least"), .value = least_, .unit = ""});
    figures.add({.name = name("most"), .value = most_, .unit = ""});
  }

 private:
  double log_sum_ = 0;
  double least_ = std::numeric_limits<double>::infinity();
  double most_ = 0;
  double count_ = 0;
};

struct Options {
  std::filesystem::path folder = TIDELIMIT_SERIES;
  bool members = false;
  bool baseline = true;
  std::uint64_t seed = 1;
};

/// One series, cut into what is trained on and what is judged.
struct Field {
  explicit Field(std::string named, traffic::WindowGrid all)
      : name(std::move(named)),
        grid(std::move(all)),
        trained(static_cast<std::size_t>(kTrained * static_cast<double>(grid.size()))) {
    shape.window = grid.step;
    judged = judge_naive(Series(grid.stats.front(), Spans::of(shape)), trained);
  }
  [[nodiscard]] traffic::WindowGrid past() const {
    traffic::WindowGrid past = grid;
    for (auto& row : past.stats) row.resize(trained);
    return past;
  }

  std::string name;
  traffic::WindowGrid grid;
  std::size_t trained;  ///< windows
  Shape shape;
  Judged judged;
};

void show_members(const Field& field, const ForecastModel& model) {
  const Judged& judged = field.judged;
  const Series series(field.grid.stats.front(), Spans::of(field.shape));
  EndpointMemory memory;
  (void)best_points(model, field.grid, 0, series, judged.origins, memory);
  std::fprintf(stderr, "  %-32s", field.name.c_str());
  for (std::size_t m = 0; m < kMembers; ++m) {
    double mae = 0;
    for (std::size_t k = 0; k < judged.origins.size(); ++k) {
      mae += std::fabs(memory.members.at(judged.origins[k])[m] - judged.truths[k]);
    }
    mae /= static_cast<double>(judged.origins.size());
    std::fprintf(stderr, " %.3f(w %.2f)", mae / judged.best_naive, model.member_prior[m]);
  }
  std::fprintf(stderr, "\n");
}

/// What a preset made of all series.
class Total {
 public:
  void add(const Score& s, const Judged& judged) {
    const double ratio = s.mae / judged.best_naive;
    guard_.add(s);
    log_sum_ += std::log(ratio);
    worst_ = std::max(worst_, ratio);
    covered_90_ += s.covered_90;
    covered_80_ += s.covered_80;
    count_ += 1;
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] double mean() const { return std::exp(log_sum_ / count_); }
  [[nodiscard]] double worst() const { return worst_; }
  [[nodiscard]] double covered_90() const { return covered_90_ / count_; }
  [[nodiscard]] double covered_80() const { return covered_80_ / count_; }
  [[nodiscard]] const GuardRatio& guard() const { return guard_; }

 private:
  GuardRatio guard_;
  double log_sum_ = 0;
  double worst_ = 0;
  double covered_90_ = 0;
  double covered_80_ = 0;
  double count_ = 0;
};

/// Trains a preset on a series' past and judges it by the rest.
void judge(const Field& field, Preset preset, const Options& options, bench::Figures& figures,
           Total& total) {
  const char* label = preset == Preset::best ? "best" : "baseline";
  const Judged& judged = field.judged;
  TrainOptions train_options;
  train_options.shape = field.shape;
  train_options.preset = preset;
  train_options.seed = options.seed;
  const auto start = std::chrono::steady_clock::now();
  const auto model = train(field.past(), train_options, {});
  if (!model) {
    std::fprintf(stderr, "%s: %s\n", field.name.c_str(), model.error().message.c_str());
    return;
  }
  const double training = seconds_since(start);
  const auto asked = std::chrono::steady_clock::now();
  const Score s = score(**model, field.grid, judged, field.shape);
  std::fprintf(stderr,
               "%-32s %-8s ratio %.3f to %-36s 90%%: %.3f 80%%: %.3f pinball/mae %.3f "
               "model alone %.3f, %.0f %% by a rule (trained in %.1f s, epoch %d, asked in %.1f "
               "s)\n",
               field.name.c_str(), label, s.mae / judged.best_naive,
               to_string(static_cast<Naive>(judged.rule)), s.covered_90, s.covered_80,
               s.pinball / s.mae, s.model_mae / judged.best_naive, 100 * s.guarded, training,
               (*model)->best_epoch, seconds_since(asked));
  if (preset == Preset::best && options.members) show_members(field, **model);
  figures.add({.name = fmt::format("{}_{}_mae", field.name, label),
               .value = s.mae,
               .unit = "requests",
               .reference = to_string(static_cast<Naive>(judged.rule)),
               .reference_value = judged.best_naive,
               .aim = preset == Preset::best ? "<=1.02" : ""});
  total.add(s, judged);
}

void backtest(const Options& options, bench::Figures& figures) {
  Total best, baseline;
  for (auto& [name, grid] : bench::read_series(options.folder)) {
    const Field field(name, std::move(grid));
    judge(field, Preset::best, options, figures, best);
    if (options.baseline) judge(field, Preset::baseline, options, figures, baseline);
  }
  if (best.empty()) {
    std::fprintf(stderr, "no series in %s: name their folder\n", options.folder.c_str());
    return;
  }
  figures.add({.name = "mae_over_best_naive", .value = best.mean(), .unit = "", .aim = "<=0.70"});
  figures.add({.name = "worst_series", .value = best.worst(), .unit = "", .aim = "<=1.02"});
  figures.add({.name = "coverage_80", .value = best.covered_80(), .unit = ""});
  figures.add({.name = "coverage_90", .value = best.covered_90(), .unit = ""});
  best.guard().report("best", figures);
  if (baseline.empty()) return;
  baseline.guard().report("baseline", figures);
  figures.add({.name = "baseline_mae_over_best_naive", .value = baseline.mean(), .unit = ""});
}

}  // namespace
}  // namespace tidelimit::forecast

int main(int argc, char** argv) {
  tidelimit::forecast::Options options;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--members") == 0) {
      options.members = true;
    } else if (std::strcmp(argv[i], "--no-baseline") == 0) {
      options.baseline = false;
    } else if (std::strncmp(argv[i], "--seed=", 7) == 0) {
      options.seed = std::strtoull(argv[i] + 7, nullptr, 10);
    } else if (argv[i][0] != '-') {
      options.folder = argv[i];
    }
  }
  tidelimit::bench::Figures figures;
  tidelimit::forecast::backtest(options, figures);
  return figures.print(argc, argv);
}
