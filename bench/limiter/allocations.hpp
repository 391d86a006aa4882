#pragma once

#include <cstdint>

namespace tidelimit::bench {

/// Calls of operator new by this process so far.
[[nodiscard]] std::uint64_t allocations();

}  // namespace tidelimit::bench
