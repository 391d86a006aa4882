#include "engine/memory.hpp"

#include <fstream>
#include <malloc.h>
#include <unistd.h>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0, resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

class Memory : public GateInTime {
 protected:
  /// What a gate took of the system while twice as many clients came as its table holds.
  std::size_t taken(const Settings& settings, const std::string& agent) {
    worker.reset();
    engine.reset();
    const std::size_t before = resident_bytes();
    start(settings);
    engine->tick(now);
    const std::size_t clients = 2 * engine->limiter().clients().capacity();
    for (std::size_t i = 0; i < clients; ++i) {
      Asked asked{.user = "u" + std::to_string(i), .agent = agent};
      traffic::Request made = request(asked);
      made.client.lo += i;
      made.user_id = asked.user;
      static_cast<void>(worker->decide(made, 1, now));
      if (i % 1000 == 0) pass(seconds{1});
    }
    pass(minutes{1});
    return resident_bytes() - before;
  }
};

TEST_F(Memory, OfFullTablesIsWhatIsSaidBeforehand) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers take memory of their own";
#endif
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);  // a large table finds none
  Settings settings = mission();
  settings.client_bytes = 16u << 20;
  for (const bool by_agent : {false, true}) {
    if (by_agent) settings.policy.rules.push_back(odd_tool());
    const std::size_t most = most_memory(settings).total();
    const std::size_t took = taken(settings, "PostmanRuntime/7.36");
    EXPECT_LT(took, most + (2u << 20));
    EXPECT_GT(took, most * 4 / 5);  // small tables find room that earlier ones left
  }
}

TEST_F(Memory, ThatIsFullOfActiveClientsLeavesRequestsUnwatchedAndCountsThem) {
  start();
  engine->tick(now);
  const auto ask_all = [&](std::size_t clients) {
    for (std::size_t i = 0; i < clients; ++i) {
      traffic::Request made = request({});
      made.client.lo += i;
      static_cast<void>(worker->decide(made, 1, now));
    }
  };
  const std::size_t places = engine->limiter().clients().capacity();
  ask_all(places / 4);
  EXPECT_EQ(engine->table_use(now.mono).unwatched_requests, 0u);
  ask_all(2 * places);
  const TableUse full = engine->table_use(now.mono);
  EXPECT_GT(full.clients, places * 9 / 10);
  EXPECT_EQ(full.unwatched_requests, 2 * places - full.clients);
}

}  // namespace
}  // namespace tidelimit::engine::test
