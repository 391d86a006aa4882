#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.hpp"
#include "limiter/limiter.hpp"
#include "serve/domains/domain_table.hpp"

namespace tidelimit::serve {

/// A request's descriptor on its way through a domain, one entry after another: which rule it
/// meets, and whose count that is. Allocates nothing. The rule holds for a descriptor that ends
/// here; none of those it came through does.
class DomainWalk {
 public:
  DomainWalk(const DomainLevel& domain, std::string_view name,
             const limiter::Limiter& limiter) noexcept
      : limiter_(limiter),
        level_(&domain),
        key_(limiter.hash_key(name, 0)),
        unkeyed_(hash_bytes(name, 0)) {}

  void step(std::string_view key, std::string_view value) noexcept;

  /// Null: none.
  [[nodiscard]] const DomainRule* rule() const noexcept {
    return entry_ == nullptr ? nullptr : &entry_->rule;
  }
  /// Of the entries so far, each value its own but where a pattern is shared. Not 0.
  [[nodiscard]] std::uint64_t key() const noexcept { return key_; }
  /// Of the same, but the same in every process: not for buckets, whose collisions nobody is to
  /// choose.
  [[nodiscard]] std::uint64_t unkeyed() const noexcept { return unkeyed_; }

 private:
  const limiter::Limiter& limiter_;
  const DomainLevel* level_;  ///< null: nothing is nested here
  const DomainLevel::Entry* entry_ = nullptr;
  std::uint64_t key_;
  std::uint64_t unkeyed_;
};

}  // namespace tidelimit::serve
