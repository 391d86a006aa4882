#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <utility>

namespace tidelimit::serve {

/// Bounds the bytes of bodies that are kept until they are whole or handled, over all connections
/// and lanes. Thread-safe.
class BodyBudget {
 public:
  explicit BodyBudget(std::size_t most) : most_(most) {}

  /// False when there is no room for so many more.
  [[nodiscard]] bool take(std::size_t bytes) noexcept {
    std::size_t held = held_.load(std::memory_order_relaxed);
    do {
      if (bytes > most_ - held) return false;
    } while (!held_.compare_exchange_weak(held, held + bytes, std::memory_order_relaxed));
    return true;
  }
  void give(std::size_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  [[nodiscard]] std::size_t held() const noexcept { return held_.load(std::memory_order_relaxed); }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> held_{0};
};

/// A body that is kept, and its share of the budget, which is given back with it. Only moved.
class HeldBody {
 public:
  /// Null: it counts nowhere.
  explicit HeldBody(BodyBudget* budget) : budget_(budget) {}
  HeldBody(HeldBody&& other) noexcept
      : bytes(std::move(other.bytes)),
        budget_(other.budget_),
        counted_(std::exchange(other.counted_, 0)) {}
  HeldBody& operator=(HeldBody&&) = delete;
  ~HeldBody() {
    if (counted_ > 0) budget_->give(counted_);
  }

  /// Has the budget count what `bytes` has grown by; false when there is no room for it.
  [[nodiscard]] bool count() {
    if (budget_ == nullptr || bytes.size() <= counted_) return true;
    if (!budget_->take(bytes.size() - counted_)) return false;
    counted_ = bytes.size();
    return true;
  }

  std::string bytes;

 private:
  BodyBudget* budget_;
  std::size_t counted_ = 0;
};

}  // namespace tidelimit::serve
