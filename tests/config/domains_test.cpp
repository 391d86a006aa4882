// The files that `ratelimit.domains` names.
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "config/config.hpp"

namespace tidelimit::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DomainFiles : public testing::Test {
 protected:
  DomainFiles() { std::filesystem::create_directories(folder / "limits"); }
  ~DomainFiles() override { std::filesystem::remove_all(folder); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
  }
  Result<Config> load_with(const std::string& ratelimit) {
    write("gate.yaml",
          "listen: { grpc: 127.0.0.1:0 }\nendpoints: [ { name: other } ]\nratelimit: " + ratelimit +
              "\n");
    return load(folder / "gate.yaml");
  }
  std::string error_of(const std::string& ratelimit) {
    const auto config = load_with(ratelimit);
    return config ? "accepted" : config.error().message;
  }

  std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("domains" + std::to_string(::getpid()));
};

TEST_F(DomainFiles, AreFoundByNameAndPatternFromTheConfigurationsFolderEachOnce) {
  write("limits/b.yaml", "domain: b\n");
  write("limits/a.yaml", "domain: a\ndescriptors: [ { key: k, detailed_metric: true } ]\n");
  write("own.yaml", "domain: own\n");
  const auto config =
      load_with("{ domains: [ own.yaml, limits/*.yaml, limits/a.yaml ], window: fixed }");
  ASSERT_TRUE(config) << config.error().message;
  std::vector<std::string> names;
  for (const auto& file : config->domains.files) names.push_back(file.domain);
  EXPECT_THAT(names, ElementsAre("own", "a", "b"));
  EXPECT_EQ(config->domains.counting, limiter::Counting::fixed);
  EXPECT_THAT(config->warnings,
              ElementsAre(HasSubstr("limits/a.yaml:2: descriptor \"k\": values of requests")));
}

TEST_F(DomainFiles, AbsentTheyAreNone) {
  const auto config = load_with("{ entries: { path: uri } }");
  ASSERT_TRUE(config);
  EXPECT_THAT(domain_files(*config), IsEmpty());
  EXPECT_EQ(config->domains.counting, limiter::Counting::gcra);
}

TEST_F(DomainFiles, TheirMistakesAreThoseOfTheConfiguration) {
  write("limits/a.yaml", "domain: tidelimit\n");
  write("limits/b.yaml",
        "domain: b\ndescriptors:\n  - { key: k, quota_mode: true }\n  - { key: l, unit: day }\n");
  write("limits/c.yaml", "domain: c\ndescriptors:\n  - { key: k, quota_mode: true }\n");
  const std::string place = (folder / "limits").string();
  EXPECT_EQ(error_of("{ domains: [ limits/a.yaml, limits/c.yaml ] }"),
            place +
                "/a.yaml:1: domain \"tidelimit\" is spoken in the gate's own words: rename this "
                "one\n" +
                place +
                "/c.yaml:3: descriptor \"k\": quota_mode is not supported: any limit that "
                "is met denies; remove it");
  EXPECT_THAT(error_of("{ domains: limits/b.yaml }"), HasSubstr("b.yaml:4: unknown key \"unit\""));
  EXPECT_EQ(error_of("{ domains: [ none.yaml ] }"),
            (folder / "gate.yaml").string() + ":3: ratelimit.domains: no file matches " +
                (folder / "none.yaml").string() + ": correct the name, or remove it");
  EXPECT_EQ(error_of("{ domains: [ \"none/*.yaml\" ] }"),
            (folder / "gate.yaml").string() + ":3: ratelimit.domains: no file matches " +
                (folder / "none/*.yaml").string() + ": correct the name, or remove it");
}

}  // namespace
}  // namespace tidelimit::config
