#pragma once

#include <memory>

#include "base/error.hpp"
#include "impact/outcome.hpp"
#include "impact/world.hpp"
#include "model/bundle.hpp"

namespace tidelimit::impact {

/// Plays a span of the day against one arm, in virtual time: the very engine decides, sees the
/// upstream's answers (with their latency if the arm is told of it) and, every five seconds, how
/// busy its workers are, and is ticked whenever it has something to do, as a replay ticks it. Equal
/// arguments give equal outcomes. `models` may be null for arms that use none.
[[nodiscard]] Result<Outcome> play(Arm arm, Span span, std::uint64_t seed,
                                   std::shared_ptr<const model::Bundle> models);

}  // namespace tidelimit::impact
