#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace tidelimit::serve {

/// The share of its CPU allowance that a control group (cgroup version 2) used between two
/// readings. Pure.
class GroupCpu {
 public:
  /// 0..1 since the last reading; nullopt for the first one and for texts that are not what they
  /// should be. `cpu_max`: "200000 100000" (two CPUs) or "max 100000" (all of `cpus`).
  [[nodiscard]] std::optional<double> take(std::string_view cpu_stat, std::string_view cpu_max,
                                           unsigned cpus, Instant at);

 private:
  struct Reading {
    std::uint64_t used_us = 0;
    Instant at;
  };
  std::optional<Reading> last_;
};

}  // namespace tidelimit::serve
