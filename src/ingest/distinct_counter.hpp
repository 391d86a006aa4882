#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

namespace tidelimit::ingest {

/// Counts distinct things by their 64-bit hashes: exactly up to 65,536 of them, beyond that by
/// HyperLogLog (Flajolet et al. 2007) with 2^14 registers, to a standard error of 0.8 %. One
/// thread.
class DistinctCounter {
 public:
  /// `hash` must be well mixed.
  void add(std::uint64_t hash);

  [[nodiscard]] std::uint64_t count() const;
  [[nodiscard]] bool exact() const { return registers_.empty(); }

 private:
  void add_to_registers(std::uint64_t hash);

  std::unordered_set<std::uint64_t> hashes_;
  std::vector<std::uint8_t> registers_;
};

}  // namespace tidelimit::ingest
