#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "engine/history.hpp"
#include "store/history/sqlite.hpp"

// The tables of configurations that took effect, and of the one that is held; see tables.hpp.
namespace tidelimit::store {

/// Also the oldest beyond `most`.
[[nodiscard]] Result<void> put_configuration(Database& db,
                                             const engine::ConfigurationRecord& record,
                                             std::size_t most);
/// fingerprint, text, first, last, before.
[[nodiscard]] engine::ConfigurationRecord configuration_of(const Query& row);
/// The one that took effect last first.
[[nodiscard]] Result<std::vector<engine::ConfigurationRecord>> all_configurations(Database& db);
/// Replaces the hold there is; null ends it.
[[nodiscard]] Result<void> put_hold(Database& db, const engine::ConfigurationHold* hold);
[[nodiscard]] Result<std::optional<engine::ConfigurationHold>> find_hold(Database& db);

}  // namespace tidelimit::store
