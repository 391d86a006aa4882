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

/// All that is measured; each on its own, with the others idle.
struct Servers {
  explicit Servers(const Bench& bench)
      : gate(start_gate(bench.folder.path(), bench.server_core)),
        nginx(start_nginx(bench.folder.path(), kKeys, bench.server_core)),
        haproxy(start_haproxy(bench.folder.path(), kKeys, bench.server_core)),
        bare(start_bare_loop(bench.folder.path(), bench.server_core)) {}

  Server gate, nginx, haproxy, bare;
};

/// Medians of full load.
struct FullLoad {
  Run auth, check, nginx, haproxy, bare;
};

FullLoad full_loads(Bench& bench, const Servers& servers, const fs::path& many,
                    const fs::path& check_script) {
  std::vector<Run> auth, check, nginx, haproxy, bare;
  for (int round = 0; round < kRounds; ++round) {
    auth.push_back(bench.full_load(servers.gate, "/v1/auth", many));
    nginx.push_back(bench.full_load(servers.nginx, "/", many));
    haproxy.push_back(bench.full_load(servers.haproxy, "/", many));
    bare.push_back(bench.full_load(servers.bare, "/", many));
    check.push_back(bench.full_load(servers.gate, "/v1/check", check_script));
  }
  return {median(auth), median(check), median(nginx), median(haproxy), median(bare)};
}

/// What two runs have in one of their members.
struct Measure {
  double Run::*of;
  const char* unit;
};
constexpr Measure kRate{&Run::rate, "requests/s"};
constexpr Measure kCpu{&Run::cpu_us, "us/request"};

void add(Figures& figures, const std::string& name, const Measure& measure, const Run& run,
         const std::string& reference, const Run& other, const std::string& aim) {
  figures.add({.name = name,
               .value = run.*measure.of,
               .unit = measure.unit,
               .reference = reference,
               .reference_value = other.*measure.of,
               .aim = aim});
}

void add_full_load(Figures& figures, const FullLoad& load) {
  add(figures, "auth_nginx", kRate, load.auth, "nginx limit_req", load.nginx, ">=1");
  add(figures, "auth_haproxy", kRate, load.auth, "HAProxy stick table", load.haproxy, ">=1.5");
  add(figures, "check_nginx", kRate, load.check, "nginx limit_req", load.nginx, ">=1");
  add(figures, "auth_cpu", kCpu, load.auth, "bare epoll loop", load.bare, "<=1.1");
  add(figures, "auth_cpu_nginx", kCpu, load.auth, "nginx limit_req", load.nginx, "<=1");
  add(figures, "check_cpu_nginx", kCpu, load.check, "nginx limit_req", load.nginx, "<=1");
}

void add_half_load(Figures& figures, Bench& bench, const Servers& servers, const FullLoad& full) {
  const auto at_half = [&](const std::string& name, const Server& server, const Run& run,
                           const std::string& request, const std::string& aim) {
    add_latency(figures, name, bench.open_load(server, run.rate / 2, request), aim);
  };
  at_half("auth", servers.gate, full.auth, get("/v1/auth"), "<1");
  at_half("check", servers.gate, full.check, kCheckRequest, "<1");
  at_half("nginx", servers.nginx, full.nginx, get("/"), "");
}

/// What connections cost that say nothing, in memory and in the rate of the others.
void add_idle(Figures& figures, Bench& bench, const Server& gate, const Run& without,
              const fs::path& many) {
  const double before = gate.child->resident_mb();
  const IdleConnections waiting(gate.port, kIdle);
  std::this_thread::sleep_for(std::chrono::seconds{1});  // all are accepted
  const double each = (gate.child->resident_mb() - before) * 1e6 / kIdle;
  figures.add({.name = "idle_connection", .value = each, .unit = "B"});
  add(figures, "auth_with_10000_idle", kRate, bench.full_load(gate, "/v1/auth", many),
      "without them", without, "");
}

Figures measure() {
  Bench bench;
  const fs::path many = bench.folder.path() / "many.lua";
  const fs::path check_script = bench.folder.path() / "check.lua";
  write_file(many, fmt::format(kManyClients, kKeys));
  write_file(check_script, kCheckScript);

  const Servers servers(bench);
  std::this_thread::sleep_for(
      std::chrono::seconds{2});  // the control plane has had its first turns
  const double idle = servers.gate.child->resident_mb();

  // Once through all keys: the first touch of memory is no part of a call's cost.
  (void)bench.full_load(servers.gate, "/v1/auth", many, kWarmUpSeconds);
  for (const Server* server : {&servers.nginx, &servers.haproxy})
    (void)bench.full_load(*server, "/", many, kWarmUpSeconds);

  Figures figures;
  const FullLoad full = full_loads(bench, servers, many, check_script);
  add_full_load(figures, full);
  add_half_load(figures, bench, servers, full);
  figures.add({.name = "idle_resident", .value = idle, .unit = "MB", .aim = "<64"});
  add_idle(figures, bench, servers.gate, full.auth, many);
  return figures;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--bare-loop")
    return run_bare_loop(static_cast<std::uint16_t>(std::stoi(argv[2])));
  return measure().print(argc, argv);
}
