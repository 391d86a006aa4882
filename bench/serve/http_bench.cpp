// The whole gate over HTTP beside nginx's limit_req, each alone on one core with the load on
// another: requests a second under 64 kept connections, the 99th percentile at half of that under
// open load, and memory at rest.
#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <string_view>
#include <thread>
#include <unistd.h>

#include "figures.hpp"
#include "serve/children.hpp"
#include "serve/open_load.hpp"

namespace {

using namespace tidelimit::bench;
namespace fs = std::filesystem;

constexpr int kRounds = 3;  // alternating, the median counts: a busy machine hits both alike
constexpr int kSeconds = 4;
constexpr int kConnections = 64;

// Limits that let everything pass: what is measured is the decision, not the refusal.
constexpr const char* kGateConfig = R"(mode: enforce
listen: {{ http: 127.0.0.1:{} }}
tiers: [PRM, STD]
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
  limit_req_zone $http_x_forwarded_for zone=clients:16m rate=1000000r/s;
  server {{
    listen 127.0.0.1:{1};
    location / {{ limit_req zone=clients burst=1000000 nodelay; empty_gif; }}
  }}
}}
)";

// The request is made once: the load must cost less than the server, or it is the load that is
// measured.
constexpr const char* kCheckScript = R"(wrk.method = "POST"
wrk.body = '{"client_ip":"203.0.113.7","method":"GET","path":"/browse/1"}'
wrk.headers["Content-Type"] = "application/json"
)";
const std::vector<std::string> kForwarded{"-HX-Forwarded-For: 203.0.113.7",
                                          "-HX-Original-URI: /browse/1"};

/// The same requests as bytes, for the open load.
std::string get(const std::string& path) {
  return "GET " + path +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.7\r\n"
         "X-Original-URI: /browse/1\r\n\r\n";
}
constexpr std::string_view kCheckBody =
    R"({"client_ip":"203.0.113.7","method":"GET","path":"/browse/1"})";
const std::string kCheckRequest = fmt::format(
    "POST /v1/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    "Content-Length: {}\r\n\r\n{}",
    kCheckBody.size(), kCheckBody);

void write(const fs::path& file, const std::string& text) {
  std::ofstream out(file);
  out << text;
  if (!out.flush()) give_up("can't write " + file.string());
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// What one server did under full load.
struct Run {
  double rate = 0;    ///< requests a second
  double cpu_us = 0;  ///< of the server, for each request
};

Run median(const std::vector<Run>& runs) {
  std::vector<double> rates, costs;
  for (const Run& run : runs) {
    rates.push_back(run.rate);
    costs.push_back(run.cpu_us);
  }
  return {median(std::move(rates)), median(std::move(costs))};
}

struct Bench {
  TemporaryFolder folder;
  int server_core = usable_cores().front();
  int load_core = usable_cores().back();

  /// Under wrk; `call` are its options, the path last.
  Run full_load(const Child& server, std::uint16_t port, const std::vector<std::string>& call) {
    std::vector<std::string> command{"wrk", "-t1", fmt::format("-c{}", kConnections),
                                     fmt::format("-d{}s", kSeconds)};
    command.insert(command.end(), call.begin(), call.end() - 1);
    command.push_back(fmt::format("http://127.0.0.1:{}{}", port, call.back()));
    const double before = server.cpu_seconds();
    const std::string text = output_of(command, load_core);
    const double used = server.cpu_seconds() - before;
    const std::size_t rate = text.find("Requests/sec:");
    const std::size_t total = text.find(" requests in ");
    if (rate == std::string::npos || total == std::string::npos ||
        text.find("Non-2xx") != std::string::npos)
      give_up("wrk got other answers than 200:\n" + text);
    const std::size_t number = text.find_last_not_of("0123456789", total - 1) + 1;
    return {std::stod(text.substr(rate + 13)), used * 1e6 / std::stod(text.substr(number))};
  }

  /// Answers at `rate` requests a second, sent whether earlier ones were answered or not.
  OpenLoadTimes open_load(std::uint16_t port, double rate, const std::string& request) {
    return run({.port = port,
                .request = request,
                .rate = rate,
                .seconds = kSeconds,
                .connections = kConnections,
                .core = load_core});
  }
};

}  // namespace

int main(int argc, char** argv) {
  Bench bench;
  const fs::path& folder = bench.folder.path();
  const fs::path binary =
      fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "tidelimit";
  const std::uint16_t gate_port = free_port();
  const std::uint16_t nginx_port = free_port();
  write(folder / "gate.yaml", fmt::format(kGateConfig, gate_port));
  write(folder / "nginx.conf", fmt::format(kNginxConfig, folder.string(), nginx_port));
  write(folder / "check.lua", kCheckScript);

  const Child gate(
      {binary.string(), "serve", "--config", (folder / "gate.yaml").string(), "--loops", "1"},
      folder / "gate.log", bench.server_core);
  gate.wait_for(gate_port);
  const Child nginx(
      {"/usr/sbin/nginx", "-p", folder.string(), "-c", (folder / "nginx.conf").string()},
      folder / "nginx.log", bench.server_core);
  nginx.wait_for(nginx_port);
  std::this_thread::sleep_for(
      std::chrono::seconds{2});  // the control plane has had its first turns
  const double idle = gate.resident_mb();

  std::vector<std::string> to_auth = kForwarded, to_nginx = kForwarded;
  to_auth.emplace_back("/v1/auth");
  to_nginx.emplace_back("/");
  const std::vector<std::string> to_check{"-s", (folder / "check.lua").string(), "/v1/check"};
  std::vector<Run> auths, checks, references;
  for (int round = 0; round < kRounds; ++round) {
    auths.push_back(bench.full_load(gate, gate_port, to_auth));
    references.push_back(bench.full_load(nginx, nginx_port, to_nginx));
    checks.push_back(bench.full_load(gate, gate_port, to_check));
  }
  const Run auth = median(auths), check = median(checks), reference = median(references);
  const auto auth_open = bench.open_load(gate_port, auth.rate / 2, get("/v1/auth"));
  const auto nginx_open = bench.open_load(nginx_port, reference.rate / 2, get("/"));
  const auto check_open = bench.open_load(gate_port, check.rate / 2, kCheckRequest);

  Figures figures;
  const std::string limit_req = "nginx limit_req";
  for (const auto& [name, run] : {std::pair{"auth", auth}, std::pair{"check", check}}) {
    figures.add({.name = fmt::format("{}_rate", name),
                 .value = run.rate,
                 .unit = "requests/s",
                 .reference = limit_req,
                 .reference_value = reference.rate,
                 .aim = ">=1"});
    figures.add({.name = fmt::format("{}_cpu", name),
                 .value = run.cpu_us,
                 .unit = "us/request",
                 .reference = limit_req,
                 .reference_value = reference.cpu_us,
                 .aim = "<=1"});
  }
  for (const auto& [name, times] : {std::pair{"auth", &auth_open}, std::pair{"check", &check_open},
                                    std::pair{"nginx", &nginx_open}}) {
    const std::string aim = times == &nginx_open ? "" : "<1";
    figures.add({.name = fmt::format("{}_p50_at_half", name),
                 .value = quantile(times->answer_ms, 0.5),
                 .unit = "ms"});
    figures.add({.name = fmt::format("{}_p99_at_half", name),
                 .value = quantile(times->answer_ms, 0.99),
                 .unit = "ms",
                 .aim = aim});
    // How late the load itself was: where this is no small part, the machine was busy otherwise.
    figures.add({.name = fmt::format("{}_load_behind_p99", name),
                 .value = quantile(times->sent_ms, 0.99),
                 .unit = "ms"});
  }
  figures.add({.name = "idle_resident", .value = idle, .unit = "MB", .aim = "<64"});
  return figures.print(argc, argv);
}
