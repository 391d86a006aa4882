// The whole gate over HTTP beside nginx's limit_req, each alone on one core with the load on
// another: requests a second under 64 kept connections, the 99th percentile at half of that under
// open load, and memory at rest.
#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <thread>
#include <unistd.h>

#include "figures.hpp"
#include "serve/children.hpp"

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

  /// 99th percentile in milliseconds at `rps` requests a second, sent whether answered or not.
  double p99_ms(std::uint16_t port, double rps, std::vector<std::string> call) {
    const fs::path log = folder.path() / "h2load.log";
    fs::remove(log);
    std::vector<std::string> command{"h2load",
                                     "--h1",
                                     "-t1",
                                     fmt::format("-c{}", kConnections),
                                     fmt::format("-D{}", kSeconds),
                                     fmt::format("--rps={:.3f}", rps / kConnections),
                                     "--log-file=" + log.string()};
    command.insert(command.end(), call.begin(), call.end() - 1);
    command.push_back(fmt::format("http://127.0.0.1:{}{}", port, call.back()));
    (void)output_of(command, load_core);
    std::ifstream in(log);
    std::vector<double> times;
    double start = 0, status = 0, microseconds = 0;
    while (in >> start >> status >> microseconds) {
      if (status != 200) give_up(fmt::format("h2load got status {}", status));
      times.push_back(microseconds / 1000);
    }
    if (times.empty()) give_up("h2load measured nothing");
    const auto at = times.begin() + static_cast<std::ptrdiff_t>(times.size() * 99 / 100);
    std::nth_element(times.begin(), at, times.end());
    return *at;
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
  write(folder / "check.json", R"({"client_ip":"203.0.113.7","method":"GET","path":"/browse/1"})");

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
  const double auth_p99 = bench.p99_ms(gate_port, auth.rate / 2, to_auth);
  const double nginx_p99 = bench.p99_ms(nginx_port, reference.rate / 2, to_nginx);
  const double check_p99 = bench.p99_ms(gate_port, check.rate / 2,
                                        {"-d", (folder / "check.json").string(), "/v1/check"});

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
  figures.add({.name = "auth_p99_at_half", .value = auth_p99, .unit = "ms", .aim = "<1"});
  figures.add({.name = "check_p99_at_half", .value = check_p99, .unit = "ms", .aim = "<1"});
  figures.add({.name = "nginx_p99_at_half", .value = nginx_p99, .unit = "ms"});
  figures.add({.name = "idle_resident", .value = idle, .unit = "MB", .aim = "<64"});
  return figures.print(argc, argv);
}
