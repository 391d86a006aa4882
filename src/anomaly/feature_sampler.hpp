#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/random.hpp"
#include "traffic/client_replay.hpp"

namespace tidelimit::anomaly {

struct SamplerOptions {
  std::uint64_t seed = 1;
  /// What people know of a client; empty: nothing of any. Malicious ones are left out with all
  /// their rows, those that are known to be not stay in however they fail.
  std::function<std::optional<bool>(const ClientId&)> known_malicious = {};
};

/// Draws training rows from a log: features per client and minute, a bounded, deterministic sample
/// in which a client's weight is limited. A client that plainly fails at some time is left out with
/// all its rows: its first minutes, when it had not failed enough yet, would teach that this is
/// usual.
class FeatureSampler {
 public:
  explicit FeatureSampler(const SamplerOptions& options = {});

  void add(const traffic::Request& request);

  /// The rows drawn so far; ends the running minute, so call it after the last request.
  [[nodiscard]] const std::vector<traffic::ClientFeatures>& rows();
  /// By row of the last rows(): days since the first request on which it was drawn.
  [[nodiscard]] const std::vector<std::uint32_t>& days() const { return days_; }
  /// The names that the rows' tiers speak of.
  [[nodiscard]] const std::vector<std::string>& tiers() const { return replay_.tiers(); }

  /// Rows that rows() left out.
  [[nodiscard]] std::uint64_t rows_aside() const { return rows_aside_; }
  /// Client-minutes seen, drawn or not.
  [[nodiscard]] std::uint64_t client_minutes() const { return seen_; }

 private:
  void offer(std::uint32_t slot, bool fresh, const ClientId& client, WallTime minute_end);

  SamplerOptions options_;
  traffic::ClientReplay replay_;
  Random random_;
  /// One client in one slot, from when it came until another takes the slot.
  struct Stay {
    std::uint32_t number = 0;
    std::uint32_t minutes = 0;
  };

  std::vector<Stay> stays_;   ///< by slot
  std::vector<bool> failed_;  ///< by number of the stay
  std::vector<std::uint32_t> stay_of_row_;
  std::vector<traffic::ClientFeatures> rows_;
  std::vector<std::uint32_t> days_;    ///< by row
  std::optional<WallTime> first_end_;  ///< of the first minute
  std::uint64_t rows_aside_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t offered_ = 0;
};

}  // namespace tidelimit::anomaly
