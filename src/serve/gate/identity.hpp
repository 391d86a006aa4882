#pragma once

#include <string_view>

#include "serve/gate/settings.hpp"
#include "serve/http/handler.hpp"
#include "traffic/request.hpp"

namespace tidelimit::serve {

/// Refreshes and returns whether the caller is one of `identity.trusted_proxies`.
[[nodiscard]] bool is_trusted(const Peer& peer, const FrontSettings& settings);

/// A client as a proxy's headers name it.
struct NamedClient {
  ClientId client;
  std::string_view name;  ///< as written; empty when it is the caller's own address
};

/// The client of a forwarded request: the last hop of X-Forwarded-For (all its lines, from the
/// right) that is no trusted proxy; where all are, the first of them. Without that header,
/// X-Real-IP; without both, the caller itself. What a client writes into these headers stands left
/// of what the proxies add, so it is never reached. A hop that is no address ends the search at the
/// proxy that passed it on.
[[nodiscard]] NamedClient client_behind(const Head& head, const Peer& peer,
                                        const FrontSettings& settings);

/// What a trusted proxy says of the request that it asks about. A proxy of the nginx kind sets
/// X-Original-*, one of the Traefik and Caddy kind X-Forwarded-*; either passes on the other pair
/// if a client sent it. So both are read, and where they differ both are asked: naming a second
/// route can never loosen the limit of the real one.
struct ForwardedCall {
  traffic::Request request;  ///< by X-Original-URI, else X-Forwarded-Uri, else the target's rest
  bool second_route = false;
  std::string_view second_path;  ///< by X-Forwarded-Uri
  std::string_view second_method;
};

/// `rest` is what follows /v1/auth in the target: Envoy's HTTP ext_authz puts the path there.
[[nodiscard]] ForwardedCall read_forwarded(const Request& request, std::string_view rest,
                                           const FrontSettings& settings);

}  // namespace tidelimit::serve
