#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "config/descriptor_file.hpp"
#include "limiter/loose_limits.hpp"
#include "serve/domains/rule_counts.hpp"

namespace tidelimit::serve {

/// The limit of one descriptor of a domain, or that it has none.
struct DomainRule {
  enum class Kind : std::uint8_t { none, unlimited, limited };

  Kind kind = Kind::none;
  limiter::Limit limit;
  std::uint32_t requests_per_unit = 0;  ///< as the file says it; like unit, only when limited
  config::LimitUnit unit = config::LimitUnit::second;
  bool watched = false;  ///< shadow_mode
  std::string name;      ///< empty: none
  std::string item;      ///< a Structured Fields string: the name, else the descriptor
  std::vector<std::string> replaces;
  std::uint64_t number = 0;  ///< in its table; from 1
  std::shared_ptr<RuleCounts> counts;
};

/// Descriptors at one depth of a domain, by key and value.
class DomainLevel {
 public:
  struct Entry {
    DomainRule rule;
    std::string shared_value;  ///< what stands for every value that a shared pattern matches
    std::unique_ptr<DomainLevel> nested;
  };

  /// As envoyproxy/ratelimit looks up: the value itself, then patterns in the order of the file,
  /// then the key for any value. Null: nothing. Allocates nothing.
  [[nodiscard]] const Entry* find(std::string_view key, std::string_view value) const noexcept;

 private:
  friend class DomainTable;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };
  template <class T>
  using ByText = std::unordered_map<std::string, T, Hash, std::equal_to<>>;
  struct Values {
    ByText<Entry> exact;
    std::vector<std::pair<std::string, Entry>> patterns;
    std::unique_ptr<Entry> any;
  };
  ByText<Values> keys_;
};

/// The domains of envoyproxy/ratelimit that a configuration serves. Immutable.
class DomainTable {
 public:
  DomainTable() = default;
  /// Counts go on from the table before it, where there is one.
  DomainTable(const std::vector<config::DescriptorFile>& files, limiter::Counting counting,
              const DomainTable* before);

  /// Null: no such domain.
  [[nodiscard]] const DomainLevel* find(std::string_view domain) const noexcept;
  [[nodiscard]] limiter::Counting counting() const { return counting_; }
  [[nodiscard]] bool empty() const { return domains_.empty(); }
  /// Of descriptors that were met, in the order of domains and descriptors.
  [[nodiscard]] std::vector<RuleTally> tallies() const;

  /// As the table's rules have it.
  [[nodiscard]] limiter::Limit limit_of(std::uint64_t requests, Nanos period) const;

 private:
  using Label = std::pair<std::string, std::string>;  // domain and descriptor

  void add(DomainLevel& level, const std::string& domain, const std::string& above,
           const std::vector<config::Descriptor>& descriptors, const DomainTable* before);
  [[nodiscard]] DomainRule make_rule(const config::Descriptor& descriptor, const Label& label,
                                     const DomainTable* before);

  limiter::Counting counting_ = limiter::Counting::gcra;
  DomainLevel::ByText<DomainLevel> domains_;
  std::map<Label, std::shared_ptr<RuleCounts>> counts_;
  std::set<Label> watched_;  ///< by shadow_mode
  std::uint64_t rules_ = 0;
};

}  // namespace tidelimit::serve
