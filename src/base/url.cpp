#include "base/url.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tidelimit {

Result<Url> parse_url(std::string_view text) {
  constexpr std::string_view kScheme = "http://";
  const auto bad = [&] {
    return fail(
        Code::invalid_argument,
        "\"" + printable(text, 100) + "\" is no address of an HTTP server; write http://HOST:PORT");
  };
  if (text.find("://") != std::string_view::npos && !text.starts_with(kScheme)) return bad();
  std::string_view rest = text.starts_with(kScheme) ? text.substr(kScheme.size()) : text;
  Url url{.host = {}, .port = "80", .prefix = {}};
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.prefix = rest.substr(slash);
  while (url.prefix.ends_with('/')) url.prefix.pop_back();
  rest = rest.substr(0, slash);
  std::size_t host_end = rest.rfind(':');
  if (rest.starts_with('[')) {
    const std::size_t bracket = rest.find(']');
    if (bracket == std::string_view::npos) return bad();
    url.host = rest.substr(1, bracket - 1);
    host_end = bracket + 1 < rest.size() ? bracket + 1 : std::string_view::npos;
    if (host_end != std::string_view::npos && rest[host_end] != ':') return bad();
  } else {
    url.host = rest.substr(0, host_end);
  }
  if (host_end != std::string_view::npos) url.port = rest.substr(host_end + 1);
  const auto port = parse_uint(url.port);
  if (url.host.empty() || !port || *port == 0 || *port > 65535) return bad();
  return url;
}

std::string format_url(const Url& url) {
  return "http://" + format_authority(url) + url.prefix;
}

std::string format_authority(const Url& url) {
  const bool v6 = url.host.find(':') != std::string::npos;
  return (v6 ? "[" + url.host + "]" : url.host) + ":" + url.port;
}

}  // namespace tidelimit
