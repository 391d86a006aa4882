#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/time.hpp"
#include "engine/routes.hpp"
#include "limiter/decision.hpp"
#include "traffic/answer_kind.hpp"
#include "traffic/status_class.hpp"

namespace tidelimit::engine {

/// Windows are numbered from the Unix epoch in steps of their length.
using WindowIndex = std::int64_t;

/// So many windows may be open at once: the one that runs, those in grace, and those that a control
/// plane which hangs has not closed yet. What comes beyond is counted as late.
inline constexpr std::size_t kOpenWindows = 8;
/// Where a window counts: in place w mod kOpenWindows.
[[nodiscard]] constexpr std::size_t place_of(WindowIndex window) noexcept {
  constexpr auto kPlaces = static_cast<WindowIndex>(kOpenWindows);
  return static_cast<std::size_t>((window % kPlaces + kPlaces) % kPlaces);
}

using traffic::kStatusClasses;

/// What a window counts; each is the sum of one kind of event at one endpoint.
struct WindowCounts {
  std::uint64_t requests = 0;
  std::uint64_t premium = 0;
  std::uint64_t errors = 0;
  std::uint64_t responses = 0;
  std::uint64_t latency_us = 0;
  std::uint64_t malicious = 0;
  std::uint64_t late = 0;

  bool operator==(const WindowCounts&) const = default;
  /// What came since, of counts that only grow.
  [[nodiscard]] WindowCounts operator-(const WindowCounts& before) const {
    WindowCounts since = *this;
    since.each(before, [](std::uint64_t& mine, std::uint64_t theirs) { mine -= theirs; });
    return since;
  }
  void operator+=(const WindowCounts& more) {
    each(more, [](std::uint64_t& mine, std::uint64_t theirs) { mine += theirs; });
  }

 private:
  template <class Take>
  void each(const WindowCounts& other, Take&& take) {
    take(requests, other.requests);
    take(premium, other.premium);
    take(errors, other.errors);
    take(responses, other.responses);
    take(latency_us, other.latency_us);
    take(malicious, other.malicious);
    take(late, other.late);
  }
};

/// Answers of the service of one kind, of known latency.
struct AnswerCounts {
  std::uint64_t count = 0, latency_us = 0;
};

/// All that one worker counts under one configuration. One writer, the worker; read by anyone at
/// any time (relaxed). Numbers only grow: the control plane takes differences, so nothing is ever
/// reset under the writer.
class Tally {
 public:
  explicit Tally(std::shared_ptr<const Routes> routes);

  // The writer's side.
  void decided(const Identity& who, const limiter::Decision& decision) noexcept;
  void observed(const Identity& who, std::uint16_t status) noexcept;
  void late(limiter::EndpointId endpoint, WindowIndex window) noexcept;
  void record_dropped(WallTime now) noexcept {
    bump(single_[kRecordsDropped], 1);
    last_record_dropped_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  void add(limiter::EndpointId endpoint, WindowIndex window, const WindowCounts& counts) noexcept;

  void answered(limiter::EndpointId endpoint, traffic::AnswerKind kind,
                std::uint64_t latency_us) noexcept;

  // Anyone's side.
  [[nodiscard]] const Routes& routes() const { return *routes_; }
  [[nodiscard]] WindowCounts window(std::size_t endpoint, WindowIndex window) const noexcept;
  /// Of all windows since start: a place is used by one after the other and never reset.
  [[nodiscard]] WindowCounts all_windows(std::size_t endpoint) const noexcept;
  /// Since the tally was made.
  [[nodiscard]] AnswerCounts answers(std::size_t endpoint, traffic::AnswerKind kind) const noexcept;
  [[nodiscard]] std::uint64_t decisions(std::size_t endpoint, std::size_t tier, std::size_t outcome,
                                        std::size_t reason) const noexcept;
  /// Whatever the reason.
  [[nodiscard]] std::uint64_t decisions(std::size_t endpoint, std::size_t tier,
                                        std::size_t outcome) const noexcept;
  [[nodiscard]] std::uint64_t near_limit(std::size_t endpoint, std::size_t tier) const noexcept;
  [[nodiscard]] std::uint64_t in_flight_denials(std::size_t endpoint,
                                                std::size_t tier) const noexcept;
  [[nodiscard]] std::uint64_t observed(std::size_t endpoint, std::size_t tier,
                                       std::size_t status_class) const noexcept;
  [[nodiscard]] std::uint64_t unmatched_paths() const noexcept { return read(kUnmatchedPaths); }
  [[nodiscard]] std::uint64_t unmatched_tiers() const noexcept { return read(kUnmatchedTiers); }
  [[nodiscard]] std::uint64_t late() const noexcept { return read(kLate); }
  [[nodiscard]] std::uint64_t records_dropped() const noexcept { return read(kRecordsDropped); }
  /// The epoch: none was.
  [[nodiscard]] WallTime last_record_dropped() const noexcept {
    return WallTime{Nanos{last_record_dropped_.load(std::memory_order_relaxed)}};
  }
  [[nodiscard]] std::uint64_t overflow_decisions() const noexcept { return read(kOverflows); }

 private:
  using Counter = std::atomic<std::uint64_t>;
  enum Single : std::size_t {
    kUnmatchedPaths,
    kUnmatchedTiers,
    kLate,
    kRecordsDropped,
    kOverflows,
    kSingles
  };
  // One cache line: what an ordinary request touches of its window.
  struct alignas(64) WindowCell {
    Counter requests{0}, premium{0}, errors{0}, responses{0}, latency_us{0}, malicious{0}, late{0};
  };
  // Apart from the windows: what the load is judged by belongs to the moment in which it came.
  struct alignas(64) AnswerCell {
    std::array<Counter, traffic::kAnswerKinds> count{}, latency_us{};
  };

  // A single writer needs no read-modify-write: two plain moves instead of a locked add.
  static void bump(Counter& counter, std::uint64_t by) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t read(Single which) const noexcept {
    return single_[which].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::size_t pair(std::size_t endpoint, std::size_t tier) const noexcept {
    return endpoint * routes_->tiers().size() + tier;
  }
  [[nodiscard]] std::size_t pair(const Identity& who) const noexcept {
    return pair(limiter::index(who.endpoint), limiter::index(who.tier));
  }
  [[nodiscard]] static std::size_t cell(std::size_t endpoint, WindowIndex window) noexcept {
    return endpoint * kOpenWindows + place_of(window);
  }

  std::shared_ptr<const Routes> routes_;
  std::vector<Counter> decisions_;  // [endpoint][tier][outcome][reason]
  std::vector<Counter> near_limit_;
  std::vector<Counter> in_flight_denials_;
  std::vector<Counter> observed_;    // [endpoint][tier][status class]
  std::vector<WindowCell> windows_;  // [endpoint][place_of(window)]
  std::vector<AnswerCell> answers_;  // [endpoint]
  std::array<Counter, kSingles> single_{};
  std::atomic<std::int64_t> last_record_dropped_{0};  // ns since the epoch
};

}  // namespace tidelimit::engine
