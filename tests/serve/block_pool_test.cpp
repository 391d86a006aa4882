#include "serve/http2/block_pool.hpp"

#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

namespace tidelimit::serve {
namespace {

TEST(BlockPool, GivesTheSameMemoryAgain) {
  BlockPool pool;
  std::vector<void*> blocks;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t size = 0; size < 1000; ++size) {
      blocks.push_back(pool.take(size));
      ASSERT_NE(blocks.back(), nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(blocks.back()) % alignof(std::max_align_t), 0u);
      std::memset(blocks.back(), round, size);
    }
    for (void* block : blocks) pool.give(block);
    blocks.clear();
  }
  EXPECT_EQ(pool.allocations(), 1000u);
}

TEST(BlockPool, KeepsBytesThroughResizesOfAnySize) {
  BlockPool pool;
  auto* block = static_cast<unsigned char*>(pool.resize(nullptr, 1));
  block[0] = 7;
  for (std::size_t size = 2; size < 100'000; size = size * 3 / 2 + 1) {
    block = static_cast<unsigned char*>(pool.resize(block, size));
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(block[0], 7);
    block[size - 1] = 1;
  }
  pool.give(block);
  pool.give(nullptr);
}

TEST(BlockPool, RefusesWhatNoMemoryHolds) {
  BlockPool pool;
  EXPECT_EQ(pool.take(SIZE_MAX / 2), nullptr);
  EXPECT_EQ(pool.take(SIZE_MAX), nullptr);
}

}  // namespace
}  // namespace tidelimit::serve
