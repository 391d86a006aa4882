#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "anomaly/detector.hpp"

namespace tidelimit::anomaly {

/// As train(rows, options), where the log is of several days: `days` has, by row, the day on which
/// it was seen, and is as long as `rows`, or empty: all on one. With three days or more, what is
/// usual is drawn so that no minority of the days decides it alone: whoever floods the log for a
/// while does not teach that floods are usual (docs/models.md, "Poisoned logs").
[[nodiscard]] Result<std::shared_ptr<const Detector>> train(
    const std::vector<traffic::ClientFeatures>& rows, std::span<const std::uint32_t> days,
    const TrainOptions& options);

}  // namespace tidelimit::anomaly
