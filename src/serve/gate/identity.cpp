#include "serve/gate/identity.hpp"

#include <optional>

#include "base/text.hpp"

namespace tidelimit::serve {
namespace {

/// Walks the hops of X-Forwarded-For from the right, over all lines of that header.
struct HopWalk {
  std::span<const Header> lines;
  std::string_view rest = {};
  bool in_line = false;

  std::optional<std::string_view> next() {
    while (!in_line) {
      if (lines.empty()) return std::nullopt;
      const Header& line = lines.back();
      lines = lines.first(lines.size() - 1);
      if (!line.is("x-forwarded-for")) continue;
      rest = line.value;
      in_line = true;
    }
    const std::size_t comma = rest.rfind(',');
    const std::string_view hop =
        trim(comma == std::string_view::npos ? rest : rest.substr(comma + 1));
    in_line = comma != std::string_view::npos;
    if (in_line) rest = rest.substr(0, comma);
    return hop;
  }
};

/// Collects the routes that a request is said to have.
class NamedRoutes {
 public:
  NamedRoutes(ForwardedCall& call, std::string_view own_method) : call_(call), own_(own_method) {}

  /// `path` empty: names nothing. `method` empty: not said.
  void name(std::string_view path, std::string_view method) {
    traffic::Request& first = call_.request;
    if (path.empty()) return;
    if (first.path.empty()) {
      first.path = path;
      first.method = method.empty() ? own_ : method;
      return;
    }
    if (is_that(path, method, {first.path, first.method})) return;
    for (std::size_t i = 0; i < call_.other_count; ++i)
      if (is_that(path, method, call_.others[i])) return;
    call_.others[call_.other_count++] = {path, method.empty() ? own_ : method};
  }

 private:
  static bool is_that(std::string_view path, std::string_view method, const NamedRoute& route) {
    return path == route.path && (method.empty() || method == route.method);
  }

  ForwardedCall& call_;
  std::string_view own_;
};

/// What the headers of a forwarded request say; empty: nothing.
struct Said {
  std::string_view original_uri, original_method;
  std::string_view forwarded_uri, forwarded_method;
  std::string_view user_agent, user, tier;
};

Said read_headers(const Head& head, const config::Identity& identity) {
  Said said;
  int users = 0, tiers = 0;
  for (const Header& field : head.headers()) {
    // The length sorts out nearly all headers before a byte of the name is compared.
    switch (field.name.size()) {
      case 10:
        if (field.is("user-agent")) said.user_agent = field.value;
        break;
      case 14:
        if (field.is("x-original-uri")) said.original_uri = field.value;
        break;
      case 15:
        if (field.is("x-forwarded-uri")) said.forwarded_uri = field.value;
        break;
      case 17:
        if (field.is("x-original-method")) said.original_method = field.value;
        break;
      case 18:
        if (field.is("x-forwarded-method")) said.forwarded_method = field.value;
        break;
      default:
        break;
    }
    if (!identity.user_header.empty() && field.is(identity.user_header)) {
      said.user = field.value;
      ++users;
    }
    if (!identity.tier_header.empty() && field.is(identity.tier_header)) {
      said.tier = field.value;
      ++tiers;
    }
  }
  // Said twice, one of them may be the client's own.
  if (users > 1) said.user = {};
  if (tiers > 1) said.tier = {};
  return said;
}

}  // namespace

std::optional<Address> parse_hop(std::string_view text) {
  if (text.size() > 1 && text.front() == '[') {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    return parse_address(text.substr(1, bracket - 1));
  }
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.find(':', colon + 1) == std::string_view::npos)
    text = text.substr(0, colon);
  return parse_address(text);
}

bool is_trusted(const Peer& peer, const FrontSettings& settings) {
  if (peer.trust_epoch != settings.epoch) {
    peer.trusted = settings.trusts(peer.address);
    peer.trust_epoch = settings.epoch;
  }
  return peer.trusted;
}

NamedClient client_behind(const Head& head, const Peer& peer, const FrontSettings& settings) {
  NamedClient found{client_of(peer.address), {}};
  HopWalk walk{head.headers()};
  bool forwarded = false;
  while (const auto hop = walk.next()) {
    forwarded = true;
    if (hop->empty()) continue;  // no element of the list (RFC 9110, 5.6.1)
    const auto address = parse_hop(*hop);
    if (!address) return found;
    found = {client_of(*address), *hop};
    if (!settings.trusts(*address)) return found;
  }
  if (forwarded) return found;
  if (const auto real = head.header("x-real-ip")) {
    if (const auto address = parse_hop(trim(*real))) return {client_of(*address), *real};
  }
  return found;
}

ForwardedCall read_forwarded(const Request& http, std::string_view rest,
                             const FrontSettings& settings) {
  const Said said = read_headers(http.head, settings.config.identity);
  ForwardedCall call;
  traffic::Request& request = call.request;
  request.user_id = said.user;
  request.tier = said.tier;
  request.user_agent = said.user_agent;

  const std::string_view own = http.head.method;
  NamedRoutes routes(call, own);
  routes.name(rest, own);
  routes.name(said.original_uri, said.original_method);
  routes.name(said.forwarded_uri, said.forwarded_method);
  call.names_route = !request.path.empty();
  if (!call.names_route) routes.name("/", own);

  const NamedClient client = client_behind(http.head, http.peer, settings);
  request.client = client.client;
  request.client_name = client.name;
  call.names_client = !client.name.empty();
  return call;
}

}  // namespace tidelimit::serve
