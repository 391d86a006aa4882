#pragma once

#include <optional>

#include "config/sections.hpp"

namespace tidelimit::config {

// The parts of a rule.

[[nodiscard]] policy::Condition read_condition(const Field& field, const Config& config,
                                               Report& report);
[[nodiscard]] std::optional<limiter::VerdictKind> read_verdict(const Field& field, Report& report);

}  // namespace tidelimit::config
