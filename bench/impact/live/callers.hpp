#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "impact/ledger.hpp"

namespace tidelimit::impact {

/// Customers and attackers on real connections: every call goes out at its moment, whatever became
/// of those before it (open loop), on a connection that is free or on a new one. Latency counts
/// from the moment that the call was due, so a load that falls behind shows.
class Callers {
 public:
  using Clock = std::chrono::steady_clock;

  struct Result {
    std::uint64_t failed = 0;      ///< no answer, or one that is no HTTP: counted as refused
    std::uint64_t unanswered = 0;  ///< of those, still under way when patience ended
    double behind_ms_p99 = 0;      ///< how late calls were sent
  };

  /// `port`: of the gateway on loopback.
  explicit Callers(std::uint16_t port);
  ~Callers();
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  /// Plays all of `traffic`, whose first moment is `from` of the day, from `begin` on at `pace`.
  /// Returns when the last answer is there, or ten seconds after the last call.
  [[nodiscard]] Result play(Traffic& traffic, Nanos from, int pace, Clock::time_point begin,
                            Ledger& ledger);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidelimit::impact
