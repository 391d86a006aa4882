#pragma once

#include <cstdint>

#include "figures.hpp"

namespace tidelimit::bench {

/// As many distinct keys against a table of a million buckets, with ten thousand principals active
/// throughout, each held to an oracle call by call.
void flood(Figures& figures, std::uint64_t keys);

}  // namespace tidelimit::bench
