#include "serve/gate/foreign_page.hpp"

#include "base/address.hpp"
#include "base/text.hpp"

namespace tidelimit::serve {
namespace {

/// Of a Host: "127.0.0.1:8080", "[::1]:8080", "localhost", with or without a port.
bool names_an_address(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t bracket = host.find(']');
    return bracket != std::string_view::npos && parse_address(host.substr(1, bracket - 1));
  }
  host = host.substr(0, host.find(':'));
  return equals_ignoring_case(host, "localhost") || parse_address(host);
}

bool is_own(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!origin.starts_with(scheme)) continue;
    return equals_ignoring_case(origin.substr(scheme.size()), host) && names_an_address(host);
  }
  return false;  // "null" too: of a page without an origin
}

}  // namespace

bool is_from_foreign_page(const Head& head) {
  for (const Header& field : head.headers()) {
    // The length sorts out nearly all headers before a byte of the name is compared.
    if (field.name.size() == 14 && field.is("sec-fetch-site")) {
      if (field.value != "same-origin" && field.value != "none") return true;
    } else if (field.name.size() == 6 && field.is("origin")) {
      if (!is_own(field.value, head.header("host").value_or(""))) return true;
    }
  }
  return false;
}

}  // namespace tidelimit::serve
