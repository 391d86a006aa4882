#pragma once

#include <array>
#include <string_view>

#include "traffic/request.hpp"

namespace tidelimit::traffic {

/// The texts that a request borrows, to be copied and pointed at the copies.
[[nodiscard]] inline std::array<std::string_view*, 6> texts_of(Request& request) {
  return {&request.client_name, &request.user_id, &request.tier,
          &request.method,      &request.path,    &request.user_agent};
}

}  // namespace tidelimit::traffic
