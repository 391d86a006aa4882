#pragma once

#include <cstddef>
#include <thread>
#include <vector>

namespace tidelimit::limiter {

inline constexpr std::size_t kThreads = 4;

/// body(0) to body(kThreads - 1) at once, each on a thread of its own.
template <class Body>
void in_threads(Body&& body) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back([&body, i] { body(i); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace tidelimit::limiter
