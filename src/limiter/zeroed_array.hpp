#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace tidelimit::limiter {

/// A fixed array of cache-line-aligned T whose bytes are all zero at the start, which must be a
/// valid T (integers and lock-free atomics of them). Pages that nobody wrote cost no memory: the
/// system hands them out on the first write, so a large table of an idle gate stays small.
template <class T>
class ZeroedArray {
 public:
  explicit ZeroedArray(std::size_t size) : size_(size) {
    raw_ = std::calloc(size * sizeof(T) + kLine, 1);
    if (raw_ == nullptr) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(raw_);
    items_ = reinterpret_cast<T*>((address + kLine - 1) / kLine * kLine);
  }
  ~ZeroedArray() { std::free(raw_); }
  ZeroedArray(const ZeroedArray&) = delete;
  ZeroedArray& operator=(const ZeroedArray&) = delete;

  [[nodiscard]] T& operator[](std::size_t i) noexcept { return items_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return items_[i]; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t kLine = 64;
  static_assert(alignof(T) <= kLine);
  std::size_t size_;
  void* raw_;
  T* items_;
};

}  // namespace tidelimit::limiter
