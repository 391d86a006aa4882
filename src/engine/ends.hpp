#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace tidelimit::engine {

/// The end of what was set by hand until then. Made by a clock that is ahead of this one, as that
/// of a machine that was started without its battery is behind, it lasts no longer than it was made
/// for.
[[nodiscard]] std::optional<WallTime> end_of_kept(std::optional<WallTime> until, WallTime made_at,
                                                  WallTime now);

/// When what was set by hand for a while ends, by what it was set on. An end is given in wall time
/// and taken to the monotonic scale once: a wall clock that jumps later moves none. One thread.
class Ends {
 public:
  /// `pace`: Settings::calendar_pace.
  explicit Ends(int pace) : pace_(pace) {}

  /// In the place of an earlier one; `until` empty: no end.
  void set(const std::string& target, std::optional<WallTime> until, Now now);
  void erase(const std::string& target) { ends_.erase(target); }
  [[nodiscard]] bool has(const std::string& target) const { return ends_.contains(target); }

  /// The end of one; Instant max when it has none.
  [[nodiscard]] Instant of(const std::string& target) const;
  /// What the wall clock will show then, if it goes on as it stands; empty: no end.
  [[nodiscard]] std::optional<WallTime> until(const std::string& target, Now now) const;
  [[nodiscard]] std::vector<std::string> past(Instant now) const;
  /// The earliest end, or Instant max.
  [[nodiscard]] Instant next() const;

 private:
  int pace_;
  std::map<std::string, Instant> ends_;
};

}  // namespace tidelimit::engine
