#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "config/config.hpp"
#include "config/descriptor_file.hpp"

namespace tidelimit::config {
namespace {

/// One file per mistake, with the messages it must bring at its end: `#! LINE: message`. One that
/// ends in `…` leaves the rest to base/, whose tests hold the words about rates, times and
/// prefixes.
std::vector<std::filesystem::path> bad_files(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(TIDELIMIT_CONFIG_TESTS "/" + folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> expected_messages(const std::string& yaml) {
  constexpr std::string_view kMark = "#! ";
  std::vector<std::string> messages;
  std::istringstream lines(yaml);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(kMark)) messages.push_back(line.substr(kMark.size()));
  }
  return messages;
}

void expect_message(const std::string& message, const std::string& expected) {
  constexpr std::string_view kRest = "…";
  if (!expected.ends_with(kRest)) {
    EXPECT_EQ(message, expected);
    return;
  }
  const std::string start = expected.substr(0, expected.size() - kRest.size());
  EXPECT_TRUE(message.starts_with(start)) << message << "\ndoes not begin with\n" << start;
  EXPECT_GT(message.size(), start.size()) << "nothing follows: " << message;
}

class BadFile : public testing::TestWithParam<std::filesystem::path> {
 protected:
  template <class Parse>
  void expect_messages(Parse&& parse) {
    const std::string yaml = read(GetParam());
    const auto expected = expected_messages(yaml);
    ASSERT_FALSE(expected.empty()) << "the file says no message";
    const auto read = parse(yaml, GetParam());
    ASSERT_FALSE(read) << "accepted";
    std::vector<std::string> messages;
    for (const auto& mistake : read.error()) {
      messages.push_back(std::to_string(mistake.line) + ": " + mistake.message);
    }
    ASSERT_THAT(messages, testing::SizeIs(expected.size())) << testing::PrintToString(messages);
    for (std::size_t i = 0; i < messages.size(); ++i) expect_message(messages[i], expected[i]);
  }
};

class BadConfig : public BadFile {};
/// Of what is allowed, but unlikely meant.
class DoubtfulConfig : public BadFile {};
class BadDescriptors : public BadFile {};

TEST_P(BadConfig, BringsExactlyTheseMessages) {
  expect_messages(parse);
}

TEST_P(DoubtfulConfig, BringsExactlyTheseWarnings) {
  const std::string yaml = read(GetParam());
  const auto config = parse(yaml, GetParam());
  ASSERT_TRUE(config) << config.error().front().message;
  std::vector<std::string> expected;
  for (const auto& message : expected_messages(yaml))
    expected.push_back(GetParam().string() + ":" + message);
  EXPECT_THAT(config->warnings, testing::ElementsAreArray(expected));
}

TEST_P(BadDescriptors, BringsExactlyTheseMessages) {
  expect_messages(parse_descriptors);
}

std::string stem(const testing::TestParamInfo<std::filesystem::path>& info) {
  return info.param.stem().string();
}
INSTANTIATE_TEST_SUITE_P(Config, BadConfig, testing::ValuesIn(bad_files("bad")), stem);
INSTANTIATE_TEST_SUITE_P(Config, DoubtfulConfig, testing::ValuesIn(bad_files("doubtful")), stem);
INSTANTIATE_TEST_SUITE_P(Config, BadDescriptors, testing::ValuesIn(bad_files("bad_descriptors")),
                         stem);

}  // namespace
}  // namespace tidelimit::config
