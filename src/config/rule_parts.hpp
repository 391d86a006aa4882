#pragma once

#include <optional>

#include "config/sections.hpp"

namespace tidelimit::config {

// The parts of a rule.

/// Notes what does not go together in a part: `rule "x": when` and the words it is told.
struct Slip {
  const Field& field;
  Report& report;

  void operator()(std::string_view what) const {
    report.mistake(field.line, field.where + " " + std::string(what));
  }
};

[[nodiscard]] policy::Condition read_condition(const Field& field, const Config& config,
                                               Report& report);
/// Of a rule with this condition. `raises`: the scale may be above 1.
[[nodiscard]] policy::Effect read_effect(const Field& field, const policy::Condition& when,
                                         bool raises, const Config& config, Report& report);
[[nodiscard]] std::optional<limiter::VerdictKind> read_verdict(const Field& field, Report& report);

}  // namespace tidelimit::config
