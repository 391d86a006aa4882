#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "engine/data.hpp"

namespace tidelimit::engine {

/// `buffer` is scratch for the path.
[[nodiscard]] EngineWorker::Prepared identify(const Routes& routes, const limiter::Limiter& limiter,
                                              const traffic::Request& request, limiter::Hits hits,
                                              std::string& buffer);

/// What one worker goes by and keeps from call to call: the state behind the parts of EngineWorker
/// (worker.cpp: one request; worker_together.cpp: several questions; worker_responses.cpp: what
/// came of it). One thread.
struct EngineWorker::Impl {
  static constexpr std::size_t kLongestPath = 16 << 10;  ///< the buffer grows only for odd ones

  Impl(Engine::Data& the_data, std::size_t the_seat, std::shared_ptr<DecisionLog> the_log)
      : data(the_data),
        limiter(the_data.limiter),
        view(the_data.view),
        seat(the_seat),
        log(std::move(the_log)) {
    path.reserve(kLongestPath);
    while (view.get() == nullptr) {  // busy for a moment at most: a view was published before us
    }
  }

  /// What is in force: the limiter goes by it until the next look.
  [[nodiscard]] const WorkerView& look() noexcept {
    const WorkerView& seen = *view.get();
    limiter.go_by(seen.plan.get());
    return seen;
  }
  [[nodiscard]] Prepared identify(const Routes& routes, const traffic::Request& request,
                                  limiter::Hits hits) {
    return engine::identify(routes, data.limiter, request, hits, path);
  }
  void name(const Routes& routes, const Identity& who, Answer& answer) const;
  [[nodiscard]] std::uint64_t account(const WorkerView& seen, const traffic::Request& request,
                                      const Identity& who, const limiter::Call& call,
                                      const limiter::Decision& decision, Now now) noexcept;
  /// Decides what stands identified in the first places of `whose` and `calls`.
  [[nodiscard]] bool decide_together(const WorkerView& seen, std::span<const Asked> asked, Now now,
                                     std::span<Answer> answers);
  void account_together(const WorkerView& seen, std::span<const Asked> asked, std::size_t count,
                        Now now) noexcept;
  [[nodiscard]] std::size_t add_other_readings(std::size_t asked) noexcept;
  void count_demand(Tally& tally, const limiter::Call& call, const limiter::Decision& decision,
                    Now now) noexcept;
  void count_response(Tally& tally, const limiter::Call& call, const traffic::Request& request,
                      ReportKind kind, bool own_denial, Now now) noexcept;
  [[nodiscard]] WindowIndex window_of(WallTime time) noexcept;
  [[nodiscard]] bool is_open(WindowIndex window) const noexcept;
  void put(Tally& tally, limiter::EndpointId endpoint, WindowIndex window,
           const WindowCounts& counts, WallTime now) noexcept;
  [[nodiscard]] std::uint64_t keep(Tally& tally, const traffic::Request& request,
                                   const limiter::Call& call, const Routes& routes,
                                   const limiter::Decision& decision, Now now) noexcept;

  Engine::Data& data;
  limiter::Worker limiter;
  limiter::SnapshotReader<WorkerView> view;
  const std::size_t seat;
  const std::shared_ptr<DecisionLog> log;  ///< null: nothing is kept
  std::string path;
  // Of the calls that are decided together.
  std::array<Identity, limiter::Worker::kTogetherMax> whose{};
  std::array<limiter::Call, limiter::Worker::kTogetherMax> calls{};
  std::array<limiter::Decision, limiter::Worker::kTogetherMax> decisions{};
  std::array<std::size_t, limiter::Worker::kTogetherMax> question{};  ///< which one a call is of
  std::array<std::uint64_t, limiter::Worker::kTogetherMax> ids{};     ///< of what was kept
  std::uint64_t kept = 0;
  Instant next_pass{};
  WindowIndex last_window = 0;
  WallTime last_window_start{};
};

/// As Engine::Data::index_of, without its divisions where the time is in the window last asked for.
inline WindowIndex EngineWorker::Impl::window_of(WallTime time) noexcept {
  if (time < last_window_start || time - last_window_start >= data.window) [[unlikely]] {
    last_window = data.index_of(time);
    last_window_start = data.start_of(last_window);
  }
  return last_window;
}

inline bool EngineWorker::Impl::is_open(WindowIndex window) const noexcept {
  const WindowIndex first = data.first_open.load(std::memory_order_acquire);
  if (first == std::numeric_limits<WindowIndex>::min()) return true;  // before the first tick
  return window >= first && window - first < static_cast<WindowIndex>(kOpenWindows);
}

inline void EngineWorker::Impl::put(Tally& tally, limiter::EndpointId endpoint, WindowIndex window,
                                    const WindowCounts& counts, WallTime now) noexcept {
  if (is_open(window)) {
    tally.add(endpoint, window, counts);
  } else {
    tally.late(endpoint, data.index_of(now));
  }
}

/// So many requests of a call, as windows count them.
[[nodiscard]] inline WindowCounts demand(const limiter::Call& call, bool malicious,
                                         limiter::Hits hits) {
  WindowCounts counts;
  (malicious ? counts.malicious : counts.requests) = hits;
  if (!malicious && limiter::index(call.tier) == 0) counts.premium = hits;
  return counts;
}

}  // namespace tidelimit::engine
