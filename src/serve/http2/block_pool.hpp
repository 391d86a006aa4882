#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tidelimit::serve {

/// Memory for what comes and goes with every stream: freed blocks wait in lists by size, so that in
/// the steady state a call costs no trip to the allocator. malloc's own lists per thread hold seven
/// blocks of a size, and a client with a hundred calls under way frees more than that at once.
/// What the lists may keep is bounded. One thread.
class BlockPool {
 public:
  BlockPool() = default;
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  /// As malloc, realloc and free. Null when there is no memory; alignment as malloc's.
  [[nodiscard]] void* take(std::size_t size);
  [[nodiscard]] void* resize(void* block, std::size_t size);
  void give(void* block);

  /// Blocks that came from the allocator.
  [[nodiscard]] std::uint64_t allocations() const { return allocations_; }

 private:
  struct Block;
  struct List {
    Block* first = nullptr;
    std::size_t count = 0;
  };
  static constexpr std::size_t kSmallest = 64;  // bytes of the first list's blocks, header included
  static constexpr std::size_t kLists = 5;      // each has blocks of twice the size: 64 to 1024
  static constexpr std::size_t kKept = 4096;    // blocks of one list: 8 MiB in all

  std::array<List, kLists> lists_;
  std::uint64_t allocations_ = 0;
};

}  // namespace tidelimit::serve
