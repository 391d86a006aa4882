#pragma once

#include <cstddef>

#include "engine/settings.hpp"

namespace tidelimit::engine {

/// What an engine's tables take of memory when all of them are full, in bytes. Until then they take
/// as much as was ever used of them.
struct TableMemory {
  std::size_t buckets = 0;
  std::size_t clients = 0;  ///< Settings::client_bytes, and what the control plane knows of each
  std::size_t leases = 0;

  [[nodiscard]] std::size_t total() const { return buckets + clients + leases; }
};

[[nodiscard]] TableMemory most_memory(const Settings& settings);

}  // namespace tidelimit::engine
