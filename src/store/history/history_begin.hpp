#pragma once

#include <filesystem>
#include <string_view>

#include "base/error.hpp"
#include "store/history/sqlite.hpp"

namespace tidelimit::store {

// What opening a history's file and keeping it in place have in common.

[[nodiscard]] std::filesystem::path lock_path(const std::filesystem::path& path);
/// Users' names and addresses are in it, so only the owner reads it.
[[nodiscard]] Result<void> create_private(const std::filesystem::path& path);
/// The connection that writes, with the layout of this version; data_loss when the file is damaged.
[[nodiscard]] Result<Database> open_writer(const std::filesystem::path& path);
/// One that reads where no log can be begun, for want of room: it has the file to itself.
[[nodiscard]] Result<Database> open_lone_reader(const std::filesystem::path& path);
/// Renames a file to NAME.WHAT-TIME and its log with it.
[[nodiscard]] Result<std::filesystem::path> move_aside(const std::filesystem::path& path,
                                                       std::string_view what);
/// Its disk has no room, or fails: what may pass.
[[nodiscard]] bool is_of_the_disk(const Error& error);

}  // namespace tidelimit::store
