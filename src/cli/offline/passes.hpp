#pragma once

#include <memory>
#include <optional>
#include <string>

#include "anomaly/detector.hpp"
#include "anomaly/feature_sampler.hpp"
#include "cli/input.hpp"
#include "cli/offline/client_score.hpp"
#include "cli/offline/client_trial.hpp"
#include "cli/offline/survey.hpp"
#include "config/config.hpp"
#include "ingest/read_report.hpp"
#include "model/bundle.hpp"
#include "traffic/window.hpp"

namespace tidelimit::cli {

/// First pass: what is in the logs. `sampler` may be null.
[[nodiscard]] Result<ingest::ReadReport> survey_inputs(const Input& input, Survey& survey,
                                                       anomaly::FeatureSampler* sampler);

struct HistoryOptions {
  Nanos window{std::chrono::minutes{15}};
  std::string title;  ///< of the progress bar
  /// The verdicts of the engine itself, and what came of each client; else those of a scan a
  /// minute, which are cheaper.
  bool judge_clients = false;
  const Labels* labels = nullptr;  ///< overrule the verdicts, where they name a client
};

/// Logs as the models see them.
struct TrafficHistory {
  traffic::WindowGrid grid;
  ClientOutcomes clients;
  std::uint64_t malicious_requests = 0;  ///< counted apart
  std::uint64_t labelled_requests = 0;   ///< of those, the ones of clients that are labelled so
  std::uint64_t verdicts = 0;
  std::string steady_suspects;  ///< SteadySuspects::note()
  ingest::ReadReport reading;
};

/// Second pass: windows by the configuration's endpoints, the requests of clients that the bundle's
/// detector or a rule finds malicious counted apart.
[[nodiscard]] Result<TrafficHistory> read_history(const Input& input, const config::Config& config,
                                                  const model::Bundle& bundle,
                                                  const HistoryOptions& options);

/// Whose windows are read: of a training, whose options say how long they are, or of an evaluation,
/// whose bundle does.
enum class WindowsFor { training, evaluation };

/// Ready windows, at the shape's step; says on standard error where theirs is finer, where rows are
/// missing, and which lie so far from all others (forecast/far_off.hpp) that they are left out. An
/// error with the mend where they can't be added up to that step.
[[nodiscard]] Result<traffic::WindowGrid> ready_windows(ingest::RecordReader& reader,
                                                        const forecast::Shape& shape,
                                                        WindowsFor whom);

}  // namespace tidelimit::cli
