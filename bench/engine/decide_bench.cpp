// Decisions of one worker as serving makes them (route, principal, bucket, counts), over many
// clients, with the control plane turned once a second of the traffic's own time; and what a turn
// costs by itself.
#include <chrono>
#include <ctime>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "base/random.hpp"
#include "engine/engine.hpp"
#include "figures.hpp"

namespace {

using namespace tidelimit;

constexpr std::size_t kRequests = 4'000'000;
constexpr std::size_t kClients = 100'000;

engine::Settings settings() {
  engine::Settings made;
  made.policy.mode.mode = policy::Mode::enforce;
  made.policy.tiers = {"PRM", "STD"};
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

}  // namespace

int main(int argc, char** argv) {
  Random random(1);
  const Played played = make_traffic(random);
  engine::Engine engine(settings(), nullptr, 1);
  const auto worker = engine.make_worker();
  Now now{Instant{std::chrono::hours{1}}, WallTime{std::chrono::hours{24 * 20000}}};
  engine.tick(now);

  bench::Figures figures;
  const auto play = [&](Nanos apart, std::size_t count, bool timed) {
    double in_ticks = 0;
    std::size_t ticks = 0;
    const double start = cpu_seconds();
    for (std::size_t i = 0; i < count; ++i) {
      now = {now.mono + apart, now.wall + apart};
      while (engine.next_due() <= now.wall) {
        const WallTime due = engine.next_due();
        const double begin = timed ? cpu_seconds() : 0;
        engine.tick({now.mono - (now.wall - due), due});
        if (timed) in_ticks += cpu_seconds() - begin;
        ++ticks;
      }
      static_cast<void>(worker->decide(played.requests[i % played.requests.size()], 1, now));
    }
    return std::tuple{cpu_seconds() - start, in_ticks, ticks};
  };
  const auto [busy, busy_ticks, many] = play(std::chrono::microseconds{10}, kRequests, true);
  figures.add({.name = "decide_ns",
               .value = (busy - busy_ticks) / kRequests * 1e9,
               .unit = "ns a decision, 100,000 clients",
               .aim = "<=1000"});
  figures.add({.name = "control_share_at_100k_per_s",
               .value = busy_ticks / (kRequests * 1e-5),
               .unit = "seconds of the control plane a second of traffic",
               .aim = "<=0.2"});
  // Turns are too short to be timed one by one.
  constexpr std::size_t kQuiet = 400'000;
  const auto [quiet, untimed, turns] = play(std::chrono::milliseconds{500}, kQuiet, false);
  figures.add({.name = "quiet_turn_us",
               .value = quiet / static_cast<double>(turns) * 1e6,
               .unit = "us a turn, with the two requests of its second",
               .aim = "<=5"});
  static_cast<void>(untimed);
  return figures.print(argc, argv);
}
