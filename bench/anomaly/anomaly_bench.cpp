// The isolation forest on public sets of outliers, beside scikit-learn's of the same run: how well
// it ranks, in both settings, and how fast it is.
//   anomaly_bench [FOLDER] [--json] [--no-reference]
// FOLDER holds the sets (CSV with a last column `label`); each forest is fitted to a whole set.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "anomaly/isolation_forest.hpp"
#include "anomaly/outlier_table.hpp"
#include "anomaly/ranking.hpp"
#include "anomaly/scikit_learn.hpp"
#include "figures.hpp"

namespace tidelimit::bench {
namespace {

using anomaly::IsolationForest;
using anomaly::MatrixView;
using anomaly::Setting;

constexpr int kSeeds = 10;
constexpr int kSeedsOfReference = 5;
constexpr std::size_t kScan = 100'000;

Ranking rank(const OutlierTable& table, Setting setting, int seeds) {
  Ranking mean;
  std::vector<double> scores(table.outlier.size());
  for (int seed = 1; seed <= seeds; ++seed) {
    const auto forest = IsolationForest::fit(
        table.rows(), {.setting = setting, .seed = static_cast<std::uint64_t>(seed)});
    forest.score(table.rows(), scores);
    const Ranking one = judge_ranking(scores, table.outlier);
    mean.auroc += one.auroc / seeds;
    mean.average_precision += one.average_precision / seeds;
  }
  return mean;
}

/// As figures are named.
std::string plain_name(const OutlierTable& table) {
  std::string name = table.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

void accuracy(Figures& figures, const std::vector<OutlierTable>& tables,
              const std::map<std::string, Ranking>& reference) {
  const auto n = static_cast<double>(tables.size());
  double plain_mean = 0, best_mean = 0, plain_precision = 0, best_precision = 0, worst = 1;
  double auroc_apart = 0, precision_apart = 0;
  for (const OutlierTable& table : tables) {
    const Ranking plain = rank(table, Setting::plain, kSeeds);
    const Ranking best = rank(table, Setting::best, kSeeds);
    plain_mean += plain.auroc / n;
    best_mean += best.auroc / n;
    plain_precision += plain.average_precision / n;
    best_precision += best.average_precision / n;
    worst = std::min(worst, best.auroc - plain.auroc);
    const auto known = reference.find(table.name);
    if (known != reference.end()) {
      const Ranking same = rank(table, Setting::plain, kSeedsOfReference);
      auroc_apart += (same.auroc - known->second.auroc) / n;
      precision_apart += (same.average_precision - known->second.average_precision) / n;
      figures.add({.name = "plain_auroc_" + plain_name(table),
                   .value = same.auroc,
                   .unit = "auroc",
                   .reference = "scikit-learn",
                   .reference_value = known->second.auroc});
    }
    const std::string name = "auroc_" + plain_name(table);
    figures.add({.name = name,
                 .value = best.auroc,
                 .unit = "auroc",
                 .reference = "plain",
                 .reference_value = plain.auroc});
  }
  figures.add({.name = "auroc_over_plain",
               .value = best_mean - plain_mean,
               .unit = "auroc",
               .aim = ">=0.02"});
  figures.add({.name = "auroc_worst_set", .value = worst, .unit = "auroc", .aim = ">=-0.03"});
  figures.add({.name = "auroc_mean",
               .value = best_mean,
               .unit = "auroc",
               .reference = "plain",
               .reference_value = plain_mean});
  figures.add({.name = "average_precision_mean",
               .value = best_precision,
               .unit = "precision",
               .reference = "plain",
               .reference_value = plain_precision});
  if (!reference.empty()) {
    figures.add({.name = "plain_apart_from_scikit_auroc",
                 .value = std::fabs(auroc_apart),
                 .unit = "auroc",
                 .aim = "<=0.005"});
    figures.add({.name = "plain_apart_from_scikit_precision",
                 .value = std::fabs(precision_apart),
                 .unit = "precision",
                 .aim = "<=0.005"});
  }
}

template <class Action>
double median_seconds(int times, Action&& action) {
  std::vector<double> seconds;
  for (int i = 0; i < times; ++i) {
    const auto start = std::chrono::steady_clock::now();
    action();
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + times / 2, seconds.end());
  return seconds[static_cast<std::size_t>(times / 2)];
}

void speed(Figures& figures, const OutlierTable& table, Setting setting,
           const std::optional<ScikitSpeed>& reference) {
  const MatrixView rows = table.rows();
  IsolationForest forest;
  std::uint64_t seed = 0;
  const double fit_ms = 1e3 * median_seconds(201, [&] {
                          forest = IsolationForest::fit(rows, {.setting = setting, .seed = ++seed});
                        });
  // Rows enough for a scan, the set's own again and again.
  std::vector<float> many;
  while (many.size() < kScan * rows.columns) {
    many.insert(many.end(), rows.values.begin(), rows.values.end());
  }
  many.resize(kScan * rows.columns);
  const MatrixView scan{many, rows.columns};
  std::vector<double> scores(kScan);
  const double scan_seconds = median_seconds(21, [&] { forest.score(scan, scores); });
  constexpr std::size_t kAlone = 1000;
  double sum = 0;
  const double alone = median_seconds(101, [&] {
    for (std::size_t i = 0; i < kAlone; ++i) sum += forest.score(scan.row(37 * i));
  });
  if (!(sum > 0)) std::fprintf(stderr, "scores of nothing\n");

  const std::string prefix = setting == Setting::plain ? "plain_forest_" : "forest_";
  const auto add = [&](const std::string& name, double value, const char* unit, const char* aim,
                       double of_reference) {
    const std::string bound = setting == Setting::plain ? "" : aim;
    figures.add({.name = prefix + name, .value = value, .unit = unit, .aim = bound});
    if (reference && of_reference > 0) {
      figures.add({.name = prefix + name + "_over_scikit",
                   .value = value,
                   .unit = unit,
                   .reference = "scikit-learn",
                   .reference_value = of_reference});
    }
  };
  const ScikitSpeed other = reference.value_or(ScikitSpeed{});
  add("fit_ms", fit_ms, "ms", "<=1", other.fit_ms);
  add("row_us", 1e6 * scan_seconds / kScan, "us", "<=0.5", other.row_us);
  add("row_alone_us", 1e6 * alone / kAlone, "us", "<=1", other.row_alone_us);
  add("scan_100k_ms", 1e3 * scan_seconds, "ms", "<=100", 0);
}

int bench(int argc, char** argv) {
  std::string folder = TIDELIMIT_OUTLIERS;
  bool with_reference = true;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--no-reference") with_reference = false;
    if (!argument.starts_with("-")) folder = argument;
  }
  const std::vector<OutlierTable> tables = read_all_outliers(folder);
  if (tables.empty()) {
    std::fprintf(stderr, "anomaly_bench: no sets of outliers in %s\n", folder.c_str());
    return 1;
  }
  Figures figures;
  accuracy(figures, tables,
           with_reference ? scikit_accuracy(folder, kSeedsOfReference)
                          : std::map<std::string, Ranking>{});
  // A set of middling size.
  const auto middling =
      std::min_element(tables.begin(), tables.end(), [](const auto& a, const auto& b) {
        const auto off = [](const OutlierTable& t) {
          return std::fabs(std::log(static_cast<double>(t.outlier.size()) / 10'000));
        };
        return off(a) < off(b);
      });
  std::optional<ScikitSpeed> reference;
  if (with_reference) {
    for (const char* ending : {".csv.gz", ".csv"}) {
      const std::string file = folder + "/" + middling->name + ending;
      if (!reference && std::filesystem::exists(file)) reference = scikit_speed(file);
    }
  }
  speed(figures, *middling, Setting::best, reference);
  speed(figures, *middling, Setting::plain, reference);
  return figures.print(argc, argv);
}

}  // namespace
}  // namespace tidelimit::bench

int main(int argc, char** argv) {
  return tidelimit::bench::bench(argc, argv);
}
