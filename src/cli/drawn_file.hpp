#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "cli/input.hpp"

namespace tidelimit::cli {

// Files that a command draws: configurations, and pages of `--report`.

/// A drawn configuration with a seal behind its first line: a digest of all other lines, by which a
/// later run of the command knows that nobody edited it.
[[nodiscard]] std::string sealed(const std::string& yaml);

/// The file is there, begins with the command's `mark`, and still fits its seal.
[[nodiscard]] bool is_drawn_and_unedited(const std::string& file, std::string_view mark);

/// Where a file of that name is to be written, links followed. A device, a pipe or a folder is
/// refused, whatever is forced: a file that is written whole would stand in its place.
[[nodiscard]] Result<std::string> place_to_draw(const std::string& file);

/// What holds nobody's work may be written over: nothing, an empty file, or one that begins with
/// the command's `mark` and still fits its seal.
[[nodiscard]] Result<void> require_unedited(const std::string& file, std::string_view mark,
                                            std::string_view command);

/// A file that a command reads, by the option that names it.
struct ReadFile {
  std::string_view option;
  std::string file;  ///< may be empty: not named
};

/// Before any work: `report` (empty: none is asked for) is no file that the command reads, by
/// whatever name, and one that may be written over.
[[nodiscard]] Result<void> require_report_place(const std::string& report, const Input& input,
                                                const std::vector<ReadFile>& others);

/// What was drawn must be what `serve` reads.
[[nodiscard]] Result<void> require_valid(const std::string& yaml, const std::string& file);

}  // namespace tidelimit::cli
