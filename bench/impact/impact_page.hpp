#pragma once

#include <span>
#include <string>

#include "impact/summary.hpp"

namespace tidelimit::impact {

/// The experiment as one self-contained HTML page: the promises, latency and availability over the
/// play for every arm, limits as they moved, and every figure with its interval.
/// `how`: a line that says what was played; `span`: of the day.
[[nodiscard]] std::string page_of(const Outcomes& outcomes, std::span<const Arm> arms, Span span,
                                  const Flood& flood, const std::string& how);

}  // namespace tidelimit::impact
