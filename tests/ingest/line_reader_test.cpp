#include "ingest/line_reader.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

std::vector<std::string> lines_of(std::string text, std::size_t piece = 1 << 20) {
  LineReader reader(std::make_unique<Dripping>(std::move(text), piece));
  std::vector<std::string> lines;
  for (Line line; reader.next(line);) {
    lines.emplace_back(line.text);
    EXPECT_EQ(line.number, lines.size());
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineReader, CutsAtEveryKindOfLineEnd) {
  EXPECT_EQ(lines_of(""), Lines{});
  EXPECT_EQ(lines_of("\n"), Lines{""});
  EXPECT_EQ(lines_of("a\nb\r\n\nc"), (Lines{"a", "b", "", "c"}));
  EXPECT_EQ(lines_of("a\rb\n"), Lines{"a\rb"});
}

TEST(LineReader, KeepsNulBytesInsideAndDropsHolesInFront) {
  using namespace std::string_literals;
  EXPECT_EQ(lines_of("a\0b\nc\0\n"s), (Lines{"a\0b"s, "c\0"s}));
  const std::string hole(3'000'000, '\0');
  EXPECT_EQ(lines_of("x\n" + hole + "y\n" + hole), (Lines{"x", "y"}));
}

TEST(LineReader, SkipsAByteOrderMarkOnlyInFront) {
  EXPECT_EQ(lines_of("\xef\xbb\xbf"
                     "a\n\xef\xbb\xbf"
                     "b\n",
                     1),
            (Lines{"a",
                   "\xef\xbb\xbf"
                   "b"}));
}

TEST(LineReader, KeepsLinesUpToItsLimitAndTheBeginningOfLongerOnes) {
  std::string text = "first\n";
  text += std::string(kMaxLine, 'a') + "\n";
  text += "begin" + std::string(20 * kMaxLine, 'b') + "\n";
  text += "last";
  LineReader reader(std::make_unique<Dripping>(text, 100'000));
  Line line;
  ASSERT_TRUE(reader.next(line));
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line.text.size(), kMaxLine);
  EXPECT_FALSE(line.too_long);
  ASSERT_TRUE(reader.next(line));
  EXPECT_TRUE(line.too_long);
  EXPECT_TRUE(line.text.starts_with("beginbbb"));
  EXPECT_EQ(line.number, 3u);
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line.text, "last");
  EXPECT_EQ(line.number, 4u);
  EXPECT_FALSE(reader.next(line));
  EXPECT_EQ(reader.bytes(), text.size());
}

TEST(LineReader, CutsAlikeWhateverPiecesTheStreamComesIn) {
  Random random(11);
  std::string text;
  Lines expected;
  for (int i = 0; i < 400; ++i) {
    std::string line(random.below(i % 50 == 0 ? 400'000 : 300), 'x');
    for (char& c : line) c = static_cast<char>('a' + random.below(26));
    text += line + (random.chance(0.5) ? "\n" : "\r\n");
    expected.push_back(std::move(line));
  }
  for (const std::size_t piece : {1u, 1000u, 65'536u, 1u << 20}) {
    EXPECT_EQ(lines_of(text, piece), expected) << piece;
  }
}

TEST(LineReader, ShowsItsBeginningWithoutConsumingIt) {
  LineReader reader(
      std::make_unique<Dripping>("\xef\xbb\xbf"
                                 "one\ntwo\n",
                                 2));
  EXPECT_EQ(reader.preview(1000), "one\ntwo\n");
  EXPECT_EQ(reader.preview(2000), "one\ntwo\n");
  Line line;
  ASSERT_TRUE(reader.next(line));
  EXPECT_EQ(line.text, "one");
}

}  // namespace
}  // namespace tidelimit::ingest
