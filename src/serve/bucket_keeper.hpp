#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

#include "serve/gate/settings.hpp"
#include "serve/metrics/render.hpp"
#include "serve/net/clock.hpp"
#include "serve/notes.hpp"
#include "store/buckets/bucket_file.hpp"

namespace tidelimit::serve {

/// Lets limits outlive the process: takes up the buckets of the gate before, and saves those of
/// this one every few seconds and at the end, on a thread of its own, for a disk may take long. One
/// that fails is told by a note and stops nothing. Borrows all that it is given.
class BucketKeeper {
 public:
  BucketKeeper(store::BucketFile& file, limiter::BucketRegion& region, const SettingsSlot& settings,
               const Clock& clock, store::BucketFile::Zero zero, Notes& notes)
      : file_(file),
        region_(region),
        settings_(settings),
        clock_(clock),
        zero_(zero),
        notes_(notes) {}
  ~BucketKeeper();
  BucketKeeper(const BucketKeeper&) = delete;
  BucketKeeper& operator=(const BucketKeeper&) = delete;

  /// Once, before any decision.
  void restore();
  void start();
  /// A last save, then the end. False: it hangs, and its thread was let go; the process must end
  /// without destroying what it uses.
  [[nodiscard]] bool stop(std::chrono::milliseconds patience);

  /// From any thread.
  [[nodiscard]] KeptBuckets figures() const;

 private:
  void run();
  void save();
  [[nodiscard]] Nanos until_next_save() const;
  [[nodiscard]] store::BucketFile::Limits limits() const;

  store::BucketFile& file_;
  limiter::BucketRegion& region_;
  const SettingsSlot& settings_;
  const Clock& clock_;
  const store::BucketFile::Zero zero_;
  Notes& notes_;
  std::size_t restored_ = 0;
  std::atomic<std::size_t> saved_{0};
  std::atomic<std::int64_t> saved_at_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  ///< guarded by mutex_
  bool done_ = false;      ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace tidelimit::serve
