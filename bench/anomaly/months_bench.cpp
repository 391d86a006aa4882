// Generated months through the code of `train` and `evaluate`: what forecasts and verdicts are
// worth where the truth is known. Each month is trained on its first two thirds with half of the
// attack kinds, and judged on the rest, taken by itself, with the other half: no attack is met that
// the models could have learnt. Odd good clients (offices behind one address, monitors, crawlers,
// partners' batches, customers of a sale) are in both parts.
//   months_bench [--json] [--seeds=21,5,33,8]
// References: the causal floor of the generator (what nobody beats who does not know the future),
// and the configuration's promise of false alarms.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/math/distributions/binomial.hpp>

#include "base/text.hpp"
#include "cli/offline/engine_trial.hpp"
#include "cli/offline/evaluation.hpp"
#include "cli/offline/training.hpp"
#include "config/config.hpp"
#include "figures.hpp"
#include "generated_month.hpp"
#include "ingest/synthetic/rates.hpp"
#include "store/bundles/bundle_folder.hpp"
#include "temporary_folder.hpp"

namespace tidelimit::bench {
namespace {

using synthetic::ClientKind;

constexpr double kDays = 30;
constexpr std::chrono::days kTrained{20};

/// Kinds of either half press, and fail: neither is a mere echo of the other.
bool in_first_half(ClientKind kind) {
  return kind == ClientKind::flood || kind == ClientKind::credential_stuffing ||
         kind == ClientKind::path_scanner;
}

/// Who was there after training: what they are, and when they were caught.
struct Seen {
  ClientKind kind = ClientKind::customer;
  WallTime first{};
  std::uint64_t requests = 0;
  WallTime minute{};  ///< the last one counted
  bool caught = false;
};

/// Sums over all months.
struct Tally {
  double days = 0;
  std::uint64_t flagged = 0, hits = 0, wanted = 0;
  struct Kind {
    std::uint64_t clients = 0, flagged = 0;
    std::vector<double> seconds, requests;  ///< until the verdict
  };
  std::map<std::string, Kind> kinds;
  std::uint64_t good_minutes = 0, good_minutes_denied = 0;
  double mae = 0, floor = 0, worst_mae = 0, months = 0;
};

/// The rest before the engine once more: when verdicts come, and whom they hit meanwhile.
Result<void> watch(const cli::Input& rest, const config::Config& config,
                   const model::Bundle& bundle,
                   std::unordered_map<ClientId, Seen, ClientIdHash>& clients, Tally& tally) {
  auto reader = rest.open();
  if (!reader) return tl::unexpected<Error>(reader.error());
  cli::EngineTrial trial(config.engine, bundle);
  traffic::Request request;
  const auto caught = [&](WallTime now) {
    for (const ClientId& client : trial.raised()) {
      Seen& seen = clients[client];
      // A verdict that ended and came again is none to time.
      if (!is_malicious(seen.kind) || std::exchange(seen.caught, true)) continue;
      auto& kind = tally.kinds[synthetic::name_of(seen.kind)];
      kind.seconds.push_back(std::chrono::duration<double>(now - seen.first).count());
      kind.requests.push_back(static_cast<double>(seen.requests));
    }
  };
  while (reader->next(request)) {
    const bool raised = trial.add(request);
    Seen& seen = clients[request.client];
    if (seen.requests++ == 0) seen.first = request.time;
    if (raised) caught(request.time);
    if (is_malicious(seen.kind)) continue;
    const WallTime minute = floor_to(request.time, std::chrono::minutes{1});
    if (minute == seen.minute) continue;
    seen.minute = minute;
    ++tally.good_minutes;
    tally.good_minutes_denied += trial.malicious(request.client) ? 1 : 0;
  }
  if (reader->failure()) return tl::unexpected<Error>(*reader->failure());
  return {};
}

Result<void> judge_month(std::uint64_t seed, bool first_half_teaches,
                         const std::string& config_file, const config::Config& config,
                         Tally& tally) {
  const TemporaryFolder folder;
  MonthOptions month;
  month.seed = seed;
  month.days = kDays;
  month.trained = kTrained;
  month.keeps = [first_half_teaches](ClientKind kind, bool teaches) {
    return in_first_half(kind) == (first_half_teaches == teaches);
  };
  std::unordered_map<ClientId, Seen, ClientIdHash> clients;
  for (const auto& [client, kind] : write_month(folder, month)) clients[client].kind = kind;
  const auto train = input_of(folder.file("train.csv"));
  if (!train) return tl::unexpected<Error>(train.error());
  cli::TrainingOptions training;
  training.config = config_file;
  const auto bundle = cli::train_models(*train, training);
  if (!bundle) return tl::unexpected<Error>(bundle.error());
  if (auto written = store::write_bundle(folder.file("model"), *bundle); !written) return written;
  const auto rest = input_of(folder.file("rest.csv"));
  if (!rest) return tl::unexpected<Error>(rest.error());
  cli::EvaluationOptions evaluation;
  evaluation.model = folder.file("model");
  evaluation.config = config_file;
  evaluation.labels = folder.file("labels.csv");
  evaluation.rates = folder.file("rates.csv");
  const auto result = cli::evaluate_bundle(*rest, evaluation);
  if (!result) return tl::unexpected<Error>(result.error());
  const auto floor = synthetic::average(result->forecast.floors);
  const cli::ClientScore& score = *result->clients;
  std::fprintf(stderr, "seed %llu: mae %.2f (floor %.2f), %llu flagged, %llu of %llu malicious\n",
               static_cast<unsigned long long>(seed), result->forecast.mae, floor.causal_mae,
               static_cast<unsigned long long>(score.any.flagged),
               static_cast<unsigned long long>(score.any.hits),
               static_cast<unsigned long long>(score.any.wanted));
  tally.mae += result->forecast.mae;
  tally.worst_mae = std::max(tally.worst_mae, result->forecast.mae);
  tally.floor += floor.causal_mae;
  tally.months += 1;
  tally.days += kDays - kTrained.count();
  tally.flagged += score.any.flagged;
  tally.hits += score.any.hits;
  tally.wanted += score.any.wanted;
  for (const auto& kind : score.kinds) {
    if (!kind.malicious) continue;
    tally.kinds[kind.kind].clients += kind.clients;
    tally.kinds[kind.kind].flagged += kind.flagged;
  }
  return watch(*rest, config, *bundle, clients, tally);
}

double median(std::vector<double> values) {
  if (values.empty()) return std::nan("");
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? std::nan("") : static_cast<double>(part) / static_cast<double>(whole);
}

void report(const Tally& tally, double false_alarms, Figures& figures) {
  figures.add({.name = "synthetic_over_causal_floor",
               .value = tally.mae / tally.months,
               .unit = "requests/h",
               .reference = "causal floor",
               .reference_value = tally.floor / tally.months,
               .aim = "<=1.15"});
  figures.add({.name = "synthetic_mae_worst_month",
               .value = tally.worst_mae,
               .unit = "requests/h",
               .aim = "<20"});
  figures.add(
      {.name = "precision", .value = ratio(tally.hits, tally.flagged), .unit = "", .aim = ">0.95"});
  figures.add(
      {.name = "recall", .value = ratio(tally.hits, tally.wanted), .unit = "", .aim = ">0.90"});
  for (const auto& [name, kind] : tally.kinds) {
    figures.add({.name = "recall_" + name, .value = ratio(kind.flagged, kind.clients), .unit = ""});
    figures.add({.name = "seconds_to_verdict_" + name, .value = median(kind.seconds), .unit = "s"});
    figures.add({.name = "requests_to_verdict_" + name,
                 .value = median(kind.requests),
                 .unit = "requests"});
  }
  const auto minutes = static_cast<double>(tally.good_minutes);
  figures.add({.name = "false_verdicts",
               .value = static_cast<double>(tally.flagged - tally.hits) / tally.days,
               .unit = "a day",
               .reference = "promised",
               .reference_value = false_alarms * minutes / tally.days,
               .aim = "<=1"});
  figures.add({.name = "good_client_minutes", .value = minutes, .unit = "", .aim = ">=100000"});
  // Clopper and Pearson 1934: the exact interval of 95 %.
  figures.add({.name = "good_minutes_under_verdict_upper",
               .value = boost::math::binomial_distribution<>::find_upper_bound_on_p(
                   minutes, static_cast<double>(tally.good_minutes_denied), 0.025),
               .unit = "",
               .aim = "<=0.0001"});
}

int bench(int argc, char** argv) {
  std::string seeds = "21,5,33,8";
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--seeds=")) seeds = argument.substr(8);
  }
  const std::string config_file = TIDELIMIT_SOURCE_DIR "/deploy/tidelimit.yaml";
  const auto config = config::load(config_file);
  if (!config) {
    std::fprintf(stderr, "months_bench: %s\n", config.error().message.c_str());
    return 1;
  }
  Tally tally;
  bool first_half_teaches = true;
  for (const auto seed : split(seeds, ',')) {
    const auto number = std::strtoull(std::string(seed).c_str(), nullptr, 10);
    const auto done = judge_month(number, first_half_teaches, config_file, *config, tally);
    if (!done) {
      std::fprintf(stderr, "months_bench: %s\n", done.error().message.c_str());
      return 1;
    }
    first_half_teaches = !first_half_teaches;
  }
  Figures figures;
  report(tally, config->engine.policy.anomaly.false_alarms, figures);
  return figures.print(argc, argv);
}

}  // namespace
}  // namespace tidelimit::bench

int main(int argc, char** argv) {
  return tidelimit::bench::bench(argc, argv);
}
