#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit {

/// "http://127.0.0.1:8080": where an HTTP server answers. A path is kept as a prefix.
struct Url {
  std::string host;
  std::string port;
  std::string prefix;
  bool operator==(const Url&) const = default;
};

/// The scheme, the port (80) and the path may be left out; brackets stand around IPv6 addresses.
/// Names are not resolved.
[[nodiscard]] Result<Url> parse_url(std::string_view text);
/// "http://[::1]:80/prefix".
[[nodiscard]] std::string format_url(const Url& url);
/// "[::1]:80", as the field Host has it.
[[nodiscard]] std::string format_authority(const Url& url);

}  // namespace tidelimit
