#pragma once

#include "engine/replay/replay.hpp"

namespace tidelimit::engine {

template <class Next>
void drive(Replay& replay, Next&& next) {
  traffic::Request request;
  while (next(request)) replay.add(request);
}

}  // namespace tidelimit::engine
