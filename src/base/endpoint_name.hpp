#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidelimit {

/// The endpoint of what matches no other.
inline constexpr char kOtherEndpoint[] = "other";

/// Words that stand in a configuration where the names of endpoints do: `any`, `same`, `default`.
[[nodiscard]] bool reserved_endpoint(std::string_view name);
/// Words that stand in a configuration where the names of tiers do: `client`, `default`, `timeout`.
[[nodiscard]] bool reserved_tier(std::string_view name);

/// What a path gives as a name for configurations, metrics and shells: letters, digits, `-`, `_`,
/// `.`; any other byte as `_`, and `root` of nothing. Cut to 48 bytes: room to add some.
[[nodiscard]] std::string plain_name(std::string_view text);

/// Gives endpoints names that a configuration may hold: each once, none that is a word of the
/// configuration, a tier's, or `other`.
class FreeNames {
 public:
  explicit FreeNames(const std::vector<std::string>& tiers) : taken_(tiers.begin(), tiers.end()) {
    taken_.insert(kOtherEndpoint);
  }

  /// `wanted`, with as many _ behind it as make it free.
  [[nodiscard]] std::string take(std::string wanted);

 private:
  std::set<std::string> taken_;
};

}  // namespace tidelimit
