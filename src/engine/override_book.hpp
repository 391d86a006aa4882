#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/history.hpp"
#include "limiter/limiter.hpp"

namespace tidelimit::engine {

/// The operator's overrides in force. One thread.
class OverrideBook {
 public:
  /// Refuses a target that is neither an address, a prefix nor "user/ID", and a limit without rate.
  [[nodiscard]] static Result<void> check(const OverrideRecord& record);

  void put(const OverrideRecord& record);
  bool erase(const std::string& target);
  /// Drops what has ended; true when there was any.
  bool expire(WallTime now);
  /// The earliest end, or WallTime max.
  [[nodiscard]] WallTime next_end() const;

  [[nodiscard]] const std::vector<OverrideRecord>& all() const { return records_; }
  [[nodiscard]] const OverrideRecord* find(const std::string& target) const;
  /// The record that applies to a client or user, for explanations.
  [[nodiscard]] const OverrideRecord* applying(const ClientId& client, std::string_view user) const;

  /// As the data plane reads them. Ends are taken to the monotonic scale here, once: a wall clock
  /// that jumps later moves none.
  [[nodiscard]] std::shared_ptr<const limiter::OverrideTable> table(
      const limiter::Limiter& limiter, const std::vector<Prefix>& allow_list, Now now) const;

 private:
  std::vector<OverrideRecord> records_;
};

}  // namespace tidelimit::engine
