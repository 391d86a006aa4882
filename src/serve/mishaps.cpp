#include "serve/mishaps.hpp"

#include <utility>

namespace tidelimit::serve {
namespace {

constexpr Nanos kNoted = std::chrono::minutes{1};  // after the last of what is counted

}  // namespace

Mishaps::Change Mishaps::counted(std::uint64_t count) {
  const Instant now = clock_.mono();
  if (std::exchange(seen_, count) != count) {
    last_ = now;
    return notes_.set(part_, words_) ? Change::begins : Change::none;
  }
  if (clock_.real(now - last_) <= kNoted || !notes_.clear(part_)) return Change::none;
  return Change::ends;
}

}  // namespace tidelimit::serve
