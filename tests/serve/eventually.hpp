#pragma once

#include <chrono>
#include <thread>

namespace tidelimit::serve {

/// Repeats until `holds` or `patience` has passed.
template <class Holds>
bool eventually(Holds&& holds, std::chrono::seconds patience = std::chrono::seconds{10}) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  return true;
}

}  // namespace tidelimit::serve
