// Decisions of one worker as serving makes them (route, principal, bucket, counts), over many
// clients, with the control plane turned once a second of the traffic's own time; and what a turn
// costs by itself.
#include <chrono>
#include <ctime>
#include <fmt/format.h>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "engine/engine.hpp"
#include "figures.hpp"

namespace {

using namespace tidelimit;

constexpr std::size_t kRequests = 4'000'000;
constexpr std::size_t kClients = 100'000;

/// A shop's six endpoints, behind those of so many other services.
engine::Settings settings(std::size_t services = 0) {
  engine::Settings made;
  made.policy.mode.mode = policy::Mode::enforce;
  made.policy.tiers = {"PRM", "STD"};
  for (std::size_t i = 0; i < services; ++i) {
    policy::EndpointSettings& service = made.policy.endpoints.emplace_back();
    service.name = fmt::format("service-{}", i);
    service.match = {fmt::format("/api/v1/{}/**", service.name)};
    service.limits.resize(2);
  }
  for (const char* name : {"payment", "browse", "search", "login", "account", "other"}) {
    policy::EndpointSettings endpoint;
    endpoint.name = name;
    if (endpoint.name != "other") endpoint.match = {"/" + endpoint.name + "/**"};
    endpoint.limits.resize(2);
    endpoint.limits[1].rate = Rate{100, std::chrono::minutes{1}};
    made.policy.endpoints.push_back(endpoint);
  }
  return made;
}

/// Processor time of this thread: what else the machine does counts little.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

struct Played {
  std::vector<std::string> paths;
  std::vector<traffic::Request> requests;
};

Played make_traffic(Random& random) {
  Played made;
  for (const char* name : {"payment", "browse", "search", "login", "account", "robots.txt"})
    made.paths.push_back("/" + std::string(name) + "/item/4711");
  for (std::size_t i = 0; i < 1u << 20; ++i) {
    traffic::Request& request = made.requests.emplace_back();
    request.client.lo = 0xffff00000000ULL + random.below(kClients);
    request.method = "GET";
    request.path = made.paths[random.below(made.paths.size())];
    request.tier = random.chance(0.1) ? "PRM" : "STD";
    request.user_agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36";
    request.status = 200;
  }
  return made;
}

struct Gate {
  explicit Gate(const engine::Settings& settings)
      : engine(settings, nullptr, 1), worker(engine.make_worker()) {
    engine.tick(now);
  }

  engine::Engine engine;
  std::unique_ptr<engine::EngineWorker> worker;
  Now now{Instant{std::chrono::hours{1}}, WallTime{std::chrono::hours{24 * 20000}}};
};

struct Cost {
  double seconds = 0;
  double in_turns = 0;  ///< of the control plane; 0 where they are not timed one by one
  std::size_t turns = 0;

  [[nodiscard]] double decide_ns(std::size_t decisions) const {
    return (seconds - in_turns) / static_cast<double>(decisions) * 1e9;
  }
};

Cost play(Gate& gate, const Played& played, Nanos apart, std::size_t count, bool timed) {
  Cost cost;
  Now& now = gate.now;
  const double start = cpu_seconds();
  for (std::size_t i = 0; i < count; ++i) {
    now = {now.mono + apart, now.wall + apart};
    while (gate.engine.next_due() <= now.wall) {
      const WallTime due = gate.engine.next_due();
      const double begin = timed ? cpu_seconds() : 0;
      gate.engine.tick({now.mono - (now.wall - due), due});
      if (timed) cost.in_turns += cpu_seconds() - begin;
      ++cost.turns;
    }
    static_cast<void>(gate.worker->decide(played.requests[i % played.requests.size()], 1, now));
  }
  cost.seconds = cpu_seconds() - start;
  return cost;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr Nanos kApart = std::chrono::microseconds{10};
  constexpr std::size_t kMostEndpoints = 1000;
  Random random(1);
  const Played played = make_traffic(random);

  bench::Figures figures;
  Gate gate(settings());
  const Cost busy = play(gate, played, kApart, kRequests, true);
  figures.add({.name = "decide_ns",
               .value = busy.decide_ns(kRequests),
               .unit = "ns a decision, 100,000 clients",
               .aim = "<=1000"});
  {
    Gate large(settings(kMostEndpoints - 6));
    const Cost cost = play(large, played, kApart, kRequests, true);
    figures.add({.name = "decide_1000_endpoints_ns",
                 .value = cost.decide_ns(kRequests),
                 .unit = "ns a decision",
                 .reference = "of 6 endpoints",
                 .reference_value = busy.decide_ns(kRequests),
                 .aim = "<=1.5"});
  }
  figures.add({.name = "control_share_at_100k_per_s",
               .value = busy.in_turns / (kRequests * 1e-5),
               .unit = "seconds of the control plane a second of traffic",
               .aim = "<=0.2"});
  // Turns are too short to be timed one by one.
  constexpr std::size_t kQuiet = 400'000;
  const Cost quiet = play(gate, played, std::chrono::milliseconds{500}, kQuiet, false);
  figures.add({.name = "quiet_turn_us",
               .value = quiet.seconds / static_cast<double>(quiet.turns) * 1e6,
               .unit = "us a turn, with the two requests of its second",
               .aim = "<=5"});
  return figures.print(argc, argv);
}
