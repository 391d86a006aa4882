#include "serve/http2/block_pool.hpp"

#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace tidelimit::serve {

/// Before the bytes of every block. While a block waits in a list, `next` is the one behind it.
struct alignas(std::max_align_t) BlockPool::Block {
  Block* next = nullptr;
  std::uint32_t size = 0;  ///< for the user
  std::uint32_t list = 0;  ///< kLists: none, it is too large

  [[nodiscard]] void* bytes() { return this + 1; }
  static Block* of(void* bytes) { return static_cast<Block*>(bytes) - 1; }
};

BlockPool::~BlockPool() {
  for (const List& list : lists_) {
    for (Block* block = list.first; block != nullptr;) std::free(std::exchange(block, block->next));
  }
}

void* BlockPool::take(std::size_t size) {
  static_assert(sizeof(Block) == 16 && std::has_single_bit(kSmallest));
  if (size > UINT32_MAX - sizeof(Block)) return nullptr;
  std::size_t whole = size + sizeof(Block);
  std::size_t at = 0;
  while (at < kLists && kSmallest << at < whole) ++at;
  if (at < kLists) {
    List& list = lists_[at];
    if (list.first != nullptr) {
      Block* const block = std::exchange(list.first, list.first->next);
      --list.count;
      return block->bytes();
    }
    whole = kSmallest << at;
  }
  void* const memory = std::malloc(whole);
  if (memory == nullptr) return nullptr;
  ++allocations_;
  auto* const block = new (memory) Block;
  block->size = static_cast<std::uint32_t>(whole - sizeof(Block));
  block->list = static_cast<std::uint32_t>(at);
  return block->bytes();
}

void* BlockPool::resize(void* bytes, std::size_t size) {
  if (bytes == nullptr) return take(size);
  const std::size_t had = Block::of(bytes)->size;
  if (size <= had) return bytes;
  void* const larger = take(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, bytes, had);
  give(bytes);
  return larger;
}

void BlockPool::give(void* bytes) {
  if (bytes == nullptr) return;
  Block* const block = Block::of(bytes);
  if (block->list >= kLists || lists_[block->list].count >= kKept) {
    std::free(block);
    return;
  }
  List& list = lists_[block->list];
  block->next = std::exchange(list.first, block);
  ++list.count;
}

}  // namespace tidelimit::serve
