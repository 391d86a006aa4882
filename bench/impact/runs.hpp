#pragma once

#include <cstdint>

#include "base/error.hpp"
#include "impact/summary.hpp"
#include "model/bundle.hpp"

namespace tidelimit::impact {

/// Plays the span once for each seed from 1 on and each arm, on all CPUs.
[[nodiscard]] Result<Outcomes> play_all(Span span, std::size_t seeds,
                                        std::shared_ptr<const model::Bundle> models);

}  // namespace tidelimit::impact
