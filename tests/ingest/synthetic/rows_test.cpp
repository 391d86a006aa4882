#include "ingest/synthetic/rows.hpp"

#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "ingest/record_reader.hpp"
#include "ingest/synthetic/synthetic.hpp"

namespace tidelimit::synthetic {
namespace {

/// A text as an input.
class TextStream : public ingest::ByteStream {
 public:
  explicit TextStream(const std::string& text) : text_(text) {}
  Result<std::size_t> read(std::span<char> out) override {
    const std::size_t n = std::min(out.size(), text_.size() - at_);
    std::copy_n(text_.data() + at_, n, out.data());
    at_ += n;
    return n;
  }

 private:
  const std::string& text_;
  std::size_t at_ = 0;
};

class EveryFormat : public testing::TestWithParam<RowFormat> {};

TEST_P(EveryFormat, IsReadBackAsItWasMade) {
  const SyntheticOptions options{.days = 0.1, .attackers = 0.2};
  auto traffic = SyntheticTraffic::create(options);
  RowWriter rows(GetParam());
  std::string text(rows.header());
  traffic::Request made;
  while (traffic->next(made)) rows.append(made, text);

  auto again = SyntheticTraffic::create(options);
  auto reader = ingest::RecordReader::open({{"made",
                                             [&]() -> Result<std::unique_ptr<ingest::ByteStream>> {
                                               return std::make_unique<TextStream>(text);
                                             }}},
                                           {});
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  const bool whole_seconds = GetParam() == RowFormat::combined;
  traffic::Request read;
  while (again->next(made)) {
    ASSERT_TRUE(reader->next(read));
    ASSERT_EQ(read.client, made.client);
    ASSERT_EQ(read.method, made.method);
    ASSERT_EQ(read.path, made.path);
    ASSERT_EQ(read.user_id, made.user_id);
    ASSERT_EQ(read.user_agent, made.user_agent);
    ASSERT_EQ(read.status, made.status);
    ASSERT_EQ(read.bytes, made.bytes);
    ASSERT_EQ(read.time, whole_seconds ? floor_to(made.time, std::chrono::seconds{1}) : made.time);
    if (whole_seconds) continue;
    ASSERT_EQ(read.tier, made.tier);
    ASSERT_NEAR(read.latency_ms, made.latency_ms, 0.01F + made.latency_ms * 1e-5F);
  }
  EXPECT_FALSE(reader->next(read));
  EXPECT_EQ(reader->report().unreadable, 0u);
}

INSTANTIATE_TEST_SUITE_P(Rows, EveryFormat,
                         testing::Values(RowFormat::csv, RowFormat::combined, RowFormat::json));

}  // namespace
}  // namespace tidelimit::synthetic
