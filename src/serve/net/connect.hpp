#pragma once

#include <chrono>

#include "base/error.hpp"
#include "serve/net/socket.hpp"

struct addrinfo;

namespace tidelimit::serve {

inline constexpr char kTooLate[] = "no answer in time";

/// When a call is to be over, however slowly its bytes come.
class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds patience)
      : end_(std::chrono::steady_clock::now() + patience) {}

  /// Bounds the next call on the socket by what is left, or by one of so many parts of it. False:
  /// nothing is.
  [[nodiscard]] bool bound(int fd, int parts = 1) const;

 private:
  std::chrono::steady_clock::time_point end_;
};

/// A blocking connection to the first of these addresses that takes one. Each is given its part of
/// what is left: the first of two may be one that nobody is heard from. Errors: unavailable.
[[nodiscard]] Result<Fd> connect_to_any(const addrinfo* addresses, const Deadline& deadline);

}  // namespace tidelimit::serve
