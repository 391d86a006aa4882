#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/sections.hpp"

namespace tidelimit::config {

std::optional<std::string> read_known(const Field& field, std::string_view kind,
                                      const std::vector<std::string_view>& known, Report& report) {
  auto name = read_text(field, report);
  if (!name || contains(known, *name)) return name;
  report.mistake(field.line, fmt::format("{}: there is no {} \"{}\"{}", field.where, kind,
                                         printable(*name), suggestion(*name, known)));
  return std::nullopt;
}

std::vector<std::string> read_known_list(const Field& field, std::string_view kind,
                                         const std::vector<std::string_view>& known,
                                         Report& report) {
  std::vector<std::string> names;
  if (field.node.IsSequence() && field.node.size() == 0) {
    report.mistake(field.line, field.where + " is an empty list: name at least one, or remove it");
  }
  for (const auto& item : read_items(field, report)) {
    auto name = read_known(item, kind, known, report);
    if (!name) continue;
    if (std::count(names.begin(), names.end(), *name) > 0) {
      report.mistake(item.line,
                     fmt::format("{}: \"{}\" stands twice: remove one", item.where, *name));
    } else {
      names.push_back(std::move(*name));
    }
  }
  return names;
}

std::optional<std::filesystem::path> read_path(const Field& field, const Config& config,
                                               Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const std::filesystem::path path(*text);
  if (path.is_absolute()) return path.lexically_normal();
  return (config.file.parent_path() / path).lexically_normal();
}

}  // namespace tidelimit::config
