#pragma once

#include <filesystem>

#include "impact/live/gateway.hpp"
#include "impact/outcome.hpp"

namespace tidelimit::impact {

/// Plays kLiveSpan of the day, at the pace of kLive, against one arm's real processes. Equal seeds
/// give equal calls and equal work; what the arms make of them is as the machine has it.
/// `folder`: empty, of this trial's own.
[[nodiscard]] Outcome play_live(Arm arm, std::uint64_t seed, const Equipment& equipment,
                                const std::filesystem::path& folder);

/// All live arms for several seeds: seeds side by side, and of each seed a few arms at a time, in
/// their order. Trains the models first, on a past of the same pace. `progress` is told of each arm
/// that begins, from any thread.
[[nodiscard]] Result<std::vector<std::array<Outcome, kArms>>> play_all_live(
    std::uint64_t first_seed, std::size_t seeds,
    const std::function<void(std::uint64_t seed, Arm arm)>& progress);

}  // namespace tidelimit::impact
