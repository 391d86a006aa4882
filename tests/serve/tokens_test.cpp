#include "serve/admin/tokens.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace tidelimit::serve {
namespace {

constexpr TokenFile kMade = TokenFile::made_if_missing;

class TokenFileTest : public testing::Test {
 protected:
  TokenFileTest() { std::filesystem::create_directories(folder_); }
  ~TokenFileTest() override { std::filesystem::remove_all(folder_); }
  std::string read() {
    std::ifstream in(file_);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& text, mode_t mode) {
    std::ofstream(file_) << text;
    ASSERT_EQ(chmod(file_.c_str(), mode), 0);
  }
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("tidelimit-tokens-" + std::to_string(getpid()));
  std::filesystem::path file_ = folder_ / "new" / "admin.token";
  std::string warning_;
};

TEST_F(TokenFileTest, MakesOneForItsOwnerAloneAndKeepsIt) {
  const auto made = load_tokens(file_, kMade, warning_);
  ASSERT_TRUE(made) << made.error().message;
  struct stat status {};
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  std::string token = read();
  ASSERT_GE(token.size(), 33u);
  token.pop_back();
  EXPECT_EQ(made->owner("Bearer " + token), "admin");
  ASSERT_TRUE(load_tokens(file_, kMade, warning_));
  EXPECT_EQ(read(), token + "\n");
  EXPECT_EQ(warning_, "");
}

TEST_F(TokenFileTest, IsNotMadeWhereItMustBeThere) {
  file_ = folder_ / "token";
  const auto gone = load_tokens(file_, TokenFile::there, warning_);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, Code::not_found);
  EXPECT_NE(gone.error().message.find("put it back"), std::string::npos) << gone.error().message;
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(TokenFileTest, WarnsOfReadersAndRefusesWriters) {
  file_ = folder_ / "token";
  write("0123456789abcdef\n", 0644);
  EXPECT_TRUE(load_tokens(file_, kMade, warning_));
  EXPECT_NE(warning_.find("chmod 600"), std::string::npos);
  write("0123456789abcdef\n", 0622);
  const auto refused = load_tokens(file_, kMade, warning_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::permission_denied);
}

TEST(Tokens, NameTheirOwner) {
  const auto tokens = parse_tokens(
      "# people\nanna:aaaaaaaaaaaaaaaa\n\n  bbbbbbbbbbbbbbbb\nbob: cccccccccccccccc\n");
  ASSERT_TRUE(tokens) << tokens.error().message;
  EXPECT_EQ(tokens->size(), 3u);
  EXPECT_EQ(tokens->owner("Bearer aaaaaaaaaaaaaaaa"), "anna");
  EXPECT_EQ(tokens->owner("bearer bbbbbbbbbbbbbbbb"), "admin");
  EXPECT_EQ(tokens->owner("Bearer cccccccccccccccc"), "bob");
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer aaaaaaaaaaaaaaa", "Basic aaaaaaaaaaaaaaaa",
        "aaaaaaaaaaaaaaaa", "Bearer anna:aaaaaaaaaaaaaaaa"})
    EXPECT_EQ(tokens->owner(wrong), std::nullopt) << wrong;
}

TEST(Tokens, WithoutAFileThereAreNone) {
  std::string warning;
  const auto none = load_tokens({}, kMade, warning);
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(none->size(), 0u);
  EXPECT_FALSE(none->owner("Bearer "));
  EXPECT_NE(warning.find("admin.token_file"), std::string::npos);
}

TEST(Tokens, SaysWhatIsWrongWithAFile) {
  for (const auto& [text, says] : {std::pair{"", "no token"},
                                   {"# only words\n", "no token"},
                                   {"anna:short\n", "line 1"},
                                   {"x\n\n:aaaaaaaaaaaaaaaa", "line 1"},
                                   {"\n:aaaaaaaaaaaaaaaa", "line 2"}}) {
    const auto tokens = parse_tokens(text);
    ASSERT_FALSE(tokens) << text;
    EXPECT_NE(tokens.error().message.find(says), std::string::npos) << tokens.error().message;
  }
}

}  // namespace
}  // namespace tidelimit::serve
