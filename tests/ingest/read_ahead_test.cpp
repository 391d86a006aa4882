#include "ingest/read_ahead.hpp"

#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tidelimit::ingest {
namespace {

/// Lends numbered requests as a reader does: the text is gone with the next one, and asking on
/// after the end is an error.
struct Numbers {
  std::size_t count;
  std::size_t longest = 40;
  std::size_t at = 0;
  bool ended = false;
  std::string text = {};

  [[nodiscard]] std::string path_of(std::size_t i) const {
    return "/" + std::to_string(i) + std::string(i * 37 % longest, 'x');
  }
  bool operator()(traffic::Request& request) {
    EXPECT_FALSE(ended) << "asked again after the end";
    ended = at == count;
    if (ended) return false;
    text = path_of(at) + "agent";
    request = {};
    request.bytes = static_cast<std::int64_t>(at++);
    request.path = std::string_view(text).substr(0, text.size() - 5);
    request.user_agent = std::string_view(text).substr(text.size() - 5);
    return true;
  }
};

void expect_all(std::size_t count, std::size_t longest) {
  const Numbers expected{count, longest};
  ReadAhead ahead(Numbers{count, longest});
  std::size_t at = 0;
  for (auto block = ahead.take(); !block.empty(); block = ahead.take()) {
    for (const traffic::Request& request : block) {
      ASSERT_EQ(request.bytes, static_cast<std::int64_t>(at));
      ASSERT_EQ(request.path, expected.path_of(at));
      ASSERT_EQ(request.user_agent, "agent");
      ++at;
    }
  }
  EXPECT_EQ(at, count);
  EXPECT_TRUE(ahead.take().empty()) << "the end stays the end";
}

TEST(ReadAhead, GivesAllRequestsInOrder) {
  for (const std::size_t count : {0u, 1u, 511u, 512u, 513u, 2048u, 20'000u}) {
    SCOPED_TRACE(count);
    expect_all(count, 40);
  }
}

TEST(ReadAhead, HasRoomForLongTexts) {
  expect_all(3000, 2000);     // more than a block expects: it ends early
  expect_all(20, 1'000'000);  // more than a block has room for
}

TEST(ReadAhead, LooksAtEveryBlockBeforeItIsTaken) {
  std::array<std::int64_t, ReadAhead::kBlocks> seen_first{};
  std::array<std::size_t, ReadAhead::kBlocks> seen{};
  ReadAhead ahead(Numbers{20'000},
                  [&](std::size_t block, std::span<const traffic::Request> requests) {
                    seen_first[block] = requests.front().bytes;
                    seen[block] = requests.size();
                  });
  for (auto requests = ahead.take(); !requests.empty(); requests = ahead.take()) {
    ASSERT_EQ(seen_first[ahead.block()], requests.front().bytes);
    ASSERT_EQ(seen[ahead.block()], requests.size());
  }
}

TEST(ReadAhead, EndsWhenItsTakerLeaves) {
  ReadAhead ahead(Numbers{1'000'000});
  EXPECT_FALSE(ahead.take().empty());
}

TEST(ReadAhead, ThrowsWhatTheReaderThrewAfterWhatWasRead) {
  Numbers numbers{600};
  ReadAhead ahead([&](traffic::Request& request) {
    if (!numbers(request)) throw std::runtime_error("broken");
    return true;
  });
  EXPECT_EQ(ahead.take().size(), 512u);
  EXPECT_THROW(static_cast<void>(ahead.take()), std::runtime_error);
}

}  // namespace
}  // namespace tidelimit::ingest
