#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <sys/mman.h>

namespace tidelimit::limiter {

/// `huge`: asks the system for pages of 2 MiB, which spares a table read at random most misses of
/// the address translation; the first write to any of it then takes 2 MiB.
enum class Pages : std::uint8_t { small, huge };

/// Asks for huge pages in this memory from now on, and (since Linux 6.1) in place of those that it
/// has. A wish: where the system has none to give, pages stay small.
inline void advise_huge(void* memory, std::size_t bytes) noexcept {
  constexpr std::uintptr_t kHuge = 2u << 20;
  constexpr int kCollapse = 25;  // MADV_COLLAPSE, which the C library of Debian 12 does not name
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t first = (address + kHuge - 1) / kHuge * kHuge;
  const std::uintptr_t last = (address + bytes) / kHuge * kHuge;
  if (first >= last) return;
  auto* begin = reinterpret_cast<void*>(first);
  if (::madvise(begin, last - first, MADV_HUGEPAGE) != 0) return;
  // One by one: it gives up at the first it can't mend, such as one that was never touched.
  for (std::uintptr_t page = first; page < last; page += kHuge) {
    static_cast<void>(::madvise(reinterpret_cast<void*>(page), kHuge, kCollapse));
  }
}

/// A fixed array of cache-line-aligned T whose bytes are all zero at the start, which must be a
/// valid T (integers and lock-free atomics of them). Pages that nobody wrote cost no memory: the
/// system hands them out on the first write, so a large table of an idle gate stays small.
template <class T>
class ZeroedArray {
 public:
  explicit ZeroedArray(std::size_t size, Pages pages = Pages::small) : size_(size) {
    static_assert(alignof(T) <= kLine);
    const std::size_t bytes = size * sizeof(T) + kLine;
    raw_ = std::calloc(bytes, 1);
    if (raw_ == nullptr) throw std::bad_alloc();
    if (pages == Pages::huge) use_huge_pages();
    const auto address = reinterpret_cast<std::uintptr_t>(raw_);
    items_ = reinterpret_cast<T*>((address + kLine - 1) / kLine * kLine);
  }
  ~ZeroedArray() { std::free(raw_); }
  ZeroedArray(const ZeroedArray&) = delete;
  ZeroedArray& operator=(const ZeroedArray&) = delete;

  [[nodiscard]] T& operator[](std::size_t i) noexcept { return items_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return items_[i]; }
  /// See advise_huge; at any time, while others use the array.
  void use_huge_pages() noexcept { advise_huge(raw_, size_ * sizeof(T) + kLine); }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t kLine = 64;
  std::size_t size_;
  void* raw_;
  T* items_;
};

}  // namespace tidelimit::limiter
