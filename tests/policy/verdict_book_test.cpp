#include "policy/verdict_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/mission.hpp"

namespace tidelimit::policy::test {
namespace {

using limiter::Action;
using limiter::Part;
using limiter::VerdictKind;
using testing::Contains;
using testing::HasSubstr;

const ClientId kMallory = client_of(*parse_address("203.0.113.7"));

Now at(Nanos elapsed) {
  return {Instant{hours{1}} + elapsed, WallTime{hours{24 * 20000}} + elapsed};
}

PolicySettings with(std::vector<Rule> rules) {
  PolicySettings settings;
  settings.rules = std::move(rules);
  return settings;
}

/// Scans of one client, five seconds apart.
class Scans {
 public:
  explicit Scans(PolicySettings settings) : book(std::move(settings)) {}

  void scan(bool evidence, const ClientId& client = kMallory, std::string_view protection = "") {
    elapsed += seconds{5};
    book.scanned(
        client, 0.8, evidence, protection,
        [&] {
          ++asked;
          return std::vector<std::string>{"214 requests a minute (usual 0.2 to 21)"};
        },
        at(elapsed));
  }
  void raise(const ClientId& client = kMallory, std::string_view protection = "") {
    scan(true, client, protection);
    scan(true, client, protection);
  }
  [[nodiscard]] const limiter::Verdict* verdict(const ClientId& client = kMallory) {
    book.expire(at(elapsed));
    table = book.table();
    return table->find(client, at(elapsed).mono);
  }

  VerdictBook book;
  Nanos elapsed{0};
  int asked = 0;
  std::shared_ptr<const limiter::VerdictTable> table;
};

traffic::ClientFigures figures(std::uint32_t requests, std::uint32_t errors) {
  traffic::ClientFigures figures;
  figures.requests = requests;
  figures.responses = requests;
  figures.errors = errors;
  figures.requests_per_minute = requests / 5.0;
  figures.error_ratio = requests > 0 ? static_cast<double>(errors) / requests : 0.0;
  return figures;
}

traffic::ClientFigures postman(std::uint32_t requests, std::uint32_t errors) {
  auto all = figures(requests, errors);
  all.class_requests[0] = requests;
  all.class_errors[0] = errors;
  return all;
}

/// Of every class.
constexpr traffic::Arrivals kCame{
    .requests = true, .errors = true, .class_requests = 0xf, .class_errors = 0xf};

TEST(VerdictBook, OneScanIsNoEvidenceTwoOfThreeAre) {
  Scans scans(with({attacker()}));
  scans.scan(true);
  EXPECT_EQ(scans.verdict(), nullptr);
  scans.scan(false);
  EXPECT_EQ(scans.verdict(), nullptr);
  EXPECT_EQ(scans.asked, 0) << "reasons are worked out only when they are needed";
  scans.scan(true);
  ASSERT_NE(scans.verdict(), nullptr);
  EXPECT_EQ(scans.verdict()->action, Action::block);
  EXPECT_EQ(scans.verdict()->kind, VerdictKind::malicious);
  EXPECT_EQ(limiter::index(scans.verdict()->rule), 0u);
  EXPECT_EQ(scans.asked, 1);
}

TEST(VerdictBook, EvidenceTwoScansApartIsTooOld) {
  Scans scans(with({attacker()}));
  scans.scan(true);
  scans.scan(false);
  scans.scan(false);
  scans.scan(true);
  EXPECT_EQ(scans.verdict(), nullptr);
}

TEST(VerdictBook, EvidenceOfAnHourAgoIsForgotten) {
  Scans scans(with({attacker()}));
  scans.scan(true);
  scans.elapsed += hours{1};
  scans.scan(true);
  EXPECT_EQ(scans.verdict(), nullptr);
}

TEST(VerdictBook, EndsForAfterTheLastFreshEvidence) {
  Scans scans(with({attacker()}));
  scans.raise();
  scans.elapsed += minutes{10};
  scans.scan(true);
  const Nanos last = scans.elapsed;
  scans.scan(false);
  scans.elapsed = last + minutes{15} - seconds{1};
  EXPECT_NE(scans.verdict(), nullptr);
  EXPECT_EQ(scans.book.all().at(0).until, at(last + minutes{15}).wall);
  scans.elapsed = last + minutes{15};
  EXPECT_EQ(scans.verdict(), nullptr);
  EXPECT_TRUE(scans.book.all().empty());
}

TEST(VerdictBook, WithoutARuleTheDefaultIsTenAMinuteForFiveMinutes) {
  Scans scans(with({}));
  scans.raise();
  ASSERT_NE(scans.verdict(), nullptr);
  EXPECT_EQ(scans.verdict()->action, Action::limit);
  EXPECT_NEAR(scans.verdict()->limit.per_minute(), 10, 1e-6);
  EXPECT_EQ(scans.book.all().at(0).rule, "model");
  scans.elapsed += minutes{5};
  EXPECT_EQ(scans.verdict(), nullptr);
}

TEST(VerdictBook, CarriesReasonsAndNamesTheClient) {
  Scans scans(with({attacker()}));
  scans.raise();
  const auto record = scans.book.all().at(0);
  EXPECT_EQ(record.client_name, "203.0.113.7");
  EXPECT_THAT(record.reasons, Contains(HasSubstr("214 requests a minute")));
  EXPECT_EQ(record.score, 0.8);
  EXPECT_EQ(record.rule, "attacker");
}

TEST(VerdictBook, TheBudgetCapsWhatTheModelNewlyEnforces) {
  auto settings = with({attacker()});
  settings.anomaly.max_new_verdicts = Rate{2, hours{1}};
  Scans scans(settings);
  const ClientId third = client_of(*parse_address("203.0.113.3"));
  scans.raise(client_of(*parse_address("203.0.113.1")));
  scans.raise(client_of(*parse_address("203.0.113.2")));
  scans.raise(third);
  ASSERT_NE(scans.verdict(third), nullptr);
  EXPECT_EQ(scans.verdict(third)->mode, Mode::shadow);
  EXPECT_EQ(scans.verdict(third)->kind, VerdictKind::malicious) << "no demand, budget or not";
  EXPECT_THAT(scans.book.all().at(2).reasons, Contains(HasSubstr("budget of new verdicts")));
  EXPECT_EQ(scans.book.all().at(1).mode, Mode::enforce);

  scans.elapsed += hours{1};
  scans.raise(third);
  EXPECT_EQ(scans.verdict(third)->mode, Mode::enforce) << "the period slides";
}

TEST(VerdictBook, WhoComesBackWithinThePeriodCostsTheBudgetNothing) {
  auto settings = with({attacker()});  // for 15 minutes
  settings.anomaly.max_new_verdicts = Rate{2, hours{1}};
  Scans scans(settings);
  const ClientId second = client_of(*parse_address("203.0.113.2"));
  const ClientId third = client_of(*parse_address("203.0.113.3"));
  for (int i = 0; i < 12; ++i) {  // six hours
    scans.raise();
    scans.raise(second);
    ASSERT_EQ(scans.verdict()->mode, Mode::enforce) << i;
    ASSERT_EQ(scans.verdict(second)->mode, Mode::enforce) << i;
    scans.elapsed += minutes{30};
    ASSERT_EQ(scans.verdict(), nullptr);
  }
  scans.raise(third);
  EXPECT_EQ(scans.verdict(third)->mode, Mode::enforce) << "the two were new hours ago";
}

TEST(VerdictBook, TheLastQuarterOfTheBudgetIsForTheLoud) {
  auto settings = with({attacker()});
  settings.anomaly.max_new_verdicts = Rate{4, hours{1}};
  VerdictBook book(settings);
  Nanos elapsed{0};
  const auto mode_of = [&](int last, bool loud) {
    const ClientId client = client_of(*parse_address("203.0.113." + std::to_string(last)));
    for (int i = 0; i < 2; ++i) {
      elapsed += seconds{5};
      book.scanned(
          client, 0.8, true, "", [&] { return Grounds{.reasons = {"odd"}, .loud = loud}; },
          at(elapsed));
    }
    return book.find(client)->mode;
  };
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(mode_of(i, false), Mode::enforce);
  EXPECT_EQ(mode_of(4, false), Mode::shadow);
  EXPECT_EQ(mode_of(5, true), Mode::enforce);
  EXPECT_EQ(mode_of(6, true), Mode::shadow) << "and no more than the whole of it";
}

TEST(VerdictBook, NeighboursThatFailTogetherNeedOneScanEachAndCostTheBudgetAsOne) {
  auto settings = with({attacker()});
  settings.anomaly.max_new_verdicts = Rate{1, hours{1}};
  const traffic::FailingNeighbourhood together{client_of("203.0.113.0"), 212, 200};
  const auto neighbour = [](int i) { return client_of("203.0.113." + std::to_string(i)); };
  const auto judge = [&](Scans& scans, int i) {
    scans.elapsed += seconds{5};
    scans.book.scanned(
        neighbour(i), 0.5, true, "", [] { return std::vector<std::string>{"one of many"}; },
        at(scans.elapsed), together);
  };
  Scans scans(settings);
  for (int i = 1; i <= 20; ++i) judge(scans, i);
  for (int i = 1; i <= 20; ++i) {
    ASSERT_NE(scans.verdict(neighbour(i)), nullptr) << i;
    EXPECT_EQ(scans.verdict(neighbour(i))->mode, Mode::enforce) << i;
  }
  const ClientId another = client_of("198.51.100.7");
  scans.raise(another);
  EXPECT_EQ(scans.verdict(another)->mode, Mode::shadow) << "they did cost one";

  Scans after(settings);
  after.elapsed = scans.elapsed;
  after.book.restore(scans.book.all(), at(after.elapsed));
  judge(after, 30);
  EXPECT_EQ(after.verdict(neighbour(30))->mode, Mode::enforce)
      << "nor do they cost more after a restart";
}

TEST(VerdictBook, WhoComesBackAfterARestartCostsTheBudgetNothing) {
  auto settings = with({attacker()});
  settings.anomaly.max_new_verdicts = Rate{8, hours{1}};
  const auto client = [](int i) { return client_of("203.0." + std::to_string(i) + ".7"); };
  Scans before(settings);
  for (int i = 0; i < 6; ++i) before.raise(client(i));
  Scans after(settings);
  after.elapsed = before.elapsed;
  after.book.restore(before.book.all(), at(after.elapsed));
  after.elapsed += minutes{30};
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(after.verdict(client(i)), nullptr) << "its fifteen minutes are over";
    after.raise(client(i));
    EXPECT_EQ(after.verdict(client(i))->mode, Mode::enforce) << i;
  }
}

TEST(VerdictBook, ProtectedAddressesAreReportedNeverEnforced) {
  Scans scans(with({attacker()}));
  scans.raise(kMallory, "over 50 users behind it");
  ASSERT_NE(scans.verdict(), nullptr);
  EXPECT_EQ(scans.verdict()->mode, Mode::shadow);
  EXPECT_EQ(scans.verdict()->kind, VerdictKind::suspicious) << "its requests stay demand";
  EXPECT_THAT(scans.book.all().at(0).reasons, Contains("not enforced: over 50 users behind it"));
}

TEST(VerdictBook, AfterARestartTheProtectedStayDemandAndThoseBeyondTheBudgetDoNot) {
  auto settings = with({attacker()});
  settings.anomaly.max_new_verdicts = Rate{1, hours{1}};
  Scans before(settings);
  const ClientId office = client_of(*parse_address("203.0.113.1"));
  const ClientId second = client_of(*parse_address("203.0.113.2"));
  before.raise(office, "over 50 users behind it");
  before.raise(kMallory);
  before.raise(second);
  Scans after(settings);
  after.elapsed = before.elapsed;
  after.book.restore(before.book.all(), at(after.elapsed));
  EXPECT_EQ(after.verdict(office)->kind, VerdictKind::suspicious);
  EXPECT_EQ(after.verdict(second)->kind, VerdictKind::malicious);
  EXPECT_EQ(after.verdict(second)->mode, Mode::shadow);
}

TEST(VerdictBook, AfterARestartWhatShadowModeReportsIsStillNoDemand) {
  auto settings = with({attacker()});
  settings.anomaly.mode.mode = Mode::shadow;
  Scans before(settings);
  before.raise();
  Scans after(settings);
  after.elapsed = before.elapsed;
  after.book.restore(before.book.all(), at(after.elapsed));
  EXPECT_EQ(after.verdict()->mode, Mode::shadow);
  EXPECT_EQ(after.verdict()->kind, before.verdict()->kind) << "nothing protects it";
}

TEST(VerdictBook, AllowListedClientsAreNotEvenRaised) {
  auto settings = with({attacker(), odd_tool()});
  settings.anomaly.allow = {{*parse_prefix("203.0.113.0/24"), "office"}};
  Scans scans(settings);
  for (int i = 0; i < 10; ++i) scans.scan(true);
  scans.book.figures(kMallory, postman(100, 100), kCame, at(scans.elapsed));
  EXPECT_EQ(scans.verdict(), nullptr);
  EXPECT_TRUE(scans.book.all().empty());
}

Label label_of(bool malicious) {
  return {.client = kMallory,
          .malicious = malicious,
          .by = "ops",
          .reason = "ticket 12",
          .made_at = at(Nanos{0}).wall,
          .until = {}};
}

TEST(VerdictBook, AnAllowedIpv6AddressStandsForItsClient) {
  auto settings = with({attacker()});
  settings.anomaly.allow = {{*parse_prefix("2001:db8::5"), "office"}};
  Scans scans(settings);
  for (const char* address : {"2001:db8::5", "2001:db8::6", "2001:db8:0:1::5"})
    scans.raise(client_of(*parse_address(address)));
  EXPECT_EQ(scans.verdict(client_of(*parse_address("2001:db8::5"))), nullptr);
  EXPECT_NE(scans.verdict(client_of(*parse_address("2001:db8:0:1::5"))), nullptr);
}

TEST(VerdictBook, ALabelOfNotMaliciousEndsTheVerdictAndHoldsOffNewOnes) {
  Scans f(with({attacker()}));
  f.raise();
  ASSERT_NE(f.verdict(), nullptr);
  f.book.label(label_of(false), at(f.elapsed));
  EXPECT_EQ(f.verdict(), nullptr);
  f.raise();
  f.raise();
  EXPECT_EQ(f.verdict(), nullptr);
  f.book.unlabel(kMallory);
  f.raise();
  EXPECT_NE(f.verdict(), nullptr);
}

TEST(VerdictBook, ALabelOfMaliciousIsAVerdictAtOnceForAsLongAsItLasts) {
  Scans f(with({attacker()}));
  f.book.label(label_of(true), at(f.elapsed));
  ASSERT_NE(f.verdict(), nullptr);
  EXPECT_EQ(f.verdict()->action, Action::block);
  EXPECT_EQ(f.verdict()->kind, VerdictKind::malicious);
  EXPECT_THAT(f.book.find(kMallory)->reasons, Contains("labelled malicious by ops: ticket 12"));
  EXPECT_EQ(f.book.find(kMallory)->rule, "attacker");
  f.elapsed += hours{24 * 30};
  EXPECT_NE(f.verdict(), nullptr);
  // What ends a model's verdict by hand leaves a label alone.
  f.book.forget(kMallory);
  EXPECT_NE(f.verdict(), nullptr);
  f.book.unlabel(kMallory);
  EXPECT_EQ(f.verdict(), nullptr);
  EXPECT_FALSE(f.book.find(kMallory));
}

TEST(VerdictBook, ALabelOnTheAllowListIsToldAndNotEnforced) {
  auto settings = with({attacker()});
  Scans f(settings);
  settings.anomaly.allow = {{*parse_prefix("203.0.113.0/24"), "office"}};
  f.book.reconfigure(settings);
  f.book.label(label_of(true), at(f.elapsed));
  const auto told = f.book.find(kMallory);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->mode, Mode::shadow);
  EXPECT_THAT(told->reasons, Contains("labelled malicious by ops: ticket 12"));
  EXPECT_THAT(told->reasons, Contains("allow-listed: reported only"));
  settings.anomaly.allow.clear();
  f.book.reconfigure(settings);
  EXPECT_EQ(f.book.find(kMallory)->mode, Mode::enforce);
  EXPECT_THAT(f.book.find(kMallory)->reasons, testing::SizeIs(1));
}

TEST(VerdictBook, ALabelFollowsTheRulesThatComeLater) {
  Scans f(with({attacker()}));
  f.book.label(label_of(true), at(f.elapsed));
  f.book.reconfigure(mission());
  ASSERT_NE(f.verdict(), nullptr);
  EXPECT_EQ(f.verdict()->action, f.book.find(kMallory)->action);
  f.elapsed += hours{24};
  EXPECT_NE(f.verdict(), nullptr);
}

TEST(VerdictBook, ShadowAndOffAreHonoured) {
  auto settings = with({attacker()});
  settings.anomaly.mode.mode = Mode::shadow;
  Scans shadow(settings);
  shadow.raise();
  EXPECT_EQ(shadow.verdict()->mode, Mode::shadow);

  settings.anomaly.mode.mode = Mode::off;
  Scans off(settings);
  off.raise();
  EXPECT_EQ(off.verdict(), nullptr);

  settings = with({attacker()});
  settings.rules[0].mode.mode = Mode::shadow;
  Scans rule(settings);
  rule.raise();
  EXPECT_EQ(rule.verdict()->mode, Mode::shadow);
}

struct FiguresCase {
  const char* name;
  traffic::ClientFigures figures;
  bool matches;
};

TEST(VerdictBook, EnforcesAsSoonAsEvidenceComesWithoutTheProtection) {
  Scans scans(with({attacker()}));
  const auto enforced = [&] { return scans.verdict()->mode == Mode::enforce; };
  scans.raise(kMallory, "within the grant");
  ASSERT_NE(scans.verdict(), nullptr);
  EXPECT_FALSE(enforced());
  scans.scan(true);
  EXPECT_FALSE(enforced()) << "one scan of three may be a blip";
  scans.scan(false);
  scans.scan(true);
  EXPECT_TRUE(enforced()) << "and not only when its renewal is told, a minute later";
  EXPECT_EQ(scans.book.find(kMallory)->reasons.size(), 1U) << "no word of the protection is left";
}

TEST(VerdictBook, ASpentBudgetIsNotAskedAgainAtEveryScan) {
  PolicySettings settings = with({attacker()});
  settings.anomaly.max_new_verdicts = Rate{1, std::chrono::minutes{10}};
  Scans scans(settings);
  scans.raise(client_of(*parse_address("203.0.113.8")));
  scans.raise(kMallory);
  EXPECT_EQ(scans.verdict()->mode, Mode::shadow);
  const int asked = scans.asked;
  for (int i = 0; i < 5; ++i) scans.scan(true);
  EXPECT_EQ(scans.asked, asked);
}

class OddTool : public testing::TestWithParam<FiguresCase> {};

TEST_P(OddTool, MatchesAsTheTableSays) {
  VerdictBook book(with({odd_tool()}));
  EXPECT_EQ(book.agent_patterns(), std::vector<std::string>{"Postman*"});
  book.figures(kMallory, GetParam().figures, kCame, at(seconds{1}));
  EXPECT_EQ(book.all().size(), GetParam().matches ? 1u : 0u);
}

traffic::ClientFigures mixed_agents() {
  auto mixed = figures(1000, 15);  // a busy browser, and Postman beside it
  mixed.class_requests[0] = 30;
  mixed.class_errors[0] = 15;
  return mixed;
}

traffic::ClientFigures held_to_its_limit() {
  auto held = postman(400, 40);
  held.denied = 350;
  held.responses = 50;  // denied requests have no response of the service
  return held;
}

INSTANTIATE_TEST_SUITE_P(
    VerdictBook, OddTool,
    testing::Values(FiguresCase{"at_both_thresholds", postman(20, 10), true},
                    FiguresCase{"too_few_requests", postman(19, 19), false},
                    FiguresCase{"too_few_errors", postman(20, 9), false},
                    FiguresCase{"another_agent", figures(100, 100), false},
                    FiguresCase{"postman_beside_a_browser", mixed_agents(), true},
                    FiguresCase{"still_failing_while_limited", held_to_its_limit(), true}),
    [](const auto& info) { return info.param.name; });

TEST(VerdictBook, ARuleOnFiguresActsAtTheFirstMatchForTenMinutes) {
  Scans scans(with({odd_tool()}));
  scans.book.figures(kMallory, postman(50, 31), kCame, at(scans.elapsed));
  const auto* verdict = scans.verdict();
  ASSERT_NE(verdict, nullptr);
  EXPECT_EQ(verdict->kind, VerdictKind::suspicious);
  EXPECT_EQ(verdict->action, Action::limit);
  EXPECT_NEAR(verdict->limit.per_minute(), 10, 1e-6);
  EXPECT_EQ(verdict->part, Part::rules);
  EXPECT_THAT(scans.book.all().at(0).reasons, Contains("62 % errors (at least 50 %)"));
  scans.elapsed += minutes{10};
  EXPECT_EQ(scans.verdict(), nullptr);
}

TEST(VerdictBook, OnlyWhatARuleCountsIsFreshEvidenceForIt) {
  const auto renews = [](const Rule& rule, const traffic::Arrivals& came) {
    VerdictBook book(with({rule}));
    book.figures(kMallory, postman(50, 31), kCame, at(seconds{0}));
    book.figures(kMallory, postman(50, 31), came, at(minutes{1}));
    return book.all().at(0).until == at(minutes{11}).wall;
  };
  auto plain = odd_tool();
  plain.when.error_rate.reset();
  auto any_agent = odd_tool();
  any_agent.when.user_agent.reset();
  const traffic::Arrivals request{.requests = true, .class_requests = 1};
  const traffic::Arrivals late_error{.errors = true, .class_errors = 1};
  const traffic::Arrivals of_another{
      .requests = true, .errors = true, .class_requests = 2, .class_errors = 2};
  EXPECT_TRUE(renews(odd_tool(), request)) << "failed or not: the ratio is met";
  EXPECT_TRUE(renews(odd_tool(), late_error));
  EXPECT_FALSE(renews(odd_tool(), of_another));
  EXPECT_FALSE(renews(plain, late_error)) << "it does not count errors";
  EXPECT_TRUE(renews(any_agent, of_another));
  EXPECT_FALSE(renews(any_agent, {})) << "the answer to what came before";
}

TEST(VerdictBook, AVerdictThatEndedIsNotRaisedAgainByWhatItsRuleDoesNotCount) {
  auto brief = odd_tool();
  brief.then.duration = minutes{1};
  Rule flood;
  flood.name = "flood";
  flood.when.requests = 60;
  flood.then.limit = per_minute(60);
  Scans scans(with({brief, flood}));
  const auto look = [&](std::uint32_t others, const traffic::Arrivals& came) {
    auto seen = postman(20, 20);
    seen.requests += others;
    seen.responses += others;
    scans.book.figures(kMallory, seen, came, at(scans.elapsed));
    const auto verdict = scans.book.find(kMallory);
    return verdict ? verdict->rule : "";
  };
  const traffic::Arrivals browser{.requests = true};
  EXPECT_EQ(look(0, kCame), "odd-tool");
  scans.elapsed = seconds{30};
  EXPECT_EQ(look(15, browser), "odd-tool") << "the first rule that matches";
  scans.elapsed = seconds{60};
  EXPECT_EQ(scans.verdict(), nullptr);
  EXPECT_EQ(look(20, browser), "");
  EXPECT_EQ(look(40, browser), "flood") << "a rule that does count it acts";
}

TEST(VerdictBook, AnErrorRateAloneWaitsForEnoughRequests) {
  auto rule = odd_tool();
  rule.when.user_agent.reset();
  rule.when.requests.reset();
  VerdictBook book(with({rule}));
  book.figures(kMallory, figures(19, 19), kCame, at(seconds{1}));
  EXPECT_TRUE(book.all().empty());
  book.figures(kMallory, figures(20, 20), kCame, at(seconds{2}));
  EXPECT_EQ(book.all().size(), 1u);
}

TEST(VerdictBook, SaysFromHowManyRequestsItLooksAtFigures) {
  EXPECT_EQ(VerdictBook(with({attacker()})).figures_from(),
            std::numeric_limits<std::uint32_t>::max());
  auto early = odd_tool();
  early.when.requests = 7;
  EXPECT_EQ(VerdictBook(with({odd_tool(), early})).figures_from(), 7u);
  auto heavy = attacker();
  heavy.when.requests = 500;
  EXPECT_EQ(VerdictBook(with({early, heavy})).figures_from(), 0u)
      << "a verdict that no longer meets its figures falls back";
}

TEST(VerdictBook, TheFirstRuleThatMatchesActs) {
  auto wide = odd_tool();
  wide.name = "wide";
  wide.then.limit = per_minute(60);
  VerdictBook book(with({wide, odd_tool()}));
  book.figures(kMallory, postman(50, 50), kCame, at(seconds{1}));
  EXPECT_EQ(book.all().at(0).rule, "wide");
}

TEST(VerdictBook, TheSevererOfRuleAndModelWins) {
  Scans scans(with({attacker(), odd_tool()}));
  scans.book.figures(kMallory, postman(50, 50), kCame, at(scans.elapsed));
  EXPECT_EQ(scans.verdict()->action, Action::limit);
  scans.raise();
  EXPECT_EQ(scans.verdict()->action, Action::block);
  EXPECT_EQ(scans.book.all().size(), 1u) << "one record a client";
  scans.book.figures(kMallory, postman(50, 50), kCame, at(scans.elapsed));
  EXPECT_EQ(scans.verdict()->action, Action::block) << "whichever speaks last";
}

TEST(VerdictBook, AVerdictOnlyRuleLeavesTheActionToTheRulesOnVerdicts) {
  auto flag = odd_tool();
  flag.then.limit.reset();
  Rule hold;
  hold.name = "hold";
  hold.when.verdict = VerdictKind::suspicious;
  hold.then.limit = per_minute(5);
  VerdictBook book(with({flag, hold}));
  book.figures(kMallory, postman(50, 50), kCame, at(seconds{1}));
  EXPECT_EQ(book.all().at(0).action, Action::limit);
  EXPECT_EQ(book.all().at(0).limit, per_minute(5));
  EXPECT_EQ(book.all().at(0).rule, "hold");

  VerdictBook alone(with({flag}));
  alone.figures(kMallory, postman(50, 50), kCame, at(seconds{1}));
  EXPECT_EQ(alone.all().at(0).action, Action::none) << "flagged, not held";
}

TEST(VerdictBook, AVerdictAndFiguresAreJoinedByAnd) {
  auto heavy = attacker();
  heavy.when.requests = 500;
  Scans scans(with({heavy}));
  scans.raise();
  EXPECT_EQ(scans.verdict()->action, Action::limit)
      << "the default, until the rule's figures are met";
  scans.book.figures(kMallory, figures(500, 0), kCame, at(scans.elapsed));
  EXPECT_EQ(scans.verdict()->action, Action::block);
}

TEST(VerdictBook, NewsAreToldOnceAndRenewalsAtMostOnceAMinute) {
  Scans scans(with({attacker()}));
  scans.raise();
  auto news = scans.book.take_news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_FALSE(news[0].renewed);
  for (int i = 0; i < 24; ++i) scans.scan(true);  // two minutes
  news = scans.book.take_news();
  EXPECT_EQ(news.size(), 2u);
  EXPECT_TRUE(news.at(0).renewed);
  EXPECT_EQ(news.at(0).from, scans.book.all().at(0).from) << "renewed, not raised anew";
  EXPECT_TRUE(scans.book.take_news().empty());
}

TEST(VerdictBook, TheEndIsToldAsItCameHoweverShortAfterTheLastRenewal) {
  Scans scans(with({attacker()}));
  scans.raise();
  for (int i = 0; i < 3; ++i) scans.scan(true);
  const Nanos last = scans.elapsed;
  (void)scans.book.take_news();
  scans.elapsed = last + minutes{15};
  EXPECT_EQ(scans.verdict(), nullptr);
  const auto news = scans.book.take_news();
  ASSERT_EQ(news.size(), 1u);
  EXPECT_TRUE(news[0].renewed);
  EXPECT_EQ(news[0].until, at(last + minutes{15}).wall);
}

TEST(VerdictBook, ForgetEndsAVerdictByHand) {
  Scans scans(with({attacker()}));
  scans.raise();
  scans.book.forget(kMallory);
  EXPECT_EQ(scans.verdict(), nullptr);
  scans.scan(true);
  EXPECT_EQ(scans.verdict(), nullptr) << "evidence begins anew";
}

TEST(VerdictBook, SurvivesARestartWithTheTimeThatIsLeft) {
  Scans before(with({attacker(), odd_tool()}));
  before.raise();
  const auto records = before.book.all();
  const Nanos raised = before.elapsed;

  Scans after(with({attacker(), odd_tool()}));
  after.elapsed = raised + minutes{14};
  after.book.restore(records, at(after.elapsed));
  ASSERT_NE(after.verdict(), nullptr);
  EXPECT_EQ(after.verdict()->action, Action::block);
  after.elapsed = raised + minutes{15};
  EXPECT_EQ(after.verdict(), nullptr);

  Scans late(with({attacker()}));
  late.book.restore(records, at(raised + minutes{16}));
  EXPECT_TRUE(late.book.all().empty());
}

TEST(VerdictBook, AClockThatIsBehindAtARestartBringsNoOldVerdictsBack) {
  Scans before(with({attacker()}));
  before.raise();
  const auto records = before.book.all();
  const auto restarted = [&](Nanos behind) {
    Scans after(with({attacker()}));
    after.elapsed = before.elapsed;
    after.book.restore(records, {at(after.elapsed).mono, at(after.elapsed).wall - behind});
    return after;
  };
  Scans little = restarted(minutes{14});
  ASSERT_NE(little.verdict(), nullptr) << "it can't be over";
  const auto told = little.book.take_news();
  ASSERT_EQ(told.size(), 1u) << "the history is told of the end";
  EXPECT_EQ(told[0].until, at(little.elapsed).wall - minutes{14} + minutes{15});
  little.elapsed += minutes{15};
  EXPECT_EQ(little.verdict(), nullptr) << "it lasts no longer than from fresh evidence";
  EXPECT_EQ(restarted(hours{24 * 60}).verdict(), nullptr) << "it may be over for weeks";
}

TEST(VerdictBook, AfterARestartAVerdictIsStillOfTheRuleThatRaisedIt) {
  Rule milder = odd_tool();
  milder.name = "milder";
  milder.when.requests = 1000;
  milder.then.limit.reset();
  milder.then.verdict = VerdictKind::malicious;
  milder.then.duration = hours{5};
  Rule raising = milder;
  raising.name = "raising";
  raising.when.requests = 20;
  raising.then.duration = minutes{10};
  const auto settings = with({attacker(), milder, raising});
  Scans before(settings);
  before.book.figures(kMallory, postman(50, 50), kCame, at(before.elapsed));
  Scans after(settings);
  after.book.restore(before.book.all(), at(after.elapsed));
  ASSERT_NE(after.verdict(), nullptr);
  after.book.reconfigure(with({attacker(), raising}));
  EXPECT_NE(after.verdict(), nullptr) << "the other had attacker act, too, and did not raise it";
  after.book.reconfigure(with({attacker(), milder}));
  EXPECT_EQ(after.verdict(), nullptr) << "its rule is gone";
}

TEST(VerdictBook, ANewConfigurationSettlesVerdictsAnew) {
  Scans scans(with({attacker(), odd_tool()}));
  scans.raise();
  const ClientId tool = client_of(*parse_address("203.0.113.8"));
  scans.book.figures(tool, postman(50, 50), kCame, at(scans.elapsed));

  auto settings = with({attacker()});
  settings.rules[0].then.block = false;
  settings.rules[0].then.limit = per_minute(30);
  scans.book.reconfigure(settings);
  EXPECT_EQ(scans.verdict()->action, Action::limit);
  EXPECT_NEAR(scans.verdict()->limit.per_minute(), 30, 1e-6);
  EXPECT_EQ(scans.verdict(tool), nullptr) << "its rule is gone";

  settings.anomaly.allow = {{*parse_prefix("203.0.113.7"), "a friend"}};
  scans.book.reconfigure(settings);
  EXPECT_EQ(scans.verdict(), nullptr);
}

TEST(VerdictBook, StaysWithinItsBoundAndLetsTheOldestGo) {
  VerdictBook book(with({odd_tool()}));
  for (std::uint32_t i = 0; i <= kMaxVerdicts; ++i) {
    book.figures(ClientId{0, 0xffff'0000'0000ULL + i}, postman(50, 50), kCame, at(seconds{1}));
  }
  const auto all = book.all();
  EXPECT_EQ(all.size(), kMaxVerdicts);
  EXPECT_EQ(all.front().client.lo, 0xffff'0000'0001u);
}

TEST(VerdictBook, TellsWhenTheTableChanged) {
  Scans scans(with({attacker()}));
  (void)scans.book.table();
  EXPECT_FALSE(scans.book.expire(at(scans.elapsed)));
  scans.raise();
  EXPECT_TRUE(scans.book.expire(at(scans.elapsed)));
  const auto table = scans.book.table();
  EXPECT_FALSE(scans.book.expire(at(scans.elapsed)));
  EXPECT_EQ(scans.book.table(), table) << "the same table while nothing changes";
  EXPECT_TRUE(scans.book.expire(at(scans.elapsed + minutes{15})));
}

}  // namespace
}  // namespace tidelimit::policy::test
