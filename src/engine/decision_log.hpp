#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/address.hpp"
#include "base/time.hpp"
#include "limiter/decision.hpp"
#include "limiter/zeroed_array.hpp"

namespace tidelimit::engine {

/// Text cut to a fixed length, kept in place.
template <std::size_t N>
struct ShortText {
  std::uint8_t size;
  std::array<char, N> bytes;

  void set(std::string_view text) noexcept {
    size = static_cast<std::uint8_t>(text.size() < N ? text.size() : N);
    text.copy(bytes.data(), size);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes.data(), size}; }
};

/// A decision as a worker keeps it: plain bytes, no allocation. Names are looked up when it is
/// written to the history.
struct KeptDecision {
  std::uint64_t id;
  WallTime time;
  ClientId client;
  limiter::EndpointId endpoint;  ///< of the configuration with `routes_epoch`
  limiter::TierId tier;
  std::uint16_t rollout;  ///< Call::rollout
  std::uint32_t routes_epoch;
  limiter::Decision decision;  ///< limiter::on_record
  ShortText<64> user;
  ShortText<128> path;
  ShortText<15> method;
};

/// A bounded queue from one worker to the control plane. Full: the decision is not kept.
class DecisionLog {
 public:
  static constexpr std::size_t kCapacity = 4096;

  DecisionLog() : entries_(kCapacity) {}

  /// The writer's next free entry, or null; `commit` hands it over.
  [[nodiscard]] KeptDecision* next() noexcept {
    const auto written = written_.load(std::memory_order_relaxed);
    if (written - taken_.load(std::memory_order_acquire) == kCapacity) return nullptr;
    return &entries_[written % kCapacity];
  }
  void commit() noexcept {
    written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// The reader: visits and frees what was committed.
  template <class Visit>
  void drain(Visit&& visit) {
    const auto written = written_.load(std::memory_order_acquire);
    auto taken = taken_.load(std::memory_order_relaxed);
    for (; taken != written; ++taken) {
      visit(static_cast<const KeptDecision&>(entries_[taken % kCapacity]));
      taken_.store(taken + 1, std::memory_order_release);
    }
  }
  [[nodiscard]] bool empty() const noexcept {
    return written_.load(std::memory_order_acquire) == taken_.load(std::memory_order_relaxed);
  }

 private:
  limiter::ZeroedArray<KeptDecision> entries_;
  alignas(64) std::atomic<std::uint64_t> written_{0};
  alignas(64) std::atomic<std::uint64_t> taken_{0};
};

}  // namespace tidelimit::engine
