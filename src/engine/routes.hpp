#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/path.hpp"
#include "base/pattern_tree.hpp"
#include "limiter/limiter.hpp"
#include "limiter/plan.hpp"
#include "policy/settings.hpp"
#include "traffic/request.hpp"

namespace tidelimit::engine {

/// As many endpoints a request is charged at beside its own. Three routes that a call names and
/// these of each fit into what the limiter decides together.
inline constexpr std::size_t kMostOthers = 8;
static_assert(3 * (1 + kMostOthers) <= limiter::Worker::kTogetherMax);

/// What the configuration makes of one request.
struct Identity {
  limiter::EndpointId endpoint{0};
  limiter::TierId tier{0};
  /// Where servers may route the request otherwise (base/path.hpp), and the endpoints differ. Of a
  /// path that is odder than anybody's need be, the strictest endpoints of its tier instead: so it
  /// passes no more often than they let it, wherever it leads.
  std::array<limiter::EndpointId, kMostOthers> others{};
  std::uint8_t other_count = 0;
  std::string_view path;           ///< normalised; lives as long as the request and the buffer
  std::uint8_t agent_classes = 0;  ///< bit i: the user agent matches the i-th pattern of the rules
  bool known_path = true;          ///< false: no pattern matched, it is `other`
  bool known_tier = true;          ///< false: a tier was named that is none, it is the default
};

/// Names and patterns of one configuration, by which workers tell requests apart. Immutable.
class Routes {
 public:
  /// `epoch` grows with every configuration. `agent_patterns` as VerdictBook::agent_patterns.
  Routes(const policy::PolicySettings& settings, std::vector<std::string> agent_patterns,
         std::uint32_t epoch);

  /// First match over all endpoints; what matches nothing is `other`, the last. `buffer` is
  /// scratch for the path.
  [[nodiscard]] Identity identify(const traffic::Request& request, std::string& buffer) const;

  /// Whether `enforce` is for a share of the principals anywhere, so that calls need their places.
  [[nodiscard]] bool rolls_out() const { return rolls_out_; }
  [[nodiscard]] std::uint32_t epoch() const { return epoch_; }
  [[nodiscard]] const std::vector<std::string>& endpoints() const { return endpoints_; }
  [[nodiscard]] const std::vector<std::string>& tiers() const { return tiers_; }
  [[nodiscard]] const std::string& endpoint(limiter::EndpointId id) const {
    return endpoints_[limiter::index(id)];
  }
  [[nodiscard]] const std::string& tier(limiter::TierId id) const {
    return tiers_[limiter::index(id)];
  }
  /// Null where there is no rule, or one of a configuration that is gone.
  [[nodiscard]] const std::string* rule(limiter::RuleId id) const {
    if (id == limiter::kConcurrencyRule) return &concurrency_;
    return limiter::index(id) < rules_.size() ? &rules_[limiter::index(id)] : nullptr;
  }

 private:
  struct Route {
    limiter::EndpointId endpoint;
    std::vector<std::string> methods;
  };
  /// Null: none, it is `other`.
  [[nodiscard]] const Route* find(std::string_view method, std::string_view path) const;
  [[nodiscard]] limiter::EndpointId endpoint_of(const Route* route) const;
  static bool add_other(limiter::EndpointId endpoint, Identity& identity);
  [[nodiscard]] bool find_others(const traffic::Request& request, PathReading rules,
                                 std::string& buffer, Identity& identity) const;
  void take_strictest(Identity& identity) const;

  std::uint32_t epoch_;
  bool rolls_out_;
  std::vector<std::string> endpoints_;
  std::vector<std::string> tiers_;
  std::vector<std::string> rules_;
  std::string concurrency_ = "concurrency";
  std::vector<std::string> agent_patterns_;
  std::vector<Route> routes_;  ///< one for each pattern
  PatternTree patterns_;
  std::vector<std::vector<limiter::EndpointId>> strictest_;  ///< by tier, the strictest first
  limiter::TierId default_tier_{0};
};

}  // namespace tidelimit::engine
