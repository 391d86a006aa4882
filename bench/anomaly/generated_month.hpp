#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>

#include "base/hash.hpp"
#include "cli/input.hpp"
#include "ingest/synthetic/labels.hpp"
#include "poison.hpp"
#include "temporary_folder.hpp"

namespace tidelimit::bench {

struct MonthOptions {
  std::uint64_t seed = 1;
  double days = 30;
  std::chrono::days trained{20};  ///< the rest is judged
  /// Whether an attack kind is kept in the part that `teaches`, or in the other; empty: all are.
  std::function<bool(synthetic::ClientKind, bool teaches)> keeps = {};
  Poison* poison = nullptr;  ///< whose requests come on top; may be null
};

/// What each client is.
using Kinds = std::unordered_map<ClientId, synthetic::ClientKind, ClientIdHash>;

/// Writes a generated stretch of time as train.csv, rest.csv, labels.csv and rates.csv. Poisoners
/// are labelled malicious, of the kind "poison"; they are not among the kinds.
Kinds write_month(const TemporaryFolder& folder, const MonthOptions& options);

/// One file as the commands read it.
[[nodiscard]] Result<cli::Input> input_of(const std::string& file);

}  // namespace tidelimit::bench
