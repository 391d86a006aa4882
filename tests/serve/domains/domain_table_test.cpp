#include "serve/domains/domain_table.hpp"

#include <gtest/gtest.h>

#include "base/structured_field.hpp"
#include "base/wildcard.hpp"
#include "serve/domains/domain_walk.hpp"

namespace tidelimit::serve {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

bool star_matches(std::string_view pattern, std::string_view text) {
  return wildcard_match(pattern, text, std::equal_to<char>());
}

TEST(Wildcard, StandsForAnyRunAndAllElseForItself) {
  for (const auto& [pattern, text, matches] :
       std::vector<std::tuple<const char*, const char*, bool>>{
           {"a", "a", true},
           {"a", "A", false},
           {"*", "", true},
           {"a*", "a", true},
           {"a*", "ba", false},
           {"*.pdf", "x/y.pdf", true},
           {"*.pdf", "x.pdf.exe", false},
           {"/a/*/c", "/a/b/b/c", true},
           {"a*b*c", "aXbYbZc", true},
           {"a*b*c", "ac", false},
           {"**", "anything", true},
           {"?", "x", false},
           {"*ab", "aab", true},
       })
    EXPECT_EQ(star_matches(pattern, text), matches) << pattern << " " << text;
  EXPECT_FALSE(star_matches(std::string(20, 'a') + "*" + std::string(20, 'a') + "b",
                            std::string(5000, 'a')));
}

TEST(StructuredString, EscapesAndKeepsToAscii) {
  EXPECT_EQ(structured_string("a \"b\\ \xc3\xbc"), R"("a \"b\\ ??")");
}

class Domains : public testing::Test {
 protected:
  void read(const std::string& descriptors, const DomainTable* before = nullptr) {
    const auto file =
        config::parse_descriptors("domain: shop\ndescriptors:\n" + descriptors, "shop.yaml");
    ASSERT_TRUE(file) << file.error().front().line << ": " << file.error().front().message;
    table = DomainTable({*file}, limiter::Counting::gcra, before);
  }
  DomainWalk walk(const Entries& entries) {
    DomainWalk walk(*table.find("shop"), "shop", limiter);
    for (const auto& [key, value] : entries) walk.step(key, value);
    return walk;
  }
  std::string met(const Entries& entries) {
    const DomainRule* rule = walk(entries).rule();
    if (rule == nullptr) return "nothing";
    switch (rule->kind) {
      case DomainRule::Kind::none:
        return "none";
      case DomainRule::Kind::unlimited:
        return "unlimited";
      case DomainRule::Kind::limited:
        return std::to_string(rule->requests_per_unit);
    }
    return "";
  }

  limiter::Limiter limiter{limiter::LimiterOptions{1 << 20, 1 << 20, 42}};
  DomainTable table;
};

TEST_F(Domains, ValuesComeBeforePatternsBeforeAnyValue) {
  read(R"(
  - { key: path, rate_limit: { unit: minute, requests_per_unit: 1 } }
  - { key: path, value: "/a*", rate_limit: { unit: minute, requests_per_unit: 2 } }
  - { key: path, value: "/a/*/c", rate_limit: { unit: minute, requests_per_unit: 3 } }
  - { key: path, value: /a/b/c, rate_limit: { unit: minute, requests_per_unit: 4 } }
  - { key: open, value: "yes" }
  - { key: open, value: "no", rate_limit: { unlimited: true } }
)");
  EXPECT_EQ(met({{"path", "/a/b/c"}}), "4");
  EXPECT_EQ(met({{"path", "/a/x/c"}}), "2") << "the first of the patterns in the file";
  EXPECT_EQ(met({{"path", "/b"}}), "1");
  EXPECT_EQ(met({{"path", ""}}), "1");
  EXPECT_EQ(met({{"open", "yes"}}), "none");
  EXPECT_EQ(met({{"open", "no"}}), "unlimited");
  EXPECT_EQ(met({{"open", "maybe"}}), "nothing");
  EXPECT_EQ(met({{"other", "x"}}), "nothing");
  EXPECT_EQ(table.find("Shop"), nullptr);
}

TEST_F(Domains, OnlyTheWholeDescriptorMeetsALimit) {
  read(R"(
  - key: tier
    value: gold
    rate_limit: { unit: minute, requests_per_unit: 7 }
    descriptors: [ { key: user, rate_limit: { unit: day, requests_per_unit: 8 } } ]
)");
  EXPECT_EQ(met({{"tier", "gold"}}), "7");
  EXPECT_EQ(met({{"tier", "gold"}, {"user", "ada"}}), "8");
  EXPECT_EQ(met({{"tier", "gold"}, {"path", "/"}}), "nothing");
  EXPECT_EQ(met({{"tier", "gold"}, {"user", "ada"}, {"path", "/"}}), "nothing");
  EXPECT_EQ(met({{"user", "ada"}}), "nothing");
}

TEST_F(Domains, EachValueHasACountUnlessAPatternSharesOne) {
  read(R"(
  - { key: own, value: "f/*", rate_limit: { unit: minute, requests_per_unit: 1 } }
  - { key: shared, value: "f/*", share_threshold: true, rate_limit: { unit: minute, requests_per_unit: 1 } }
)");
  EXPECT_NE(walk({{"own", "f/a"}}).key(), walk({{"own", "f/b"}}).key());
  EXPECT_EQ(walk({{"shared", "f/a"}}).key(), walk({{"shared", "f/b"}}).key());
  EXPECT_NE(walk({{"shared", "f/a"}}).key(), walk({{"own", "f/a"}}).key());
  EXPECT_EQ(walk({{"shared", "f/a"}}).unkeyed(), walk({{"shared", "f/b"}}).unkeyed());
  EXPECT_NE(walk({{"shared", "f/a"}}).unkeyed(), walk({{"own", "f/a"}}).unkeyed());
  const limiter::Limiter restarted{limiter::LimiterOptions{1 << 20, 1 << 20, 43}};
  DomainWalk again(*table.find("shop"), "shop", restarted);
  again.step("own", "f/a");
  EXPECT_NE(again.key(), walk({{"own", "f/a"}}).key());
  EXPECT_EQ(again.unkeyed(), walk({{"own", "f/a"}}).unkeyed());
  EXPECT_NE(walk({{"a", "bc"}}).key(), walk({{"ab", "c"}}).key());
}

TEST_F(Domains, CountsOutliveAReload) {
  const std::string one = "  - { key: a, rate_limit: { unit: minute, requests_per_unit: 1 } }\n";
  read(one);
  EXPECT_TRUE(table.tallies().empty());
  walk({{"a", "x"}}).rule()->counts->add(3, limiter::Outcome::deny, false);
  walk({{"a", "x"}}).rule()->counts->add(0, limiter::Outcome::allow, true);
  const DomainTable before = std::move(table);
  read(one + "  - { key: b, value: c, rate_limit: { unlimited: true } }\n", &before);
  walk({{"a", "x"}}).rule()->counts->add(1, limiter::Outcome::deny, false);
  const auto tallies = table.tallies();
  ASSERT_EQ(tallies.size(), 1u);
  EXPECT_EQ(tallies[0].domain + " " + tallies[0].descriptor, "shop a");
  EXPECT_EQ(tallies[0].outcomes, (std::array<std::uint64_t, 3>{1, 2, 0}));
  EXPECT_EQ(tallies[0].near_limit, 1u);
}

}  // namespace
}  // namespace tidelimit::serve
