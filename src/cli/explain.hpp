#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "anomaly/detector_model.hpp"
#include "engine/replay/replay.hpp"
#include "ingest/distinct_counter.hpp"
#include "ingest/top_counter.hpp"
#include "traffic/status_class.hpp"

namespace tidelimit::cli {

/// One client as the control plane saw it at one scan.
struct Look {
  WallTime time{};
  double score = 0;
  bool alarm = false;          ///< above the threshold
  bool evidence = false;       ///< and in a direction that does harm
  std::uint32_t requests = 0;  ///< of the last five minutes
  std::uint32_t errors = 0;
};

/// Everything that led to a client's verdict, or to none.
struct Explanation {
  ClientId client;
  std::string name;
  std::string model;

  std::uint64_t requests = 0;
  std::uint64_t all_requests = 0;
  WallTime first{};  ///< the earliest and
  WallTime last{};   ///< the latest time of its requests, in whatever order they came
  std::array<std::uint64_t, traffic::kStatusClasses> status_classes{};  ///< 0: unknown
  ingest::TopCounter paths{200};
  ingest::TopCounter agents{50};
  ingest::DistinctCounter users;

  double threshold = 0;
  anomaly::HarmLevels harm;
  std::vector<Look> looks;  ///< scans in which it had been active
  /// When its verdict was raised, else at its highest score.
  std::optional<engine::ClientView> oddest;
  WallTime oddest_at{};
  std::string protected_reason;  ///< why no model may block it; empty: it may
  std::vector<engine::VerdictSpan> verdicts;
  engine::Outcomes outcomes;  ///< of its requests under the configuration
};

[[nodiscard]] std::string explain_text(const Explanation& explanation);
[[nodiscard]] std::string explain_json(const Explanation& explanation);

}  // namespace tidelimit::cli
