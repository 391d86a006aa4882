#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "impact/summary.hpp"
#include "model/bundle.hpp"

namespace tidelimit::impact {

/// Plays the span once for each of `seeds` seeds from `first_seed` on and each arm, on all CPUs.
[[nodiscard]] Result<Outcomes> play_all(Span span, std::uint64_t first_seed, std::size_t seeds,
                                        std::shared_ptr<const model::Bundle> models);

}  // namespace tidelimit::impact
