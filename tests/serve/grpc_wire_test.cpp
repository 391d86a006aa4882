#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <string>
#include <vector>

#include "serve/grpc/wire.hpp"

namespace tidelimit::serve::grpc {
namespace {

using Step = MessageReader::Step;

std::string framed(std::string_view message) {
  std::string out;
  const std::size_t at = begin_message(out);
  out += message;
  end_message(out, at);
  return out;
}

TEST(GrpcMessage, PrefixIsAFlagAndTheLengthInNetworkOrder) {
  EXPECT_EQ(framed("abc"), std::string("\0\0\0\0\3abc", 8));
  EXPECT_EQ(framed(std::string(0x10203, 'x')).substr(0, 5), std::string("\0\0\1\2\3", 5));
}

TEST(GrpcMessage, ReadsTheSameMessagesHoweverTheirBytesAreCut) {
  const bool holds = rc::check([] {
    const auto messages =
        *rc::gen::container<std::vector<std::string>>(rc::gen::arbitrary<std::string>());
    std::string bytes;
    for (const std::string& message : messages) bytes += framed(message);
    MessageReader reader;
    std::vector<std::string> read;
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto size = *rc::gen::inRange<std::size_t>(1, rest.size() + 1);
      std::string piece(rest.substr(0, size));  // a copy: nothing beyond it may be read
      rest.remove_prefix(size);
      std::string_view at = piece;
      while (true) {
        const Step step = reader.read(at, 1 << 20);
        if (step != Step::message) {
          RC_ASSERT(step == Step::starved);
          break;
        }
        read.emplace_back(reader.message());
      }
      RC_ASSERT(at.empty());
    }
    RC_ASSERT(read == messages);
    RC_ASSERT(reader.between());
  });
  EXPECT_TRUE(holds);
}

TEST(GrpcMessage, RefusesWhatIsTooLargeBeforeItCame) {
  MessageReader reader;
  std::string_view bytes("\0\0\0\0\x0b", 5);
  EXPECT_EQ(reader.read(bytes, 10), Step::too_large);
  std::string_view exact("\0\0\0\0\x0a", 5);
  MessageReader other;
  EXPECT_EQ(other.read(exact, 10), Step::starved);
  EXPECT_FALSE(other.between());
}

TEST(GrpcMessage, TellsCompressedFromMalformed) {
  std::string_view compressed("\1\0\0\0\0", 5), malformed("\2\0\0\0\0", 5);
  EXPECT_EQ(MessageReader().read(compressed, 10), Step::compressed);
  EXPECT_EQ(MessageReader().read(malformed, 10), Step::malformed);
}

TEST(GrpcTimeout, ReadsEveryUnit) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_timeout("2H"), 2h);
  EXPECT_EQ(parse_timeout("3M"), 3min);
  EXPECT_EQ(parse_timeout("10S"), 10s);
  EXPECT_EQ(parse_timeout("20m"), 20ms);
  EXPECT_EQ(parse_timeout("7u"), 7us);
  EXPECT_EQ(parse_timeout("99999999n"), 99'999'999ns);
  EXPECT_EQ(parse_timeout("0S"), 0s);
  EXPECT_GT(parse_timeout("99999999H"), std::chrono::hours{24 * 365 * 50});
}

TEST(GrpcTimeout, RefusesWhatIsNone) {
  for (const char* text :
       {"", "S", "1", "1s", "1 S", "-1S", "+1S", "1.5S", "123456789S", "1SS", "0x1S"})
    EXPECT_FALSE(parse_timeout(text)) << text;
}

TEST(GrpcMessageText, IsPrintableAsciiWithPercents) {
  std::string out;
  append_percent_encoded(out, "50 % of \"x\"\n\xc3\xa9\x7f");
  EXPECT_EQ(out, "50 %25 of \"x\"%0A%C3%A9%7F");
}

TEST(GrpcMessageText, IsCutBetweenCharacters) {
  std::string out;
  append_percent_encoded(out, std::string(kMessageBytes - 1, 'a') + "\xc3\xa9");
  EXPECT_EQ(out, std::string(kMessageBytes - 1, 'a'));
}

TEST(GrpcContentType, TakesSubtypesAndParametersOnly) {
  for (const char* text : {"application/grpc", "application/grpc+proto", "application/grpc;a=b"})
    EXPECT_TRUE(is_grpc_content_type(text)) << text;
  for (const char* text : {"", "application/grp", "application/grpc-web", "application/json"})
    EXPECT_FALSE(is_grpc_content_type(text)) << text;
}

}  // namespace
}  // namespace tidelimit::serve::grpc
