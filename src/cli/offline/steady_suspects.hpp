#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "base/address.hpp"
#include "base/hash.hpp"
#include "base/time.hpp"

namespace tidelimit::cli {

/// Clients that a detector calls malicious day after day of the very log it learnt from. An attack
/// begins and ends; who is alike on all days may be a customer whose errors are the answers it asks
/// for, as "there is no such thing".
class SteadySuspects {
 public:
  /// There was a request, of whomever. Times before the first one are taken for it.
  void saw(WallTime time);
  [[nodiscard]] WallTime last() const { return last_; }
  /// The client's verdict began.
  void raised(const ClientId& client, WallTime time);

  /// Names the steadiest, with the setting that lets them pass; empty where there is none, or where
  /// the log is too short to tell.
  [[nodiscard]] std::string note() const;

 private:
  struct Days {
    std::uint32_t verdicts = 0;
    std::uint32_t days = 0;  ///< on which one began
    std::uint32_t last = 0;  ///< 1 + the last of those days
  };
  [[nodiscard]] std::uint32_t day_of(WallTime time) const;

  WallTime first_{};
  WallTime last_{};
  bool begun_ = false;
  std::unordered_map<ClientId, Days, ClientIdHash> clients_;
};

}  // namespace tidelimit::cli
