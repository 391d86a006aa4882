#include "cli/drawn_file.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace tidelimit::cli {
namespace {

constexpr std::string_view kMark = "# Drawn by `a command`";

class DrawnFile : public testing::Test {
 protected:
  ~DrawnFile() override { std::filesystem::remove(file_); }
  bool free_after(const std::string& text) {
    std::ofstream(file_, std::ios::binary) << text;
    const auto free = require_unedited(file_, kMark, "a command");
    why_ = free ? "" : free.error().message;
    return free.has_value();
  }
  std::string file_ = testing::TempDir() + "drawn_file_test.yaml";
  std::string why_;
};

const std::string kYaml = std::string(kMark) + " from a log.\nmode: shadow\ntiers: [STD]\n";

TEST_F(DrawnFile, MayBeDrawnAnewWhileNobodyEditedIt) {
  EXPECT_TRUE(free_after(sealed(kYaml)));
  EXPECT_TRUE(free_after(""));
}

TEST_F(DrawnFile, IsKeptOnceItWasEditedAnywhere) {
  const std::string text = sealed(kYaml);
  for (std::string edited :
       {text + "x: 1\n", text.substr(0, text.size() - 1), "" + text, std::string(kMark) + "\n"}) {
    if (edited == text) edited.replace(edited.find("shadow"), 6, "enforce");
    EXPECT_FALSE(free_after(edited)) << edited;
    EXPECT_NE(why_.find("was edited since a command drew it"), std::string::npos);
  }
  std::string head = text;
  head.insert(head.find(" from"), " by hand");
  EXPECT_FALSE(free_after(head));
}

TEST_F(DrawnFile, IsKeptWithoutASealOrTheMark) {
  EXPECT_FALSE(free_after(kYaml));
  EXPECT_FALSE(free_after("mode: enforce\n"));
  EXPECT_NE(why_.find("was not drawn by a command"), std::string::npos);
}

}  // namespace
}  // namespace tidelimit::cli
