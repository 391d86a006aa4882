#pragma once

#include <cstddef>

#include "traffic/window.hpp"

namespace tidelimit::forecast {

/// Windows that lie so far from all others that their times are likely wrong.
struct FarOff {
  std::size_t windows = 0;
  WallTime first{};  ///< the beginning of the earliest; meaningless of none
};

/// Cuts off either end of `grid` what teaches nothing and would cost years of empty windows: less
/// than a day of observed windows (of whatever endpoint), more than kPastDays from what is nearest
/// to it. Pauses between longer stretches stay.
FarOff cut_far_off(traffic::WindowGrid& grid);

}  // namespace tidelimit::forecast
