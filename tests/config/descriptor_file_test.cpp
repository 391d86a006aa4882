#include "config/descriptor_file.hpp"

#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>

namespace tidelimit::config {
namespace {

TEST(DescriptorFile, ReadsAllThatAFileCanSay) {
  const auto read = parse_descriptors(R"(
domain: shop
descriptors:
  - key: path
    value: /files/*
    share_threshold: true
    rate_limit: { unit: MINUTE, requests_per_unit: 5, name: files, replaces: [ { name: all } ] }
    descriptors:
      - key: user_id
        shadow_mode: true
        detailed_metric: true
        value_to_metric: true
        metadata: { any: thing }
        rate_limit: { unlimited: true }
  - { key: status, value: 200, quota_mode: true, rate_limit: { unit: week, requests_per_unit: 0 } }
  - { key: open, value: "" }
)",
                                      "shop.yaml");
  ASSERT_TRUE(read) << read.error().front().message;
  EXPECT_EQ(read->domain, "shop");
  EXPECT_EQ(read->line, 2);
  ASSERT_EQ(read->descriptors.size(), 3u);
  const Descriptor& files = read->descriptors[0];
  EXPECT_EQ(files.line, 4);
  EXPECT_TRUE(files.wildcard() && files.share_threshold);
  ASSERT_TRUE(files.limit);
  EXPECT_EQ(files.limit->unit, LimitUnit::minute);
  EXPECT_EQ(files.limit->requests_per_unit, 5u);
  EXPECT_EQ(files.limit->name, "files");
  EXPECT_EQ(files.limit->replaces, std::vector<std::string>{"all"});
  const Descriptor& user = files.descriptors.at(0);
  EXPECT_TRUE(user.shadow_mode && user.detailed_metric && user.value_to_metric && user.metadata);
  EXPECT_TRUE(user.limit->unlimited);
  EXPECT_TRUE(user.value.empty());
  const Descriptor& status = read->descriptors[1];
  EXPECT_EQ(describe(status), "status=200");
  EXPECT_TRUE(status.quota_mode);
  EXPECT_EQ(period_of(status.limit->unit), std::chrono::hours{24 * 7});
  EXPECT_EQ(describe(read->descriptors[2]), "open");
  EXPECT_FALSE(read->descriptors[2].limit);
}

// What yaml.v2 takes, which envoyproxy/ratelimit reads with.
TEST(DescriptorFile, BooleansNumbersAndNothingAreThoseOfYaml11) {
  for (const char* yes : {"true", "True", "TRUE", "yes", "on", "On"})
    for (const auto& [number, value] : {std::pair{"1_000", 1000U},
                                        {"0x10", 16U},
                                        {"+10", 10U},
                                        {"010", 8U},
                                        {"0b11", 3U},
                                        {"0", 0U}}) {
      const auto read =
          parse_descriptors(fmt::format("domain: shop\ndescriptors:\n"
                                        "  - {{ key: a, shadow_mode: {}, rate_limit: {{ unit: day, "
                                        "requests_per_unit: {}, replaces: }} }}\n"
                                        "  - {{ key: b, shadow_mode: Off, rate_limit: }}\n",
                                        yes, number),
                            "shop.yaml");
      ASSERT_TRUE(read) << yes << " " << number << ": " << read.error().front().message;
      EXPECT_TRUE(read->descriptors[0].shadow_mode) << yes;
      EXPECT_EQ(read->descriptors[0].limit->requests_per_unit, value) << number;
      EXPECT_FALSE(read->descriptors[1].shadow_mode || read->descriptors[1].limit);
    }
}

TEST(DescriptorFile, TwoFilesOfOneDomainAreNamed) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "two_domains";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "a.yaml") << "domain: shop\n";
  std::ofstream(folder / "b.yaml") << "# of the shop, too\ndomain: shop\n";
  const auto read = load_descriptors({folder / "a.yaml", folder / "b.yaml", folder / "none.yaml"});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message,
            (folder / "b.yaml").string() + ":2: domain \"shop\" stands in " +
                (folder / "a.yaml").string() + ":1 already: put both into one file\n" +
                (folder / "none.yaml").string() + ": No such file or directory");
}

}  // namespace
}  // namespace tidelimit::config
