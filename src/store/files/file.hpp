#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit::store {

/// The whole of a regular file. Errors name the path: not_found, permission_denied, and
/// resource_exhausted when it is longer than `most` bytes.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path, std::size_t most);

/// Puts `bytes` at `path` so that a reader, or a crash at any moment, finds the old file or the new
/// one and nothing between: written aside, synced, renamed, folder synced.
[[nodiscard]] Result<void> write_file(const std::filesystem::path& path, std::string_view bytes);

/// Makes the folder and those above it where they are missing.
[[nodiscard]] Result<void> make_folder(const std::filesystem::path& folder);

/// A folder's entries (what was created, renamed or removed in it) survive a power cut after this.
[[nodiscard]] Result<void> sync_folder(const std::filesystem::path& folder);

/// `path` with ".tmp-PID-N" behind it: a name beside it that no other writer uses.
[[nodiscard]] std::filesystem::path name_aside(const std::filesystem::path& path);
/// Takes away what this process, or any, wrote under such names and did not put in its place.
void remove_asides_of(const std::filesystem::path& path, bool of_any_process = false);
/// Whether such a name was given: by whichever process.
[[nodiscard]] bool is_aside(const std::filesystem::path& path);

/// The error of a failed system call: "PATH: cannot WHAT: REASON", its code after errno.
[[nodiscard]] tl::unexpected<Error> fail_errno(const std::filesystem::path& path,
                                               std::string_view what, int error_number);

}  // namespace tidelimit::store
