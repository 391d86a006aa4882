#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/history.hpp"
#include "store/history/sqlite.hpp"

namespace tidelimit::store {

/// What people decided, as far as it can be read of a damaged file: no traffic brings it back.
struct Salvage {
  std::vector<engine::OverrideRecord> overrides;
  std::vector<engine::LabelRecord> labels;
  std::vector<engine::ModeRecord> modes;  ///< the latest of each part
  std::vector<engine::ConfigurationRecord> configurations;
  std::optional<engine::ConfigurationHold> hold;
  std::vector<std::string> holed;  ///< of which some may be lost, in words: "overrides"

  /// "12 overrides, 1 label; some labels may be lost".
  [[nodiscard]] std::string in_words() const;
};

/// Reads each table from one end and, past a damaged page, from the other. An override whose page
/// is damaged is made again by the audit. Of modes behind a damaged page none is taken: a later
/// word on the same part may be what is lost.
[[nodiscard]] Salvage salvage(Database& damaged);
/// Into a fresh file, in a transaction of the caller's.
[[nodiscard]] Result<void> put_in_force(Database& db, const engine::InForce& known);
/// Into a fresh file, in a transaction of the caller's.
[[nodiscard]] Result<void> put_salvage(Database& db, const Salvage& found,
                                       std::size_t most_configurations);

}  // namespace tidelimit::store
