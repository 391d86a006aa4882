#include "limiter/snapshot.hpp"

#include <atomic>
#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <vector>

namespace tidelimit::limiter {
namespace {

TEST(Snapshot, ReadsNothingThenTheNewest) {
  SnapshotSlot<int> slot;
  SnapshotReader<int> reader(slot);
  EXPECT_EQ(reader.get(), nullptr);
  EXPECT_EQ(slot.current(), nullptr);
  slot.publish(std::make_shared<int>(1));
  slot.publish(std::make_shared<int>(2));
  EXPECT_EQ(*reader.get(), 2);
  EXPECT_EQ(*slot.current(), 2);
  slot.publish(nullptr);
  EXPECT_EQ(reader.get(), nullptr);
}

// Tells the thread that destroys it.
struct Tracked {
  explicit Tracked(std::atomic<int>& alive) : alive(alive) { ++alive; }
  ~Tracked() {
    --alive;
    destroyed_by = std::this_thread::get_id();
  }
  Tracked(const Tracked&) = delete;
  std::atomic<int>& alive;
  static inline std::atomic<std::thread::id> destroyed_by;
};

TEST(Snapshot, IsDestroyedByThePublisherNotByAReader) {
  std::atomic<int> alive{0};
  SnapshotSlot<Tracked> slot;
  SnapshotReader<Tracked> slow(slot);
  slot.publish(std::make_shared<Tracked>(alive));
  ASSERT_NE(slow.get(), nullptr);
  slot.publish(std::make_shared<Tracked>(alive));
  EXPECT_EQ(alive, 2) << "the reader still holds the first";
  std::thread([&] { static_cast<void>(slow.get()); }).join();
  EXPECT_EQ(alive, 2) << "it let go, and freed nothing";
  slot.publish(std::make_shared<Tracked>(alive));
  EXPECT_EQ(alive, 2) << "the second is still read, the first is gone";
  EXPECT_EQ(Tracked::destroyed_by.load(), std::this_thread::get_id());
}

TEST(Snapshot, ReachesReadersWholeAndInOrder) {
  struct Pair {
    std::uint64_t a;
    std::uint64_t b;
  };
  constexpr std::uint64_t kLast = 20'000;
  SnapshotSlot<Pair> slot;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      SnapshotReader<Pair> reader(slot);
      std::uint64_t seen = 0;
      while (seen < kLast) {
        const Pair* pair = reader.get();
        if (pair == nullptr) continue;
        EXPECT_EQ(pair->a * 3, pair->b);
        EXPECT_GE(pair->a, seen);
        seen = pair->a;
      }
    });
  }
  for (std::uint64_t i = 1; i <= kLast; ++i) slot.publish(std::make_shared<Pair>(Pair{i, 3 * i}));
  for (std::thread& reader : readers) reader.join();
}

// A worker whose first look finds the slot busy would decide without a plan, and so let all pass.
TEST(SnapshotThreads, GiveEveryReaderWhatWasPublishedBeforeItCame) {
  SnapshotSlot<int> slot;
  slot.publish(std::make_shared<int>(1));
  std::atomic<int> missed{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < 50'000; ++i) {
        SnapshotReader<int> reader(slot);
        if (reader.get() == nullptr) ++missed;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(missed.load(), 0);
}

}  // namespace
}  // namespace tidelimit::limiter
