#pragma once

#include <array>
#include <string_view>

namespace tidelimit::ingest {

/// A gateway's own form of lines, as a pattern (see PatternParser), and its name for --format.
struct NamedPattern {
  std::string_view name;
  std::string_view pattern;
};

/// The forms that gateways write unless told otherwise. Of two that read the same lines the one
/// that says more of them stands first.
///   istio: Istio's mesh-wide default; envoy: Envoy's ("Default format string" in its
///   documentation of access logging), whose client is the last hop in front of it that is open;
///   haproxy: HAProxy's `option httplog` and `httpslog`, captured headers or not;
///   alb: AWS Application Load Balancers.
inline constexpr std::array kNamedPatterns{
    NamedPattern{"istio",
                 R"([$time_iso8601] "$request" $status $response_flags $details $termination )"
                 R"("$upstream_failure" $received $bytes_sent $request_time_ms $upstream_time )"
                 R"("$http_x_forwarded_for" "$http_user_agent" "$request_id" "$authority" )"
                 R"("$upstream_host" $upstream_cluster $upstream_local $downstream_local )"
                 R"($remote_addr_port $server_name)"},
    NamedPattern{"envoy",
                 R"([$time_iso8601] "$request" $status $response_flags $received $bytes_sent )"
                 R"($request_time_ms $upstream_time "$http_x_forwarded_for" "$http_user_agent" )"
                 R"("$request_id" "$authority" "$upstream_host")"},
    NamedPattern{"haproxy",
                 R"($remote_addr_port [$time_local] $frontend $backend/$server )"
                 R"($receiving/$queued/$connecting/$responding/$request_time_ms $status )"
                 R"($bytes_sent $request_cookie $response_cookie $termination $connections )"
                 R"($queues_and_captures "$request")"},
    NamedPattern{"alb",
                 R"($type $time_iso8601 $balancer $remote_addr_port $target $request_processing )"
                 R"($upstream_response_time $response_processing $status $target_status $received )"
                 R"($bytes_sent "$request" "$http_user_agent")"},
};

}  // namespace tidelimit::ingest
