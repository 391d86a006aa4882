#include "base/host_port.hpp"

#include "base/address.hpp"
#include "base/text.hpp"

namespace tidelimit {

Result<HostPort> parse_host_port(std::string_view text) {
  const auto refuse = [&] {
    return fail(
        Code::invalid_argument,
        "\"" + printable(text) + "\" is no address and port: write 127.0.0.1:8080 or [::1]:8080");
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse();
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  // Brackets and IPv6 go together: "::1:80" could be read in two ways.
  const bool v6 = host.find(':') != std::string_view::npos;
  const auto port = parse_uint(text.substr(colon + 1));
  if (bracketed != v6 || !parse_address(host) || !port || *port > 65535) return refuse();
  return HostPort{std::string(host), static_cast<std::uint16_t>(*port)};
}

std::string format_host_port(const HostPort& place) {
  const bool v6 = place.host.find(':') != std::string::npos;
  return (v6 ? "[" + place.host + "]" : place.host) + ":" + std::to_string(place.port);
}

}  // namespace tidelimit
