#include "engine/wall_watch.hpp"

#include <fmt/format.h>

namespace tidelimit::engine {
namespace {

constexpr Nanos kJump = std::chrono::seconds{5};
constexpr Nanos kBelieved = std::chrono::hours{24};
constexpr Nanos kTold = std::chrono::hours{1};

std::string in_words(Nanos span) {
  const Nanos seconds = std::chrono::round<std::chrono::seconds>(span);
  return format_duration(std::max(seconds, Nanos{std::chrono::seconds{1}}));
}

}  // namespace

Nanos WallWatch::pass(Now now) {
  const Nanos drift =
      last_ ? (now.wall - last_->wall) - (now.mono - last_->mono) * pace_ : Nanos{0};
  last_ = now;
  if (-kJump <= drift && drift <= kJump) {
    if (now.mono - jumped_.mono >= kBelieved) off_ = Nanos{0};
    return Nanos{0};
  }
  jumped_ = now;
  off_ += drift;
  if (-kJump <= off_ && off_ <= kJump) off_ = Nanos{0};
  return drift;
}

std::string WallWatch::words(Instant now) const {
  if (settled() || now - jumped_.mono > kTold) return {};
  return fmt::format(
      "the wall clock jumped {} by {}, to {}: limits and what was set for a while go on by the "
      "monotonic clock, the windows between are gaps",
      off_ > Nanos{0} ? "ahead" : "back", in_words(off_ > Nanos{0} ? off_ : -off_),
      format_time(floor_to(jumped_.wall, std::chrono::seconds{1})));
}

}  // namespace tidelimit::engine
