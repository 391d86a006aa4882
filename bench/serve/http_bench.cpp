// The whole gate over HTTP beside nginx's limit_req, HAProxy's stick table and a bare epoll loop,
// each alone on one core with the load on another: requests a second of a million clients under 64
// kept connections, latency at half of that under open load, and what idle connections cost.
#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <netinet/in.h>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "figures.hpp"
#include "serve/open_load.hpp"
#include "serve/servers.hpp"
#include "temporary_folder.hpp"

namespace {

using namespace tidelimit::bench;
namespace fs = std::filesystem;

constexpr int kRounds = 3;  // alternating, the median counts: a busy machine hits both alike
constexpr int kSeconds = 4;
constexpr int kWarmUpSeconds = 20;
constexpr int kConnections = 64;
constexpr std::size_t kKeys = 1'000'000;
constexpr int kIdle = 10'000;

// Requests are made beforehand, or it is the load that is measured: addresses of 10.0.0.0/8,
// as many as there are keys, in an order that no cache knows.
constexpr const char* kManyClients = R"(local requests = {{}}
local at = 0
init = function(args)
  for i = 1, {0} do
    local n = (i * 7919) % {0}
    local address = string.format("10.%d.%d.%d", n / 65536, n / 256 % 256, n % 256)
    requests[i] = wrk.format("GET", nil, {{ ["X-Forwarded-For"] = address, ["X-Original-URI"] = "/browse/1" }})
  end
end
request = function()
  at = at % {0} + 1
  return requests[at]
end
)";
constexpr const char* kCheckScript = R"(wrk.method = "POST"
wrk.body = '{"client_ip":"203.0.113.7","method":"GET","path":"/browse/1"}'
wrk.headers["Content-Type"] = "application/json"
)";

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

  /// Under wrk with a script.
  Run full_load(const Server& server, const std::string& path, const fs::path& script,
                int seconds = kSeconds) {
    const std::vector<std::string> command{"wrk",
                                           "-t1",
                                           fmt::format("-c{}", kConnections),
                                           fmt::format("-d{}s", seconds),
                                           "-s",
                                           script.string(),
                                           fmt::format("http://127.0.0.1:{}{}", server.port, path)};
    const double before = server.child->cpu_seconds();
    const std::string text = output_of(command, load_core);
    const double used = server.child->cpu_seconds() - before;
    const std::size_t rate = text.find("Requests/sec:");
    const std::size_t total = text.find(" requests in ");
    if (rate == std::string::npos || total == std::string::npos ||
        text.find("Non-2xx") != std::string::npos)
      give_up("wrk got other answers than 200:\n" + text);
    const std::size_t number = text.find_last_not_of("0123456789", total - 1) + 1;
    return {std::stod(text.substr(rate + 13)), used * 1e6 / std::stod(text.substr(number))};
  }

  /// Answers at `rate` requests a second, sent whether earlier ones were answered or not.
  OpenLoadTimes open_load(const Server& server, double rate, const std::string& request) {
    return run({.port = server.port,
                .request = request,
                .rate = rate,
                .seconds = kSeconds,
                .connections = kConnections,
                .core = load_core});
  }
};

/// Connections to a server that say nothing.
class IdleConnections {
 public:
  IdleConnections(std::uint16_t port, int count) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < count; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        give_up(fmt::format("can't open idle connection {} of {}", i, count));
      sockets_.push_back(fd);
    }
  }
  ~IdleConnections() {
    for (const int fd : sockets_) ::close(fd);
  }
  IdleConnections(const IdleConnections&) = delete;
  IdleConnections& operator=(const IdleConnections&) = delete;

 private:
  std::vector<int> sockets_;
};

void add_latency(Figures& figures, const std::string& name, const OpenLoadTimes& times,
                 const std::string& aim) {
  const std::vector<double>& ms = times.answer_ms;
  figures.add({.name = name + "_p50_at_half", .value = quantile(ms, 0.5), .unit = "ms"});
  figures.add(
      {.name = name + "_p99_at_half", .value = quantile(ms, 0.99), .unit = "ms", .aim = aim});
  figures.add({.name = name + "_p999_at_half", .value = quantile(ms, 0.999), .unit = "ms"});
  // How late the load itself was: where this is no small part, the machine was busy otherwise.
  figures.add(
      {.name = name + "_load_behind_p99", .value = quantile(times.behind_ms, 0.99), .unit = "ms"});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--bare-loop")
    return run_bare_loop(static_cast<std::uint16_t>(std::stoi(argv[2])));
  Bench bench;
  const fs::path& folder = bench.folder.path();
  const fs::path many = folder / "many.lua";
  const fs::path check_script = folder / "check.lua";
  write_file(many, fmt::format(kManyClients, kKeys));
  write_file(check_script, kCheckScript);

  const Server gate = start_gate(folder, bench.server_core);
  const Server nginx = start_nginx(folder, kKeys, bench.server_core);
  const Server haproxy = start_haproxy(folder, kKeys, bench.server_core);
  const Server bare = start_bare_loop(folder, bench.server_core);
  std::this_thread::sleep_for(
      std::chrono::seconds{2});  // the control plane has had its first turns
  const double idle = gate.child->resident_mb();

  // Once through all keys: the first touch of memory is no part of a call's cost.
  for (const Server* server : {&gate, &nginx, &haproxy})
    (void)bench.full_load(*server, server == &gate ? "/v1/auth" : "/", many, kWarmUpSeconds);

  std::vector<Run> auths, checks, of_nginx, of_haproxy, of_bare;
  for (int round = 0; round < kRounds; ++round) {
    auths.push_back(bench.full_load(gate, "/v1/auth", many));
    of_nginx.push_back(bench.full_load(nginx, "/", many));
    of_haproxy.push_back(bench.full_load(haproxy, "/", many));
    of_bare.push_back(bench.full_load(bare, "/", many));
    checks.push_back(bench.full_load(gate, "/v1/check", check_script));
  }
  const Run auth = median(auths), check = median(checks), limit_req = median(of_nginx);
  const Run stick_table = median(of_haproxy), loop = median(of_bare);
  const auto auth_open = bench.open_load(gate, auth.rate / 2, get("/v1/auth"));
  const auto nginx_open = bench.open_load(nginx, limit_req.rate / 2, get("/"));
  const auto check_open = bench.open_load(gate, check.rate / 2, kCheckRequest);

  const double before = gate.child->resident_mb();
  const IdleConnections waiting(gate.port, kIdle);
  std::this_thread::sleep_for(std::chrono::seconds{1});  // all are accepted
  const double after = gate.child->resident_mb();
  const Run crowded = bench.full_load(gate, "/v1/auth", many);

  Figures figures;
  const auto rate = [&](const std::string& name, const Run& run, const std::string& reference,
                        const Run& other, const std::string& aim) {
    figures.add({.name = name,
                 .value = run.rate,
                 .unit = "requests/s",
                 .reference = reference,
                 .reference_value = other.rate,
                 .aim = aim});
  };
  const auto cpu = [&](const std::string& name, const Run& run, const std::string& reference,
                       const Run& other, const std::string& aim) {
    figures.add({.name = name,
                 .value = run.cpu_us,
                 .unit = "us/request",
                 .reference = reference,
                 .reference_value = other.cpu_us,
                 .aim = aim});
  };
  rate("auth_nginx", auth, "nginx limit_req", limit_req, ">=1");
  rate("auth_haproxy", auth, "HAProxy stick table", stick_table, ">=1.5");
  rate("check_nginx", check, "nginx limit_req", limit_req, ">=1");
  cpu("auth_cpu", auth, "bare epoll loop", loop, "<=1.1");
  cpu("auth_cpu_nginx", auth, "nginx limit_req", limit_req, "<=1");
  cpu("check_cpu_nginx", check, "nginx limit_req", limit_req, "<=1");
  add_latency(figures, "auth", auth_open, "<1");
  add_latency(figures, "check", check_open, "<1");
  add_latency(figures, "nginx", nginx_open, "");
  figures.add({.name = "idle_resident", .value = idle, .unit = "MB", .aim = "<64"});
  figures.add({.name = "idle_connection", .value = (after - before) * 1e6 / kIdle, .unit = "B"});
  rate("auth_with_10000_idle", crowded, "without them", auth, "");
  return figures.print(argc, argv);
}
