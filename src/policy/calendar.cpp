#include "policy/calendar.hpp"

namespace tidelimit::policy {

/// The start of the last occurrence that began at or before `time`, which is not before `from`.
WallTime Planned::last_start(WallTime time) const {
  if (!every) return from;
  const WallTime latest = expires && *expires <= time ? *expires - Nanos{1} : time;
  return from + (latest - from) / *every * *every;
}

std::optional<WallTime> Planned::end_at(WallTime time) const {
  if (time < from || (expires && *expires <= from)) return std::nullopt;
  const WallTime end = last_start(time) + length;
  return time < end ? std::optional(end) : std::nullopt;
}

std::optional<WallTime> Planned::next_edge(WallTime time) const {
  if (expires && *expires <= from) return std::nullopt;
  if (time < from) return from;
  if (const auto end = end_at(time)) return end;
  if (!every) return std::nullopt;
  const WallTime next = last_start(time) + *every;
  return expires && next >= *expires ? std::nullopt : std::optional(next);
}

}  // namespace tidelimit::policy
