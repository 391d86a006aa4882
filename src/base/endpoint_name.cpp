#include "base/endpoint_name.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace tidelimit {
namespace {

constexpr std::size_t kLongest = 48;

bool is_plain(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
}

}  // namespace

bool reserved_endpoint(std::string_view name) {
  return name == "any" || name == "same" || name == "default";
}

bool reserved_tier(std::string_view name) {
  return name == "client" || name == "default" || name == "timeout";
}

std::string plain_name(std::string_view text) {
  if (text.empty()) return "root";
  std::string name(text.substr(0, kLongest));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_plain(c); }, '_');
  return name;
}

std::string FreeNames::take(std::string wanted) {
  while (reserved_endpoint(wanted) || !taken_.insert(wanted).second) wanted += '_';
  return wanted;
}

}  // namespace tidelimit
