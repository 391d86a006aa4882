#include "ingest/byte_stream.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>
#include <zstd.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

struct Drained {
  std::string bytes;
  std::optional<Error> error;
};

Drained drain(std::unique_ptr<ByteStream> stream, std::size_t step = 1000) {
  Drained drained;
  std::vector<char> piece(step);
  for (;;) {
    const auto n = stream->read(piece);
    if (!n) {
      drained.error = n.error();
      const auto after = stream->read(piece);
      EXPECT_TRUE(after && *after == 0) << "after an error a stream is at its end";
      return drained;
    }
    if (*n == 0) return drained;
    drained.bytes.append(piece.data(), *n);
  }
}

std::string zstd(std::string_view text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

std::string long_text() {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "line " + std::to_string(i * 7919 % 100'003) + "\n";
  return text;
}

TEST(DescriptorStream, WaitsForAPipeThatDoesNotBlock) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
  auto stream = descriptor_stream(ends[0], true);
  std::thread writer([&] {
    for (const char* piece : {"one ", "two"}) {
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
      EXPECT_GT(::write(ends[1], piece, std::strlen(piece)), 0);
    }
    ::close(ends[1]);
  });
  const Drained drained = drain(std::move(stream));
  writer.join();
  EXPECT_FALSE(drained.error) << drained.error->message;
  EXPECT_EQ(drained.bytes, "one two");
}

TEST(Decompressed, PassesPlainBytesThrough) {
  for (const std::string text : {"", "a", "\x1f", "plain text\n"}) {
    const Drained drained = drain(decompressed(memory_stream(text)));
    EXPECT_EQ(drained.bytes, text);
    EXPECT_FALSE(drained.error);
  }
}

TEST(Decompressed, ReadsGzipOfSeveralMembers) {
  const std::string text = long_text();
  const std::string packed = gzip(text) + gzip("second\n") + gzip("") + gzip("fourth\n");
  for (const std::size_t piece : {1, 7, 4096, 1 << 20}) {
    const Drained drained = drain(decompressed(std::make_unique<Dripping>(packed, piece)));
    EXPECT_EQ(drained.bytes, text + "second\nfourth\n") << piece;
    EXPECT_FALSE(drained.error) << drained.error->message;
  }
}

TEST(Decompressed, IgnoresZeroPaddingBehindGzip) {
  const Drained drained = drain(decompressed(memory_stream(gzip("a\n") + std::string(700, '\0'))));
  EXPECT_EQ(drained.bytes, "a\n");
  EXPECT_FALSE(drained.error);
}

TEST(Decompressed, ReadsZstdOfSeveralAndSkippableFrames) {
  const std::string text = long_text();
  const std::string skippable("\x50\x2a\x4d\x18\x03\x00\x00\x00xyz", 11);
  const std::string packed = skippable + zstd(text) + skippable + zstd("second\n");
  for (const std::size_t piece : {1, 13, 1 << 20}) {
    const Drained drained = drain(decompressed(std::make_unique<Dripping>(packed, piece)));
    EXPECT_EQ(drained.bytes, text + "second\n") << piece;
    EXPECT_FALSE(drained.error) << drained.error->message;
  }
}

TEST(Decompressed, GivesWhatATruncatedStreamHeldThenSaysSo) {
  const std::string text = long_text();
  for (const auto& [packed, name] : {std::pair{gzip(text), "gzip"}, {zstd(text), "zstd"}}) {
    const Drained drained = drain(decompressed(memory_stream(packed.substr(0, packed.size() / 2))));
    EXPECT_GT(drained.bytes.size(), text.size() / 10) << name;
    EXPECT_TRUE(text.starts_with(drained.bytes)) << name;
    ASSERT_TRUE(drained.error) << name;
    EXPECT_EQ(drained.error->code, Code::data_loss);
    EXPECT_NE(drained.error->message.find(std::string(name) + " stream"), std::string::npos);
    EXPECT_NE(drained.error->message.find("is cut short"), std::string::npos);
  }
}

TEST(Decompressed, ReportsDamageInTheMiddle) {
  const std::string text = long_text();
  for (std::string packed : {gzip(text), zstd(text)}) {
    for (std::size_t i = 0; i < 64; ++i) packed[packed.size() / 2 + i] = '\x55';
    const Drained drained = drain(decompressed(memory_stream(packed)));
    ASSERT_TRUE(drained.error);
    EXPECT_EQ(drained.error->code, Code::data_loss);
    EXPECT_LT(drained.bytes.size(), text.size() + 1);
  }
}

TEST(Decompressed, ReportsAHeaderWithoutABody) {
  const Drained drained = drain(decompressed(memory_stream("\x1f\x8b")));
  EXPECT_EQ(drained.bytes, "");
  ASSERT_TRUE(drained.error);
}

}  // namespace
}  // namespace tidelimit::ingest
