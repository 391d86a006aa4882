#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "engine/status.hpp"

namespace tidelimit::engine {

/// Notices requests that pass and whose responses nobody tells: a log that is broken off, or lines
/// that a client makes too long for it. Then rules on errors see none. Of each endpoint by itself,
/// if responses were ever told of it: others may have no log. Pure; one thread.
class ResponseWatch {
 public:
  /// Looks at what was counted since start; at most once a minute.
  void look(const CountersView& counters, Instant now);
  [[nodiscard]] bool due(Instant now) const { return !last_ || now - *last_ >= kStep; }

  /// Of the requests that passed in the last minutes, the share that nobody told a response of;
  /// nullopt: none was ever told, or too few passed to say.
  [[nodiscard]] std::optional<double> unanswered(const std::string& endpoint) const;
  /// For people, while it is a large share somewhere.
  [[nodiscard]] std::optional<Degradation> trouble() const;

 private:
  static constexpr Nanos kStep = std::chrono::minutes{1};

  struct Endpoint {
    std::uint64_t passed_before = 0, told_before = 0;  ///< since start, at the last look
    double passing = 0;  ///< passed since the look before: their responses may be on the way
    double passed = 0;   ///< of the last minutes, older ones weighing less
    double told = 0;
    bool missing = false;  ///< a large share is not told

    [[nodiscard]] std::optional<double> unanswered() const;
  };

  std::optional<Instant> last_;
  std::map<std::string, Endpoint> endpoints_;
};

}  // namespace tidelimit::engine
