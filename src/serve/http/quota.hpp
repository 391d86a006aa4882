#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "base/address.hpp"
#include "base/hash.hpp"

namespace tidelimit::serve {

/// Bounds connections in all and per client address, over all loops. Asked at accept and close
/// only. Thread-safe.
class ConnectionQuota {
 public:
  ConnectionQuota(std::size_t in_all, std::size_t per_client)
      : in_all_(in_all), per_client_(per_client) {}

  /// Takes a place; false when there is none. `exempt` callers are counted in all only.
  [[nodiscard]] bool enter(const ClientId& client, bool exempt) {
    std::lock_guard lock(mutex_);
    if (open_ >= in_all_) return false;
    if (!exempt) {
      std::size_t& mine = by_client_[client];
      if (mine >= per_client_) return false;
      ++mine;
    }
    ++open_;
    return true;
  }

  /// Gives it back, with the same `exempt` as it was taken.
  void leave(const ClientId& client, bool exempt) {
    std::lock_guard lock(mutex_);
    --open_;
    if (exempt) return;
    const auto mine = by_client_.find(client);
    if (mine != by_client_.end() && --mine->second == 0) by_client_.erase(mine);
  }

  [[nodiscard]] std::size_t open() const {
    std::lock_guard lock(mutex_);
    return open_;
  }

 private:
  const std::size_t in_all_;
  const std::size_t per_client_;
  mutable std::mutex mutex_;
  std::size_t open_ = 0;                                               ///< guarded by mutex_
  std::unordered_map<ClientId, std::size_t, ClientIdHash> by_client_;  ///< guarded by mutex_
};

}  // namespace tidelimit::serve
