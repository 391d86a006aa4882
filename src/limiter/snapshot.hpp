#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace tidelimit::limiter {

/// Where the control plane publishes an immutable value for all workers.
/// Thread-safe. A reader that finds the slot busy keeps its old value; one that has none yet waits
/// the moment, since without a plan everything would pass. Old values are destroyed by a later
/// publish, never by a reader: freeing a large table is no work for the request path.
template <class T>
class SnapshotSlot {
 public:
  void publish(std::shared_ptr<const T> value) {
    std::vector<std::shared_ptr<const T>> unused;  // destroyed after the lock is gone
    std::lock_guard lock(mutex_);
    if (value_ != nullptr) retired_.push_back(std::move(value_));
    value_ = std::move(value);
    generation_.fetch_add(1, std::memory_order_release);
    // Readers copy only value_, so a retired one that nobody else holds stays so.
    std::erase_if(retired_, [&](std::shared_ptr<const T>& old) {
      if (old.use_count() > 1) return false;
      unused.push_back(std::move(old));
      return true;
    });
  }
  [[nodiscard]] std::shared_ptr<const T> current() const {
    std::lock_guard lock(mutex_);
    return value_;
  }

 private:
  template <class U>
  friend class SnapshotReader;
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;                 ///< guarded by mutex_
  std::vector<std::shared_ptr<const T>> retired_;  ///< guarded by mutex_; readers may hold them
  std::atomic<std::uint64_t> generation_{0};       ///< release after value_ is stored
};

/// One worker's own pointer to the newest snapshot. One thread only. Costs one load of a shared
/// cache line per call while nothing changes. (libstdc++ 12's atomic<shared_ptr> takes a lock bit
/// on every load.)
template <class T>
class SnapshotReader {
 public:
  explicit SnapshotReader(const SnapshotSlot<T>& slot) : slot_(&slot) {}
  /// nullptr only until something was published. The reference holds until the next get().
  [[nodiscard]] const T* get() {
    if (slot_->generation_.load(std::memory_order_acquire) != seen_) [[unlikely]]
      renew();
    return value_.get();
  }

 private:
  [[gnu::noinline]] void renew() {
    std::unique_lock lock(slot_->mutex_, std::defer_lock);
    const bool first = seen_ == 0;
    if (first) lock.lock();
    if (!first && !lock.try_lock()) return;
    value_ = slot_->value_;
    seen_ = slot_->generation_.load(std::memory_order_relaxed);
  }

  const SnapshotSlot<T>* slot_;
  std::shared_ptr<const T> value_;
  std::uint64_t seen_ = 0;
};

}  // namespace tidelimit::limiter
