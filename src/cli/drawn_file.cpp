#include "cli/drawn_file.hpp"

#include <filesystem>
#include <fmt/format.h>

#include "config/config.hpp"
#include "store/files/file.hpp"

namespace tidelimit::cli {

Result<void> require_replaceable(const std::string& file, std::string_view mark,
                                 std::string_view command) {
  if (!std::filesystem::exists(file)) return {};
  const auto there = store::read_file(file, config::kMaxFileBytes);
  if (there && (there->empty() || there->starts_with(mark))) return {};
  return fail(Code::invalid_argument,
              fmt::format("{}: is there already and was not drawn by {}; choose another name, "
                          "or --force to replace it",
                          file, command));
}

Result<void> require_valid(const std::string& yaml, const std::string& file) {
  const auto parsed = config::parse(yaml, file);
  if (parsed) return {};
  return fail(Code::internal,
              fmt::format("line {} of the configuration drawn is not valid: {}",
                          parsed.error().front().line, parsed.error().front().message));
}

}  // namespace tidelimit::cli
