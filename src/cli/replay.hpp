#pragma once

#include <optional>
#include <string>

#include "engine/replay/comparison.hpp"
#include "engine/replay/report.hpp"
#include "ingest/read_report.hpp"

namespace tidelimit::cli {

/// One configuration over the input.
struct ReplayedConfig {
  std::string file;
  std::string model;  ///< version of the bundle; empty: none
  engine::ReplayReport report;
};

/// All that `replay` has to tell.
struct Replayed {
  std::string inputs;  ///< their names, for people
  ingest::ReadReport reading;
  ReplayedConfig main;
  std::optional<ReplayedConfig> against;
  engine::Comparison comparison;  ///< from `against` to `main`
  double seconds = 0;             ///< that reading and deciding took

  [[nodiscard]] double requests_per_second() const {
    return seconds > 0 ? static_cast<double>(reading.requests) / seconds : 0.0;
  }
};

/// What a verdict does under a gate in that mode: "block", "10/min", "would block" where the gate
/// is in shadow, "block (only reported)" where the verdict itself is not enforced.
[[nodiscard]] std::string what_it_does(const policy::VerdictRecord& verdict, limiter::Mode gate);

// Rates in the unit that the configuration has for the tier at the endpoint, as in "100/h"; in
// minutes where it has none. Of none "-". What all principals of the tier have together is "in
// total".

/// What is configured there: "100/min", "100/min, 600/min in total".
[[nodiscard]] std::string base_there(const engine::ReplayReport& report, std::size_t endpoint,
                                     std::size_t tier);
/// What the first denial met.
[[nodiscard]] std::string limit_met(const engine::ReplayReport& report,
                                    const engine::HarmedPrincipal& principal);

/// An episode's figures as people read them: a rate, or the share that is shed.
struct EpisodeFigures {
  std::string base;
  std::string farthest;
};
[[nodiscard]] EpisodeFigures figures_of(const engine::ReplayReport& report,
                                        const engine::Episode& episode);
/// "limits 2, totals 4, shed 0; 120 steps"
[[nodiscard]] std::string what_moved(const engine::ReplayReport& report);

/// On how many clients the verdicts were.
[[nodiscard]] std::size_t clients_judged(const engine::ReplayReport& report);

// What `replay` prints: for machines, for a terminal, as a page with plots.
[[nodiscard]] std::string replay_json(const Replayed& replayed);
[[nodiscard]] std::string replay_text(const Replayed& replayed);
[[nodiscard]] std::string replay_html(const Replayed& replayed);

}  // namespace tidelimit::cli
