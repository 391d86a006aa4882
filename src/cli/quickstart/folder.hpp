#pragma once

#include <cstdint>
#include <filesystem>

#include "base/error.hpp"
#include "cli/quickstart/past.hpp"
#include "store/history/history_file.hpp"

namespace tidelimit::cli::quickstart {

/// Nothing is lost by a quickstart in this folder: it is missing, empty, or one of a quickstart
/// before, whose configuration nobody edited since, and no gate uses its state. Only looks. Errors
/// name the folder and the mend.
[[nodiscard]] Result<void> require_own_folder(const Files& files);

/// Makes the folder and keeps others off its state, by the lock that each gate takes.
[[nodiscard]] Result<store::FileLock> hold_folder(const Files& files);

/// What was to stand under its name once it is whole, and is not. For one whose folder is held.
void remove_half_written(const Files& files);

[[nodiscard]] std::uintmax_t bytes_in(const Files& files);

}  // namespace tidelimit::cli::quickstart
