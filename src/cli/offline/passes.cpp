#include "cli/offline/passes.hpp"

#include <cstdio>
#include <fmt/format.h>

#include "cli/command.hpp"
#include "cli/offline/engine_trial.hpp"
#include "cli/offline/steady_suspects.hpp"
#include "cli/reading_progress.hpp"
#include "engine/routes.hpp"
#include "forecast/far_off.hpp"
#include "forecast/past.hpp"
#include "ingest/windows_reader.hpp"
#include "traffic/window_builder.hpp"

namespace tidelimit::cli {

Result<ingest::ReadReport> survey_inputs(const Input& input, Survey& survey,
                                         anomaly::FeatureSampler* sampler) {
  return ReadingProgress(input, "reading").each([&](const traffic::Request& request) {
    survey.add(request);
    if (sampler != nullptr) sampler->add(request);
  });
}

namespace {

/// Windows out of requests, endpoints and tiers by a configuration.
class Counter {
 public:
  Counter(const policy::PolicySettings& policy, Nanos window, const Labels* labels)
      : routes_(policy, {}, 0),
        windows_(window, routes_.endpoints()),
        labels_(labels),
        tiers_differ_(policy.tiers.size() > 1) {}

  template <class Trial>
  void add(const traffic::Request& request, Trial& trial) {
    suspects_.saw(request.time);
    if (trial.add(request)) take_back(trial, request.time);
    if (!traffic::meets_limits(request)) return;
    const engine::Identity identity = routes_.identify(request, buffer_);
    const std::optional<bool> label = known(request.client);
    if (label.value_or(false)) ++labelled_malicious_;
    windows_.add(request, limiter::index(identity.endpoint),
                 tiers_differ_ && limiter::index(identity.tier) == 0,
                 label.value_or(trial.malicious(request.client)));
  }
  template <class Trial>
  void finish(Trial& trial) {
    if (trial.finish()) take_back(trial, suspects_.last());
  }
  [[nodiscard]] const traffic::WindowBuilder& windows() const { return windows_; }
  [[nodiscard]] const SteadySuspects& suspects() const { return suspects_; }
  [[nodiscard]] std::uint64_t labelled_malicious() const { return labelled_malicious_; }

 private:
  template <class Trial>
  void take_back(const Trial& trial, WallTime time) {
    for (const ClientId& client : trial.raised()) {
      if (known(client).value_or(true)) windows_.take_back(client);
      if (!known(client)) suspects_.raised(client, time);
    }
  }
  [[nodiscard]] std::optional<bool> known(const ClientId& client) const {
    return labels_ != nullptr ? labels_->known_malicious(client) : std::nullopt;
  }

  engine::Routes routes_;
  traffic::WindowBuilder windows_;
  const Labels* labels_;
  bool tiers_differ_;
  SteadySuspects suspects_;
  std::uint64_t labelled_malicious_ = 0;
  std::string buffer_;
};

}  // namespace

Result<TrafficHistory> read_history(const Input& input, const config::Config& config,
                                    const model::Bundle& bundle, const HistoryOptions& options) {
  Counter counter(config.engine.policy, options.window, options.labels);
  ClientTrial scan(bundle.anomaly, config.engine.policy, options.judge_clients);
  std::optional<EngineTrial> gate;
  if (options.judge_clients) gate.emplace(config.engine, bundle);
  const auto reading =
      ReadingProgress(input, options.title).each([&](const traffic::Request& request) {
        if (gate) {
          scan.add(request);  // its scores rank the clients
          counter.add(request, *gate);
        } else {
          counter.add(request, scan);
        }
      });
  if (!reading) return tl::unexpected(reading.error());
  if (gate) {
    scan.finish();
    counter.finish(*gate);
  } else {
    counter.finish(scan);
  }
  auto grid = counter.windows().grid();
  if (!grid) return tl::unexpected(grid.error());
  TrafficHistory history{*std::move(grid),
                         scan.outcomes(),
                         counter.windows().malicious_requests(),
                         counter.labelled_malicious(),
                         scan.verdicts(),
                         counter.suspects().note(),
                         *reading};
  if (!gate) return history;
  for (auto& [client, outcome] : history.clients) outcome.worst = limiter::VerdictKind::normal;
  for (const auto& [client, worst] : gate->worst()) history.clients[client].worst = worst;
  history.verdicts = gate->worst().size();
  return history;
}

namespace {

/// The options by which rows of this step become windows of at least the length asked for; empty
/// where no length that divides a day is a multiple of the step.
std::string fitting_options(Nanos step, const forecast::Shape& asked) {
  constexpr Nanos kDay = std::chrono::hours{24};
  if (kDay % step != Nanos{}) return {};
  Nanos window = (asked.window + step - Nanos{1}) / step * step;
  while (kDay % window != Nanos{}) window += step;
  std::string options = "--window " + format_duration(window);
  if (asked.history % window != Nanos{}) options += " --history " + format_duration(kDay);
  if (asked.horizon % window != Nanos{}) options += " --horizon " + format_duration(window);
  return options;
}

std::string mend_for(Nanos step, const forecast::Shape& asked, WindowsFor whom) {
  const std::string options = fitting_options(step, asked);
  if (options.empty()) {
    return "no window that divides a day is a multiple of that: give rows at another distance, as "
           "5m or 15m";
  }
  return whom == WindowsFor::training ? "say " + options
                                      : "take a bundle that was trained with " + options;
}

std::string far_off_note(const forecast::FarOff& cut) {
  if (cut.windows == 0) return {};
  return fmt::format(
      "note: {} window{} more than {} days from all others, the first at {}: left out; {} wrong?\n",
      cut.windows, cut.windows == 1 ? " lies" : "s lie", forecast::kPastDays,
      format_time(cut.first), cut.windows == 1 ? "is its time" : "are their times");
}

}  // namespace

Result<traffic::WindowGrid> ready_windows(ingest::RecordReader& reader,
                                          const forecast::Shape& shape, WindowsFor whom) {
  auto windows = ingest::read_windows(reader, shape.window);
  if (!windows) return tl::unexpected(windows.error());
  if (!windows->fit) {
    return fail(Code::failed_precondition,
                fmt::format("the rows are {} apart, so they can't be made into windows of {}; {}",
                            format_duration(windows->input_step), format_duration(shape.window),
                            mend_for(windows->input_step, shape, whom)));
  }
  if (windows->input_step != shape.window) {
    fmt::print(stderr, "note: the rows are {} apart and are added up to windows of {} (--window)\n",
               format_duration(windows->input_step), format_duration(shape.window));
  }
  print(far_off_note(forecast::cut_far_off(windows->grid)), stderr);
  print(gap_note(windows->grid), stderr);
  return std::move(windows->grid);
}

}  // namespace tidelimit::cli
