#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

class ConfigurationsTest : public HistoryTest {
 protected:
  void take_effect(const std::string& fingerprint, WallTime at) {
    ASSERT_TRUE(history_->put_configuration({fingerprint, "text of " + fingerprint, at, at}));
  }
  [[nodiscard]] std::string before(const std::string& fingerprint) const {
    const auto kept = history_->configurations().value();
    for (const auto& record : kept)
      if (record.fingerprint == fingerprint) return record.before;
    return "not kept";
  }
  std::shared_ptr<SqliteHistory> history_ = open();
};

TEST_F(ConfigurationsTest, KnowWhichWasInForceBeforeThemWhateverIsReturnedTo) {
  take_effect("a", kStart);
  take_effect("b", kStart + 1h);
  take_effect("c", kStart + 2h);
  take_effect("a", kStart + 3h);
  take_effect("d", kStart + 4h);
  take_effect("d", kStart + 5h);  // a restart
  EXPECT_EQ(history_->configurations().value().front().fingerprint, "d");
  EXPECT_EQ(before("a"), "");
  EXPECT_EQ(before("b"), "a");
  EXPECT_EQ(before("c"), "b");
  EXPECT_EQ(before("d"), "a");
}

}  // namespace
}  // namespace tidelimit::store
