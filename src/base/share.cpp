#include "base/share.hpp"

#include "base/text.hpp"

namespace tidelimit {

std::optional<double> parse_share(std::string_view text) {
  std::string_view number = trim(text);
  const bool percent = number.ends_with('%');
  if (percent) number.remove_suffix(1);
  const auto value = parse_double(trim(number));
  if (!value) return std::nullopt;
  const double share = percent ? *value / 100 : *value;
  return share >= 0 && share <= 1 ? std::optional(share) : std::nullopt;
}

}  // namespace tidelimit
