#include <algorithm>
#include <gmock/gmock.h>

#include "base/hash.hpp"
#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

/// Decisions as they are kept for `why`.
class Decisions : public GateInTime {
 protected:
  void SetUp() override { restart(mission(), history); }

  [[nodiscard]] std::vector<DecisionRecord> kept(const std::string& user,
                                                 const std::string& address = {}) {
    pass(seconds{1});
    return *history->decisions({.id = {}, .user = user, .client = address});
  }
  std::shared_ptr<MemoryHistory> history = std::make_shared<MemoryHistory>();
};

// mix can be undone, so that an id of its making would tell the seed.
TEST_F(Decisions, IdsAreNotMadeByWhatCanBeUndone) {
  const std::uint64_t id = ask({.user = "ana"}).decision_id;
  ASSERT_NE(id, 0u);
  for (std::uint64_t n = 0; n < 100; ++n) EXPECT_NE(id, mix(n, 42)) << n;
}

TEST_F(Decisions, IdsOfOneSeedRepeat) {
  const std::uint64_t id = ask({.user = "ana"}).decision_id;
  restart(mission(), history);
  EXPECT_EQ(ask({.user = "ana"}).decision_id, id);
}

}  // namespace
}  // namespace tidelimit::engine::test
