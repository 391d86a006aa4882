#include <fstream>

#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kPage = 4096;
constexpr int kMany = 300;

class SalvageTest : public HistoryTest {
 protected:
  [[nodiscard]] static std::string target(int i) { return "user/" + std::to_string(1000 + i); }

  /// A file with what people decide, over many pages.
  void fill() const {
    const auto history = open();
    for (int i = 0; i < kMany; ++i) {
      ASSERT_TRUE(history->put_override({.target = target(i),
                                         .action = limiter::Action::limit,
                                         .limit = Rate{10, 1min},
                                         .reason = std::string(200, 'r'),
                                         .by = "oncall",
                                         .made_at = kStart,
                                         .until = kStart + 1h}));
      ASSERT_TRUE(history->put_label({.target = "label/" + std::to_string(1000 + i),
                                      .malicious = true,
                                      .reason = std::string(200, 'r'),
                                      .by = "oncall",
                                      .made_at = kStart,
                                      .until = {}}));
    }
    ASSERT_TRUE(history->delete_override(target(7), "lead", kStart + 1min));
    for (const char* part : {"all", "rules", "all"})
      ASSERT_TRUE(history->put_modes({{.part = part,
                                       .mode = policy::ModeFor{limiter::Mode::shadow, 1},
                                       .reason = "r",
                                       .by = "oncall",
                                       .made_at = kStart,
                                       .until = {}}}));
    ASSERT_TRUE(history->put_configuration(
        {.fingerprint = "abcdefabcdef", .text = "mode: shadow", .first = kStart, .last = kStart}));
    const engine::ConfigurationHold hold{.fingerprint = "abcdefabcdef",
                                         .over = "123456123456",
                                         .reason = "r",
                                         .by = "oncall",
                                         .made_at = kStart};
    ASSERT_TRUE(history->put_hold(&hold));
  }
  [[nodiscard]] std::string bytes() const {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Where the pages begin that have `text`.
  [[nodiscard]] static std::vector<std::size_t> pages_with(const std::string& content,
                                                           const std::string& text) {
    std::vector<std::size_t> pages;
    for (std::size_t at = kPage; at < content.size(); at += kPage)
      if (content.substr(at, kPage).find(text) != std::string::npos) pages.push_back(at);
    return pages;
  }
  [[nodiscard]] std::shared_ptr<SqliteHistory> open_damaged(std::string content,
                                                            std::size_t page) const {
    content.replace(page, kPage, kPage, 'x');
    std::ofstream(file_, std::ios::binary) << content;
    auto history = open();
    EXPECT_TRUE(history->moved_aside());
    return history;
  }
};

TEST_F(SalvageTest, ADamagedPageOfOverridesLosesNone) {
  fill();
  const std::string content = bytes();
  const auto pages = pages_with(content, target(kMany / 2));
  ASSERT_GE(pages.size(), 2U) << "of the overrides, and of their audit";
  for (const std::size_t page : pages) {
    const auto history = open_damaged(content, page);
    const auto overrides = history->overrides().value();
    EXPECT_EQ(overrides.size(), kMany - 1U);
    for (const auto& made : overrides) {
      EXPECT_NE(made.target, target(7)) << "it was taken back";
      EXPECT_EQ(made.limit, (Rate{10, 1min}));
      EXPECT_EQ(made.until, kStart + 1h);
      EXPECT_EQ(made.by, "oncall");
    }
    EXPECT_THAT(history->notice(), HasSubstr("299 overrides, 300 labels, 2 modes, 1 configuration"
                                             " and the hold of one"));
    EXPECT_THAT(history->notice(), Not(HasSubstr("may be lost")));
    EXPECT_EQ(history->modes().value().size(), 2U);
    EXPECT_EQ(history->configurations().value()[0].text, "mode: shadow");
    EXPECT_EQ(history->hold().value()->over, "123456123456");
  }
}

TEST_F(SalvageTest, ADamagedPageOfLabelsLosesThoseAloneAndIsSaid) {
  fill();
  const std::string content = bytes();
  const auto history =
      open_damaged(content, pages_with(content, "label/" + std::to_string(1000 + kMany / 2))[0]);
  const auto labels = history->labels().value();
  EXPECT_GT(labels.size(), kMany - 30U);
  EXPECT_LT(labels.size(), kMany + 0U);
  EXPECT_EQ(labels.front().target, "label/1000");
  EXPECT_EQ(labels.back().target, "label/1299");
  EXPECT_EQ(history->overrides().value().size(), kMany - 1U);
  EXPECT_THAT(history->notice(), HasSubstr("may be lost, look through them: labels"));
}

TEST_F(SalvageTest, AWholeFileHasNoNotice) {
  fill();
  EXPECT_EQ(open()->notice(), "");
}

}  // namespace
}  // namespace tidelimit::store
