#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <vector>

#include "base/hash.hpp"
#include "base/random.hpp"

namespace tidelimit::bench {

/// One request as a front end hands it over: a user id of 20 bytes and an address.
struct Op {
  std::array<char, 20> user;
  std::uint32_t address;

  [[nodiscard]] std::string_view key() const { return {user.data(), user.size()}; }
  [[nodiscard]] ClientId client() const { return {0, std::uint64_t{0xffff} << 32 | address}; }
};

/// The principal of a number; `addresses` of them share the users.
[[nodiscard]] inline Op op_of(std::uint64_t number, std::uint64_t addresses) {
  Op op{};
  std::uint64_t digits = mix(number, 1);
  for (char& letter : op.user) {
    letter = static_cast<char>('a' + digits % 16);
    digits = digits / 16 ^ number << 40;
  }
  op.address = static_cast<std::uint32_t>(mix(number % addresses, 2));
  return op;
}

enum class Skew { uniform, zipf };

/// Principals 0..keys-1, each equally often, or by Zipf's law with exponent 1 (inverted in its
/// continuous form).
[[nodiscard]] inline std::vector<Op> make_ops(std::size_t count, std::uint64_t keys, Skew skew,
                                              std::uint64_t addresses, std::uint64_t seed) {
  Random random(seed);
  std::vector<Op> ops;
  ops.reserve(count);
  const double log_keys = std::log(static_cast<double>(keys) + 1);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t number =
        skew == Skew::uniform
            ? random.below(keys)
            : std::min(static_cast<std::uint64_t>(std::exp(random.uniform() * log_keys)) - 1,
                       keys - 1);
    ops.push_back(op_of(number, addresses));
  }
  return ops;
}

/// Seconds by the clock that `round` takes.
template <class Round>
[[nodiscard]] double seconds_of(Round&& round) {
  const auto start = std::chrono::steady_clock::now();
  round();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Seconds that this thread itself computes in `round`: what others take of the machine meanwhile
/// is left out, but for the caches.
template <class Round>
[[nodiscard]] double own_seconds_of(Round&& round) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double start = now();
  round();
  return now() - start;
}

/// Runs the two in turn on this thread, and keeps the median of each.
template <class A, class B>
[[nodiscard]] std::pair<double, double> in_turn(int rounds, A&& a, B&& b) {
  std::vector<double> of_a;
  std::vector<double> of_b;
  for (int i = 0; i < rounds; ++i) {
    of_a.push_back(own_seconds_of(a));
    of_b.push_back(own_seconds_of(b));
  }
  const auto median = [](std::vector<double>& of) {
    std::nth_element(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2), of.end());
    return of[of.size() / 2];
  };
  return {median(of_a), median(of_b)};
}

}  // namespace tidelimit::bench
