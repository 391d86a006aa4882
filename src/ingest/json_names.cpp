#include "ingest/json_names.hpp"

#include <array>
#include <utility>

#include "base/text.hpp"
#include "ingest/csv_parser.hpp"

namespace tidelimit::ingest {
namespace {

struct Known {
  std::string_view path;
  JsonName name;
};

using enum JsonSlot;
using enum Dialect;

// Rank 0 is kept for --field. Where one server writes two names for one thing, the rawer or more
// exact one has the lower rank.
constexpr Known kKnown[] = {
    // tidelimit's own csv columns
    {"timestamp", {time, 1, common}},
    {"client_ip", {client, 1, common}},
    {"user_id", {user, 1, common}},
    {"user_tier", {tier, 1, common}},
    {"method", {method, 1, common}},
    {"path", {path, 3, common}},
    {"status", {status, 1, common}},
    {"user_agent", {agent, 1, common}},
    {"latency_ms", {latency_ms, 1, common}},
    {"bytes", {bytes, 1, common}},
    // and what deploy/nginx says besides
    {"own_denial", {own_denial, 1, common}},
    {"asked", {asked, 1, common}},
    {"gate", {gate, 1, common}},
    // nginx variables (escape=json)
    {"msec", {time, 2, common}},
    {"time_iso8601", {time, 3, common}},
    {"time_local", {time, 4, common}},
    {"time", {time, 5, common}},
    {"remote_addr", {peer, 2, common}},
    {"http_x_forwarded_for", {forwarded_for, 1, common}},
    {"remote_user", {user, 3, common}},
    {"http_x_user_id", {user, 2, common}},
    {"http_x_user_tier", {tier, 2, common}},
    {"request_method", {method, 2, common}},
    {"request_uri", {path, 1, common}},
    {"uri", {path, 4, common}},
    {"request", {request, 1, common}},
    {"http_user_agent", {agent, 2, common}},
    {"request_time", {latency_s, 1, common}},
    {"upstream_response_time", {latency_s, 2, common}},
    {"body_bytes_sent", {bytes, 2, common}},
    {"bytes_sent", {bytes, 3, common}},
    // Envoy's command operators in lower case
    {"start_time", {time, 2, common}},
    {"downstream_remote_address", {peer, 1, common}},
    {"downstream_remote_address_without_port", {peer, 1, common}},
    {"downstream_direct_remote_address", {peer, 3, common}},
    {"x_forwarded_for", {forwarded_for, 2, common}},
    {"x-forwarded-for", {forwarded_for, 2, common}},
    {"x_user_id", {user, 2, common}},
    {"x-user-id", {user, 2, common}},
    {"x_user_tier", {tier, 2, common}},
    {"x-user-tier", {tier, 2, common}},
    {"x-envoy-original-path", {path, 2, common}},
    {"response_code", {status, 2, common}},
    {"user-agent", {agent, 2, common}},
    {"duration", {duration, 1, common}},
    {"upstream_service_time", {latency_ms, 3, common}},
    // Caddy
    {"ts", {time, 2, common}},
    {"request.client_ip", {client, 1, caddy}},
    {"request.remote_ip", {peer, 1, caddy}},
    {"request.remote_addr", {peer, 2, caddy}},
    {"request.method", {method, 2, caddy}},
    {"request.uri", {path, 1, caddy}},
    {"request.headers.user-agent[0]", {agent, 2, caddy}},
    {"request.headers.x-forwarded-for[0]", {forwarded_for, 2, caddy}},
    {"request.headers.x-user-id[0]", {user, 2, caddy}},
    {"request.headers.x-user-tier[0]", {tier, 2, caddy}},
    {"size", {bytes, 4, common}},
    // Traefik
    {"startutc", {time, 2, traefik}},
    {"startlocal", {time, 3, traefik}},
    {"clienthost", {client, 2, traefik}},
    {"clientaddr", {peer, 2, traefik}},
    {"clientusername", {user, 3, traefik}},
    {"requestmethod", {method, 2, traefik}},
    {"requestpath", {path, 2, traefik}},
    {"downstreamstatus", {status, 2, traefik}},
    {"originstatus", {status, 3, traefik}},
    {"downstreamcontentsize", {bytes, 3, traefik}},
    {"request_user-agent", {agent, 2, traefik}},
    {"request_x-forwarded-for", {forwarded_for, 2, traefik}},
    {"request_x-user-id", {user, 2, traefik}},
    {"request_x-user-tier", {tier, 2, traefik}},
    // Elastic Common Schema, and names that are seen in the wild
    {"@timestamp", {time, 2, common}},
    {"client.ip", {client, 2, common}},
    {"source.ip", {client, 3, common}},
    {"clientip", {client, 3, common}},
    {"remote_ip", {peer, 2, common}},
    {"user.id", {user, 2, common}},
    {"user.name", {user, 3, common}},
    {"tier", {tier, 3, common}},
    {"http.request.method", {method, 2, common}},
    {"url.original", {path, 1, common}},
    {"url.path", {path, 2, common}},
    {"url", {path, 5, common}},
    {"http.response.status_code", {status, 2, common}},
    {"status_code", {status, 3, common}},
    {"user_agent.original", {agent, 2, common}},
    {"useragent", {agent, 3, common}},
    {"agent", {agent, 4, common}},
    {"event.duration", {latency_ns, 1, common}},
    {"duration_ms", {latency_ms, 2, common}},
    {"http.response.body.bytes", {bytes, 2, common}},
};

/// The slot of each csv column, in their order.
constexpr std::array<JsonSlot, kColumns> kSlotOfColumn = {time, client, user,  tier,       method,
                                                          path, status, agent, latency_ms, bytes};

}  // namespace

JsonNames::JsonNames() {
  for (const Known& known : kKnown) add(known.path, known.name);
}

Result<void> JsonNames::add_field(std::string_view name_and_path) {
  auto field = parse_field(name_and_path);
  if (!field) return tl::unexpected(field.error());
  add(to_lower(field->name),
      {kSlotOfColumn[static_cast<std::size_t>(field->column)], 0, common, ++given_});
  return {};
}

void JsonNames::add(std::string_view path, JsonName name) {
  names_[std::string(path)] = name;
  for (std::size_t at = path.find_first_of(".[", 1); at != path.npos;
       at = path.find_first_of(".[", at + 1)) {
    names_.try_emplace(std::string(path.substr(0, at)));
  }
}

}  // namespace tidelimit::ingest
