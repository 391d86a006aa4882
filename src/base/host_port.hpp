#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit {

/// Where to listen: "127.0.0.1:8080", "[::1]:8080"; port 0 picks a free one.
struct HostPort {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};

/// "127.0.0.1:8080" or "[::1]:8080". Names are not resolved.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view text);
[[nodiscard]] std::string format_host_port(const HostPort& place);

}  // namespace tidelimit
