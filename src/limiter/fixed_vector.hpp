#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace tidelimit::limiter {

/// At most N of T in place, made one by one: room that is not used costs nothing, not even zeroing.
template <class T, std::size_t N>
class FixedVector {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  FixedVector() noexcept {}  // the room stays as it is
  FixedVector(const FixedVector&) = delete;
  FixedVector& operator=(const FixedVector&) = delete;

  template <class... Args>
  T& emplace(Args&&... args) noexcept {
    assert(size_ < N);
    T* made =
        ::new (static_cast<void*>(room_.data() + size_ * sizeof(T))) T(std::forward<Args>(args)...);
    ++size_;
    return *made;
  }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] T* begin() noexcept { return std::launder(reinterpret_cast<T*>(room_.data())); }
  [[nodiscard]] T* end() noexcept { return begin() + size_; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return begin()[i]; }

 private:
  alignas(T) std::array<std::byte, N * sizeof(T)> room_;
  std::size_t size_ = 0;
};

}  // namespace tidelimit::limiter
