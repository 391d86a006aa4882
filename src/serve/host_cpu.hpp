#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidelimit::serve {

/// The share of this host's CPU time that was busy between two readings of /proc/stat. Pure.
class HostCpu {
 public:
  /// 0..1 since the last reading; nullopt for the first one and for text that is not /proc/stat.
  /// Waiting for disks counts as idle; time stolen by a hypervisor as busy.
  [[nodiscard]] std::optional<double> take(std::string_view proc_stat);

 private:
  struct Times {
    std::uint64_t busy = 0;
    std::uint64_t all = 0;
  };
  std::optional<Times> last_;
};

}  // namespace tidelimit::serve
