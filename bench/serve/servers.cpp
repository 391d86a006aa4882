#include "serve/servers.hpp"

#include <fmt/format.h>
#include <fstream>

namespace tidelimit::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kGateConfig = R"(mode: enforce
listen: {{ http: 127.0.0.1:{}{} }}
tiers: [PRM, STD]
memory: {{ buckets: 64MiB, clients: 256MiB }}
endpoints:
  - {{ name: payment, match: "/payment/**", limits: {{ PRM: 1000000/s, STD: 1000000/s }} }}
  - {{ name: browse, match: "/browse/**", limits: {{ PRM: 1000000/s, STD: 1000000/s }} }}
)";

// limit_req stands in the phase before content; `return` would end a request before it.
constexpr const char* kNginxConfig = R"(daemon off;
master_process off;
pid {0}/nginx.pid;
error_log {0}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0}; uwsgi_temp_path {0}; scgi_temp_path {0};
  keepalive_requests 100000000;
  limit_req_zone $http_x_forwarded_for zone=clients:{2}m rate=1000000r/s;
  server {{
    listen 127.0.0.1:{1};
    location / {{ limit_req zone=clients burst=1000000 nodelay; empty_gif; }}
  }}
}}
)";

constexpr const char* kHaproxyConfig = R"(global
  nbthread 1
  maxconn 2000
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
  timeout http-keep-alive 60s
backend clients
  stick-table type string len 16 size {1} expire 10m store http_req_rate(60s)
frontend gate
  bind 127.0.0.1:{0}
  http-request track-sc0 req.hdr(X-Forwarded-For) table clients
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 1000000000 }}
  http-request return status 200
)";

Server start(std::vector<std::string> command, std::uint16_t port, const fs::path& log, int core) {
  Server server{port, std::make_unique<Child>(command, log, core)};
  server.child->wait_for(port);
  return server;
}

/// The gate with one event loop. `more`: addresses beside that of HTTP.
std::vector<std::string> gate_command(const fs::path& folder, std::uint16_t http,
                                      const std::string& more) {
  const fs::path config = folder / "gate.yaml";
  write_file(config, fmt::format(kGateConfig, http, more));
  const fs::path binary =
      fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "tidelimit";
  return {binary.string(), "serve", "--config", config.string(), "--loops", "1"};
}

/// This program again, as a server.
Server start_self(const std::string& option, const fs::path& log, int core) {
  const std::uint16_t port = free_port();
  const std::string self = fs::read_symlink("/proc/self/exe").string();
  return start({self, option, std::to_string(port)}, port, log, core);
}

}  // namespace

void write_file(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  if (!out.flush()) give_up("can't write " + file.string());
}

Server start_gate(const fs::path& folder, int core) {
  const std::uint16_t port = free_port();
  return start(gate_command(folder, port, ""), port, folder / "gate.log", core);
}

Server start_grpc_gate(const fs::path& folder, int core) {
  const std::uint16_t port = free_port();
  const std::string grpc = fmt::format(", grpc: 127.0.0.1:{}", port);
  return start(gate_command(folder, free_port(), grpc), port, folder / "gate.log", core);
}

Server start_grpc_reference(const fs::path& folder, int core) {
  return start_self("--grpc-reference", folder / "grpc.log", core);
}

Server start_nginx(const fs::path& folder, std::size_t keys, int core) {
  const std::uint16_t port = free_port();
  const fs::path config = folder / "nginx.conf";
  const std::size_t megabytes = 16 + keys * 160 / 1'000'000;  // 128 bytes a key, and pages' heads
  write_file(config, fmt::format(kNginxConfig, folder.string(), port, megabytes));
  return start({"/usr/sbin/nginx", "-p", folder.string(), "-c", config.string()}, port,
               folder / "nginx.log", core);
}

Server start_haproxy(const fs::path& folder, std::size_t keys, int core) {
  const std::uint16_t port = free_port();
  const fs::path config = folder / "haproxy.cfg";
  write_file(config, fmt::format(kHaproxyConfig, port, keys + keys / 4));
  return start({"/usr/sbin/haproxy", "-db", "-f", config.string()}, port, folder / "haproxy.log",
               core);
}

Server start_bare_loop(const fs::path& folder, int core) {
  return start_self("--bare-loop", folder / "bare.log", core);
}

}  // namespace tidelimit::bench
