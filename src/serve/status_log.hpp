#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "engine/status.hpp"

namespace tidelimit::serve {

/// Puts into the log what has changed from one status of the engine to the next. One thread.
class StatusLog {
 public:
  /// Of verdicts so many lines within a minute: a swarm fills no disk.
  static constexpr std::uint64_t kVerdictLines = 60;

  void tell(const engine::Status& status);

 private:
  void tell_degraded(const engine::Status& status);
  void tell_sources(const engine::Status& status);
  void tell_plan_changes(const engine::Status& status);
  void tell_verdicts(const engine::Status& status);

  std::vector<engine::Degradation> degraded_;  ///< as last told
  std::uint64_t plan_changes_ = 0;             ///< told, of all since the start
  /// Endpoints with another source than the model.
  std::map<std::string, forecast::Source> guarded_;
  std::uint64_t verdicts_ = 0;     ///< told or passed over, of all since the start
  std::uint64_t passed_over_ = 0;  ///< of those, since the last line
  std::uint64_t lines_ = 0;        ///< in the minute from minute_ on
  Instant minute_;
};

}  // namespace tidelimit::serve
