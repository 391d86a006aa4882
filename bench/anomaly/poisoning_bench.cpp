// What a detector and a forecast learn from a log that somebody poisoned, and what they are worth
// afterwards. Two weeks are generated; the first ten days are trained on, once as they are and once
// with each way to poison on top; the last four are judged, by the code of `train` and `evaluate`.
//   poisoning_bench [--json] [--seeds=21]
// The reference of each figure is the clean training of the same run.

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "anomaly/detector_model.hpp"
#include "base/text.hpp"
#include "cli/offline/engine_trial.hpp"
#include "cli/offline/evaluation.hpp"
#include "cli/offline/training.hpp"
#include "config/config.hpp"
#include "figures.hpp"
#include "generated_month.hpp"
#include "ingest/synthetic/synthetic.hpp"
#include "poison.hpp"
#include "store/bundles/bundle_folder.hpp"
#include "temporary_folder.hpp"

namespace tidelimit::bench {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr days kTrained{10};
constexpr days kJudged{4};
const std::string kConfig = TIDELIMIT_SOURCE_DIR "/deploy/tidelimit.yaml";

/// Ramps go on through the days that are judged; floods end with the training.
std::vector<PoisonPlan> plans() {
  const WallTime start = synthetic::SyntheticOptions{}.start;
  const WallTime trained = start + kTrained;
  const PoisonPlan ramp{.from = start,
                        .until = trained + kJudged,
                        .rate_first = 2,
                        .rate_last = 300,
                        .failing_last = 0.05};
  const PoisonPlan flood{.from = trained - hours{6},
                         .until = trained,
                         .each = minutes{20},
                         .rate_first = 120,
                         .rate_last = 120};
  std::vector<PoisonPlan> all(6, flood);
  all[0] = all[1] = ramp;
  all[0].name = "ramp_one";
  all[1].name = "ramp_fleet";  // a new address every twenty minutes
  all[1].addresses = 1000;
  all[1].each = minutes{20};
  all[2].name = "flood_one";
  all[2].each = minutes{0};
  all[2].rate_first = all[2].rate_last = 600;
  all[3].name = "flood_prefix";
  all[3].addresses = 250;
  all[3].one_prefix = true;
  all[4].name = "flood_many";
  all[4].addresses = 500;
  all[5].name = "failing_many";
  all[5].addresses = 500;
  all[5].rate_first = all[5].rate_last = 20;
  all[5].failing_first = all[5].failing_last = 0.45;
  return all;
}

struct Outcome {
  double recall = 0;  ///< of the attackers that poison nothing
  double false_verdicts = 0;
  double mae = 0;
  double pressing_from = 0;  ///< the level of rates that was drawn, requests a minute
  double failing_from = 0;   ///< and of errors
};

struct Files {
  TemporaryFolder folder;
  std::string model = folder.file("model");
};

Result<model::Bundle> train(const Files& files) {
  const auto input = input_of(files.folder.file("train.csv"));
  if (!input) return tl::unexpected<Error>(input.error());
  cli::TrainingOptions how;
  how.config = kConfig;
  auto bundle = cli::train_models(*input, how);
  if (!bundle) return bundle;
  if (auto written = store::write_bundle(files.model, *bundle); !written)
    return tl::unexpected<Error>(written.error());
  return bundle;
}

Result<Outcome> judge(const Files& files, const model::Bundle& bundle) {
  const auto input = input_of(files.folder.file("rest.csv"));
  if (!input) return tl::unexpected<Error>(input.error());
  cli::EvaluationOptions how;
  how.model = files.model;
  how.config = kConfig;
  how.labels = files.folder.file("labels.csv");
  const auto result = cli::evaluate_bundle(*input, how);
  if (!result) return tl::unexpected<Error>(result.error());
  const cli::ClientScore& score = *result->clients;
  std::uint64_t wanted = 0;
  std::uint64_t found = 0;
  for (const auto& kind : score.kinds) {
    if (!kind.malicious || kind.kind == "poison") continue;
    wanted += kind.clients;
    found += kind.flagged;
  }
  return Outcome{static_cast<double>(found) / static_cast<double>(wanted),
                 static_cast<double>(score.any.flagged - score.any.hits), result->forecast.mae,
                 bundle.anomaly->parts().harm.requests_per_minute,
                 bundle.anomaly->parts().harm.error_ratio};
}

/// The first verdict on a poisoner in the judged days; empty: none came.
Result<std::optional<WallTime>> caught(const Files& files, const config::Config& config,
                                       const model::Bundle& bundle, const Poison& poison) {
  std::unordered_set<ClientId, ClientIdHash> poisoners;
  for (const std::string& address : poison.addresses()) poisoners.insert(client_of(address));
  const auto input = input_of(files.folder.file("rest.csv"));
  if (!input) return tl::unexpected<Error>(input.error());
  auto reader = input->open();
  if (!reader) return tl::unexpected<Error>(reader.error());
  cli::EngineTrial trial(config.engine, bundle);
  traffic::Request request;
  while (reader->next(request)) {
    if (!trial.add(request)) continue;
    for (const ClientId& client : trial.raised())
      if (poisoners.contains(client)) return request.time;
  }
  if (reader->failure()) return tl::unexpected<Error>(*reader->failure());
  return std::nullopt;
}

double rate_when_caught(const std::optional<WallTime>& time, const Poison& poison) {
  return time ? poison.rate(*time) : std::nan("");
}

Result<void> measure(std::uint64_t seed, const config::Config& config, const std::string& suffix,
                     Figures& figures) {
  MonthOptions month;
  month.seed = seed;
  month.days = (kTrained + kJudged).count();
  month.trained = kTrained;
  const Files clean_files;
  write_month(clean_files.folder, month);
  const auto clean_bundle = train(clean_files);
  if (!clean_bundle) return tl::unexpected<Error>(clean_bundle.error());
  const auto clean = judge(clean_files, *clean_bundle);
  if (!clean) return tl::unexpected<Error>(clean.error());

  for (const PoisonPlan& plan : plans()) {
    Poison poison(plan, seed);
    month.poison = &poison;
    const Files files;
    write_month(files.folder, month);
    const auto bundle = train(files);
    if (!bundle) return tl::unexpected<Error>(bundle.error());
    const auto poisoned = judge(files, *bundle);
    if (!poisoned) return tl::unexpected<Error>(poisoned.error());
    const auto add = [&](const char* what, const char* unit, double value, double reference,
                         const char* aim = "") {
      figures.add({.name = plan.name + "_" + what + suffix,
                   .value = value,
                   .unit = unit,
                   .reference = "clean training",
                   .reference_value = reference,
                   .aim = aim});
    };
    add("recall", "", poisoned->recall, clean->recall, ">=0.97");
    add("false_verdicts", "", poisoned->false_verdicts, clean->false_verdicts);
    add("mae", "requests/h", poisoned->mae, clean->mae, "<=1.03");
    add("pressing_from", "requests/min", poisoned->pressing_from, clean->pressing_from, "<=1.25");
    add("failing_from", "", poisoned->failing_from, clean->failing_from, "<=1.25");
    if (plan.rate_first == plan.rate_last) continue;
    const auto late = caught(files, config, *bundle, poison);
    if (!late) return tl::unexpected<Error>(late.error());
    const auto early = caught(files, config, *clean_bundle, poison);
    if (!early) return tl::unexpected<Error>(early.error());
    add("rate_when_caught", "requests/min", rate_when_caught(*late, poison),
        rate_when_caught(*early, poison), "<=1.25");
  }
  return {};
}

int bench(int argc, char** argv) {
  std::string seeds = "21";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--seeds=")) seeds = argument.substr(8);
  }
  const auto config = config::load(kConfig);
  if (!config) {
    std::fprintf(stderr, "poisoning_bench: %s\n", config.error().message.c_str());
    return 1;
  }
  Figures figures;
  const auto numbers = split(seeds, ',');
  for (const auto seed : numbers) {
    const std::string suffix = numbers.size() > 1 ? "_" + std::string(seed) : "";
    const auto number = std::strtoull(std::string(seed).c_str(), nullptr, 10);
    const auto done = measure(number, *config, suffix, figures);
    if (!done) {
      std::fprintf(stderr, "poisoning_bench: %s\n", done.error().message.c_str());
      return 1;
    }
  }
  return figures.print(argc, argv);
}

}  // namespace
}  // namespace tidelimit::bench

int main(int argc, char** argv) {
  return tidelimit::bench::bench(argc, argv);
}
