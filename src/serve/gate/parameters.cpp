#include "serve/gate/parameters.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"

namespace tidelimit::serve {

std::string unknown_parameter(std::string_view target, std::string_view known) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return {};
  const auto names = split(known, ' ');
  for (const auto pair : split(target.substr(mark + 1, target.find('#') - mark - 1), '&')) {
    const std::string_view name = pair.substr(0, pair.find('='));
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end()) continue;
    return fmt::format(
        "unknown parameter \"{}\"; {}", printable(name, 40),
        known.empty() ? "this call takes none" : fmt::format("there are: {}", known));
  }
  return {};
}

}  // namespace tidelimit::serve
