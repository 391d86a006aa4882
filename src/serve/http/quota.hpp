#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/address.hpp"
#include "base/hash.hpp"

namespace tidelimit::serve {

/// What is spoken on a connection.
enum class Wire : std::uint8_t { http, grpc };
inline constexpr std::array<const char*, 2> kWireNames{"http", "grpc"};

/// Why a connection found no place.
enum class NoPlace : std::uint8_t {
  full,         ///< all places are taken
  strangers,    ///< those of callers that are not trusted are
  address,      ///< the caller's address has its share
  descriptors,  ///< the system gave no descriptor
};
inline constexpr std::array<const char*, 4> kNoPlaceNames{"full", "untrusted", "address",
                                                          "descriptors"};

/// Bounds connections in all and per client address, over all loops. Callers that are not trusted
/// get three quarters of the places, so that there is one for those that are. Asked at accept and
/// close only. Thread-safe.
class ConnectionQuota {
 public:
  struct Open {
    std::array<std::size_t, kWireNames.size()> on{};  ///< by Wire
  };

  ConnectionQuota(std::size_t in_all, std::size_t per_client) { bound(in_all, per_client); }

  /// Sets the bounds anew. Those that are open stay.
  void bound(std::size_t in_all, std::size_t per_client) {
    std::lock_guard lock(mutex_);
    in_all_ = in_all;
    strangers_ = in_all - in_all / 4;
    per_client_ = per_client;
  }

  /// Takes a place; false when there is none. `exempt` callers are counted in all only.
  [[nodiscard]] bool enter(const ClientId& client, bool exempt, Wire wire) {
    std::lock_guard lock(mutex_);
    if (open_ >= in_all_) return refuse(NoPlace::full);
    if (!exempt) {
      if (open_strangers_ >= strangers_) return refuse(NoPlace::strangers);
      std::size_t& mine = by_client_[client];
      if (mine >= per_client_) return refuse(NoPlace::address);
      ++mine;
      ++open_strangers_;
    }
    ++open_;
    ++on_.on[static_cast<std::size_t>(wire)];
    return true;
  }

  /// Gives it back, with the same words as it was taken.
  void leave(const ClientId& client, bool exempt, Wire wire) {
    std::lock_guard lock(mutex_);
    --open_;
    --on_.on[static_cast<std::size_t>(wire)];
    if (exempt) return;
    --open_strangers_;
    const auto mine = by_client_.find(client);
    if (mine != by_client_.end() && --mine->second == 0) by_client_.erase(mine);
  }

  /// Counts one that is refused, and returns false.
  bool refuse(NoPlace why) {
    refused_[static_cast<std::size_t>(why)].fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  [[nodiscard]] std::uint64_t refused(NoPlace why) const {
    return refused_[static_cast<std::size_t>(why)].load(std::memory_order_relaxed);
  }

  [[nodiscard]] std::size_t open() const {
    std::lock_guard lock(mutex_);
    return open_;
  }
  [[nodiscard]] Open by_wire() const {
    std::lock_guard lock(mutex_);
    return on_;
  }

 private:
  mutable std::mutex mutex_;
  std::size_t in_all_ = 0;     ///< guarded by mutex_, as all below but refused_
  std::size_t strangers_ = 0;  ///< of in_all_, for callers that are not exempt
  std::size_t per_client_ = 0;
  std::size_t open_ = 0;
  std::size_t open_strangers_ = 0;
  Open on_;
  std::unordered_map<ClientId, std::size_t, ClientIdHash> by_client_;
  std::array<std::atomic<std::uint64_t>, kNoPlaceNames.size()> refused_{};
};

}  // namespace tidelimit::serve
