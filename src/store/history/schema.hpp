#pragma once

#include "base/error.hpp"
#include "store/history/sqlite.hpp"

namespace tidelimit::store {

/// Marks a SQLite file as ours ("tide"), so that another program's database is never touched.
inline constexpr std::int64_t kApplicationId = 0x74696465;

/// The newest layout this program writes; kept in the file's user_version.
[[nodiscard]] int schema_version();

/// Brings a file of any older version, an empty one too, to schema_version(), one step after the
/// other in one transaction each. Refuses a file of a newer version or of another program.
[[nodiscard]] Result<void> migrate(Database& database);

}  // namespace tidelimit::store
