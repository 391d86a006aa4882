#include "serve/gate/identity.hpp"

#include <optional>

#include "base/text.hpp"

namespace tidelimit::serve {
namespace {

/// An address as proxies write it: bare, with a port, in brackets.
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

}  // namespace

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
  const config::Identity& identity = settings.config.identity;
  std::string_view original_uri, original_method, forwarded_uri, forwarded_method;
  int users = 0, tiers = 0;
  ForwardedCall call;
  traffic::Request& request = call.request;
  for (const Header& field : http.head.headers()) {
    // The length sorts out nearly all headers before a byte of the name is compared.
    switch (field.name.size()) {
      case 10:
        if (field.is("user-agent")) request.user_agent = field.value;
        break;
      case 14:
        if (field.is("x-original-uri")) original_uri = field.value;
        break;
      case 15:
        if (field.is("x-forwarded-uri")) forwarded_uri = field.value;
        break;
      case 17:
        if (field.is("x-original-method")) original_method = field.value;
        break;
      case 18:
        if (field.is("x-forwarded-method")) forwarded_method = field.value;
        break;
      default:
        break;
    }
    if (!identity.user_header.empty() && field.is(identity.user_header)) {
      request.user_id = field.value;
      ++users;
    }
    if (!identity.tier_header.empty() && field.is(identity.tier_header)) {
      request.tier = field.value;
      ++tiers;
    }
  }
  // Said twice, one of them may be the client's own.
  if (users > 1) request.user_id = {};
  if (tiers > 1) request.tier = {};

  const std::string_view own = http.head.method;
  const bool by_original = !original_uri.empty();
  if (by_original) {
    request.path = original_uri;
    request.method = original_method.empty() ? own : original_method;
    call.second_route = !forwarded_uri.empty() && forwarded_uri != original_uri;
    call.second_path = forwarded_uri;
    call.second_method = forwarded_method.empty() ? own : forwarded_method;
  } else if (!forwarded_uri.empty()) {
    request.path = forwarded_uri;
    request.method = forwarded_method.empty() ? own : forwarded_method;
  } else {
    request.path = rest.empty() ? std::string_view("/") : rest;
    request.method = own;
  }
  const NamedClient client = client_behind(http.head, http.peer, settings);
  request.client = client.client;
  request.client_name = client.name;
  return call;
}

}  // namespace tidelimit::serve
