#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "base/siphash.hpp"
#include "engine/hand_book.hpp"
#include "engine/history.hpp"
#include "limiter/limiter.hpp"
#include "limiter/prefix_index.hpp"

namespace tidelimit::engine {

/// The operator's overrides in force. One thread.
class OverrideBook : public HandBook<OverrideRecord> {
 public:
  using HandBook::HandBook;

  /// The one way to write a target: "203.0.113.7", "10.0.0.0/8", "user/ID"; an IPv6 address is its
  /// /64, which is the client. Refuses what is none of these, and IPv6 prefixes within a client.
  [[nodiscard]] static Result<std::string> target_named(const std::string& text);
  /// Refuses a limit without a rate, an override without an action, and what target_named refuses.
  [[nodiscard]] static Result<void> check(const OverrideRecord& record);

  /// Under the record's target as target_named writes it, in the place of another on that.
  void put(OverrideRecord record, Now now);
  /// The record that applies to a client or user, by its UserName under that key, for explanations.
  [[nodiscard]] const OverrideRecord* applying(const ClientId& client, std::string_view user,
                                               const SipKey& key) const;

  /// As the data plane reads them.
  [[nodiscard]] std::shared_ptr<const limiter::OverrideTable> table(
      const limiter::Limiter& limiter, const std::vector<Prefix>& allow_list) const;

 private:
  /// What applying() looks in: a flood of those who are blocked asks thousands of times a second.
  struct Lookup {
    std::uint64_t revision = 0;                          ///< that it is of
    std::unordered_map<std::string, std::size_t> users;  ///< place in all(), by UserName
    limiter::PrefixIndex prefixes;
    std::vector<std::size_t> prefix_places;  ///< in all()
  };
  [[nodiscard]] const Lookup& lookup(const SipKey& key) const;
  mutable Lookup lookup_;
};

}  // namespace tidelimit::engine
