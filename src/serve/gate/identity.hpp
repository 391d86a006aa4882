#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "serve/gate/settings.hpp"
#include "serve/http/handler.hpp"
#include "traffic/request.hpp"

namespace tidelimit::serve {

/// Refreshes and returns whether the caller is one of `identity.trusted_proxies`.
[[nodiscard]] bool is_trusted(const Peer& peer, const FrontSettings& settings);

/// An address as proxies and programs write it: bare, with a port, in brackets.
[[nodiscard]] std::optional<Address> parse_hop(std::string_view text);

/// A client as a proxy's headers name it.
struct NamedClient {
  ClientId client;
  std::string_view name;  ///< as written; empty when it is the caller's own address
};

/// The client of a forwarded request: the last hop of X-Forwarded-For (all its lines, from the
/// right) that is no trusted proxy; where all are, the first of them. Without that header,
/// X-Real-IP; without both, the caller itself. What a client writes into these headers stands left
/// of what the proxies add, so it is not reached, unless the client itself is in a trusted block:
/// then it is believed like any proxy. A hop that is no address ends the search at the
/// proxy that passed it on; empty ones are passed over.
[[nodiscard]] NamedClient client_behind(const Head& head, const Peer& peer,
                                        const FrontSettings& settings);

/// One way to name the route of a request.
struct NamedRoute {
  std::string_view path;
  std::string_view method;
};

/// What a trusted proxy says of the request that it asks about. A proxy of Envoy's kind puts the
/// path behind /v1/auth, one of the nginx kind sets X-Original-*, one of the Traefik and Caddy kind
/// X-Forwarded-*; each passes on what a client wrote in the places that are not its own. So all
/// three are read, and where they differ all are asked: naming a second route can never loosen the
/// limit of the real one. Of a header in several lines the last is read: a proxy that does not
/// replace what a client wrote there adds its own behind it.
struct ForwardedCall {
  static constexpr std::size_t kMostOthers = 2;
  traffic::Request request;  ///< by the target's rest, else X-Original-URI, else X-Forwarded-Uri
  std::array<NamedRoute, kMostOthers> others{};
  std::size_t other_count = 0;
  bool names_client = true;  ///< false: it is the caller's own address
  bool names_route = true;   ///< false: it is "/"
};

/// `rest` is what follows /v1/auth in the target: Envoy's HTTP ext_authz puts the path there.
[[nodiscard]] ForwardedCall read_forwarded(const Request& request, std::string_view rest,
                                           const FrontSettings& settings);

}  // namespace tidelimit::serve
