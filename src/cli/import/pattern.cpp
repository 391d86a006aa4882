#include "cli/import/pattern.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/path.hpp"
#include "base/text.hpp"

namespace tidelimit::cli {
namespace {

constexpr std::size_t kMaxStem = 48;  // leaves room for a method
constexpr std::size_t kMaxName = 60;  // and for what makes it another name, in one of 64

}  // namespace

Result<std::string> path_pattern(std::string_view value) {
  const auto refuse = [](const char* why) { return fail(Code::invalid_argument, why); };
  if (value == "*") value = "/*";
  if (value.front() != '/') return refuse("its value does not begin with /");
  if (value.find_first_of("?#") != std::string_view::npos)
    return refuse("its value has a query or fragment, and only paths are matched here");
  const auto star = value.find('*');
  std::string buffer;
  if (star == std::string_view::npos) return std::string(normalise_path(value, buffer));
  if (star + 1 != value.size() || value[star - 1] != '/')
    return refuse("its * is not a last segment of its own, as in /a/*");
  const std::string stem(normalise_path(value.substr(0, star), buffer));
  return stem == "/" ? "/**" : stem + "/**";
}

std::string endpoint_name(std::string_view pattern, std::string_view method) {
  std::string name;
  for (const char c : pattern) {
    if (is_alphanumeric(c) || c == '_' || c == '.') {
      name += c;
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name.resize(std::min(name.size(), kMaxStem));
  while (!name.empty() && name.back() == '-') name.pop_back();
  if (name.empty()) name = pattern == "/" ? "root" : "all";
  if (!method.empty()) name += "-" + to_lower(method);
  name.resize(std::min(name.size(), kMaxName));
  return name;
}

}  // namespace tidelimit::cli
