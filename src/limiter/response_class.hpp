#pragma once

#include <cstdint>

namespace tidelimit::limiter {

/// Whose doing a response is.
enum class ResponseClass : std::uint8_t {
  fine,
  client_error,  ///< the client asked for what is wrong, forbidden or not there
  breakage,      ///< the service broke over this very request: who is to blame is open
  other_error,   ///< the service failed it, or a limit held it back
};

}  // namespace tidelimit::limiter
