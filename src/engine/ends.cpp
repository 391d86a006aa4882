#include "engine/ends.hpp"

#include <algorithm>

namespace tidelimit::engine {
namespace {

constexpr Instant kNever{Nanos::max()};
// Longer is as good as this, and sums stay within what an Instant holds.
constexpr Nanos kLongest = std::chrono::hours{24 * 36525};

}  // namespace

std::optional<WallTime> end_of_kept(std::optional<WallTime> until, WallTime made_at, WallTime now) {
  if (until && made_at > now) *until = now + std::max(*until - made_at, Nanos{0});
  return until;
}

void Ends::set(const std::string& target, std::optional<WallTime> until, Now now) {
  ends_.erase(target);
  if (!until) return;
  // Not by a difference of the two: an end may be further away than a difference can be long.
  const Nanos left = *until > now.wall + kLongest ? kLongest : *until - now.wall;
  // Rounded up, so that none ends before its time.
  ends_[target] = now.mono + (left > Nanos{0} ? (left + Nanos{pace_ - 1}) / pace_ : left);
}

Instant Ends::of(const std::string& target) const {
  const auto found = ends_.find(target);
  return found == ends_.end() ? kNever : found->second;
}

std::optional<WallTime> Ends::until(const std::string& target, Now now) const {
  const auto found = ends_.find(target);
  if (found == ends_.end()) return std::nullopt;
  return now.wall + (found->second - now.mono) * pace_;
}

std::vector<std::string> Ends::past(Instant now) const {
  std::vector<std::string> targets;
  for (const auto& [target, end] : ends_)
    if (end <= now) targets.push_back(target);
  return targets;
}

Instant Ends::next() const {
  Instant next = kNever;
  for (const auto& [target, end] : ends_) next = std::min(next, end);
  return next;
}

}  // namespace tidelimit::engine
