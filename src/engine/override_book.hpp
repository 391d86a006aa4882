#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/ends.hpp"
#include "engine/history.hpp"
#include "limiter/limiter.hpp"

namespace tidelimit::engine {

/// The operator's overrides in force. One thread.
class OverrideBook {
 public:
  /// `pace`: Settings::calendar_pace.
  explicit OverrideBook(int pace) : ends_(pace) {}

  /// The one way to write a target: "203.0.113.7", "10.0.0.0/8", "user/ID"; an IPv6 address is its
  /// /64, which is the client. Refuses what is none of these, and IPv6 prefixes within a client.
  [[nodiscard]] static Result<std::string> target_named(const std::string& text);
  /// Refuses a limit without a rate, a rule without an action, and what target_named refuses.
  [[nodiscard]] static Result<void> check(const OverrideRecord& record);

  /// Under the record's target as target_named writes it, in the place of another on that.
  void put(OverrideRecord record, Now now);
  bool erase(const std::string& target);
  /// Drops what has ended; true when there was any.
  bool expire(Instant now);
  /// After a jump of the wall clock: tells the ends by what it shows now.
  void restate(Now now);
  /// The earliest end, or Instant max.
  [[nodiscard]] Instant next_end() const { return ends_.next(); }

  [[nodiscard]] const std::vector<OverrideRecord>& all() const { return records_; }
  [[nodiscard]] const OverrideRecord* find(const std::string& target) const;
  /// The record that applies to a client or user, for explanations.
  [[nodiscard]] const OverrideRecord* applying(const ClientId& client, std::string_view user) const;

  /// As the data plane reads them.
  [[nodiscard]] std::shared_ptr<const limiter::OverrideTable> table(
      const limiter::Limiter& limiter, const std::vector<Prefix>& allow_list) const;

 private:
  std::vector<OverrideRecord> records_;
  Ends ends_;  ///< by target
};

}  // namespace tidelimit::engine
