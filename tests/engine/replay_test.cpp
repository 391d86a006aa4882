#include <gmock/gmock.h>
#include <numeric>
#include <sstream>

#include "engine/gate_in_time.hpp"
#include "engine/replay/comparison.hpp"
#include "engine/replay/drive.hpp"
#include "engine/replay/recorder.hpp"

namespace tidelimit::engine::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

struct Line {
  WallTime time;
  std::string address;
  std::string user;
  std::string tier;
  std::string path;
  std::uint16_t status = 200;
  std::string agent = "Mozilla/5.0";
};

traffic::Request request_of(const Line& line) {
  traffic::Request r;
  r.time = line.time;
  r.client = client_of(std::string_view(line.address));
  r.client_name = line.address;
  r.user_id = line.user;
  r.tier = line.tier;
  r.method = "GET";
  r.path = line.path;
  r.user_agent = line.agent;
  r.status = line.status;
  return r;
}

ReplayReport replay(const std::vector<Line>& log, const Settings& settings,
                    std::shared_ptr<const model::Bundle> models = nullptr, std::uint64_t seed = 1) {
  Replay replay(settings, std::move(models), {.seed = seed});
  for (const Line& line : log) replay.add(request_of(line));
  return replay.finish();
}

/// Everything that a report says, for byte by byte comparison.
std::string spelled(const ReplayReport& r) {
  std::ostringstream out;
  out << r.requests << ' ' << r.late << ' ' << r.out_of_order << '\n';
  for (const Outcomes& cell : r.cells) {
    out << cell.allowed;
    for (const auto n : cell.denied_by) out << ' ' << n;
    for (const auto n : cell.would_deny_by) out << ' ' << n;
    out << '\n';
  }
  for (const auto& [v, renewals] : r.verdicts) {
    out << v.client_name << ' ' << to_string(v.kind) << ' ' << v.score << ' ' << v.rule << ' '
        << format_time(v.from) << ' ' << format_time(v.until) << ' ' << renewals;
    for (const auto& reason : v.reasons) out << "; " << reason;
    out << '\n';
  }
  for (const auto& c : r.plan_changes) {
    out << format_time(c.time) << ' ' << c.endpoint << ' ' << c.tier << ' ' << c.after_per_minute
        << ' ' << c.rule << ' ' << c.cause << '\n';
  }
  for (const auto& e : r.forecasts) {
    for (const auto& p : e.points) {
      out << e.endpoint << ' ' << p.median << ' ' << p.came.value_or(-1) << '\n';
    }
  }
  for (const auto& p : r.harm.examples) out << p.name << ' ' << p.denied() << '\n';
  for (const auto& line : r.timeline) {
    for (const auto& bin : line.counts) {
      for (const auto n : bin) out << n << ' ';
    }
    out << '\n';
  }
  return out.str();
}

Settings mission_with_attackers() {
  Settings settings = mission();
  settings.policy.rules.push_back(policy::test::attacker());
  return settings;
}

/// Fourteen days and five hours of a shop. Its people come forty a window to each endpoint, each
/// twice an hour; on the last three full days ten times as many come to payment between one and two
/// o'clock. On the last day two users browse at 70 a minute from one o'clock on, and an
/// attacker tries paths that don't exist.
const std::vector<Line>& mission_log() {
  static const std::vector<Line> log = [] {
    std::vector<Line> lines;
    for (int day = 0; day <= 14; ++day) {
      for (int w = 0; w < (day < 14 ? 96 : 20); ++w) {
        const WallTime start = kMidnight + hours{24 * day} + minutes{15 * w};
        const bool high = day >= 11 && w >= 4 && w < 8;
        for (const char* path : {"/payment/pay", "/browse/1"}) {
          const int n = high && std::string_view(path) == "/payment/pay" ? 400 : 40;
          for (int i = 0; i < n; ++i) {
            const int who = (w % 2) * 400 + i;
            lines.push_back(
                {start + Nanos{minutes{15}} / n * i,
                 "198.51." + std::to_string(who / 250) + "." + std::to_string(who % 250),
                 "u" + std::to_string(who), who % 10 == 0 ? "PRM" : "STD", path});
          }
        }
      }
    }
    const WallTime one = kMidnight + hours{24 * 14 + 1};
    for (int i = 0; i < 70 * 30; ++i) {
      const WallTime at = one + minutes{5} + Nanos{minutes{1}} / 70 * i;
      lines.push_back({at, "192.0.2.10", "standard", "STD", "/browse/2"});
      lines.push_back({at, "192.0.2.11", "premium", "PRM", "/browse/2"});
    }
    for (int i = 0; i < 300 * 20; ++i) {
      lines.push_back({one + minutes{10} + Nanos{minutes{1}} / 300 * i, "203.0.113.66", "", "",
                       "/wp-login.php?" + std::to_string(i), 404, "curl/8"});
    }
    std::stable_sort(lines.begin(), lines.end(),
                     [](const Line& a, const Line& b) { return a.time < b.time; });
    return lines;
  }();
  return log;
}

std::shared_ptr<const model::Bundle> mission_models() {
  return bundle(seasonal_forecaster(), quiet_detector());
}

/// Forecasts alone: the detector of these tests knows only quiet clients, and would judge the two
/// that browse at 70 a minute too.
const ReplayReport& mission_report() {
  static const ReplayReport report =
      replay(mission_log(), mission_with_attackers(), bundle(seasonal_forecaster(), nullptr));
  return report;
}

const ReplayReport& judged_report() {
  static const ReplayReport report =
      replay(mission_log(), mission_with_attackers(), mission_models());
  return report;
}

TEST(ReplayMission, CountsAddUp) {
  const ReplayReport& r = mission_report();
  const Outcomes total = r.total();
  EXPECT_EQ(r.requests, mission_log().size());
  EXPECT_EQ(total.requests(), r.requests);
  std::uint64_t in_bins = 0;
  for (const Timeline& line : r.timeline) {
    for (const auto& bin : line.counts) in_bins += std::accumulate(bin.begin(), bin.end(), 0U);
  }
  EXPECT_EQ(in_bins, r.requests);
  std::uint64_t by_rule = 0;
  for (const auto& rule : r.rules) by_rule += rule.denied;
  EXPECT_EQ(by_rule, total.denied());
  EXPECT_EQ(r.out_of_order, 0U);
}

TEST(ReplayMission, AForecastSpikeOnPaymentHalvesBrowseForStandardUsers) {
  const ReplayReport& r = mission_report();
  const auto shield = std::find_if(r.episodes.begin(), r.episodes.end(), [](const Episode& e) {
    return e.endpoint == "browse" && e.tier == "STD" && e.rule == "shield-payment" &&
           e.from > kMidnight + hours{24 * 14};
  });
  ASSERT_NE(shield, r.episodes.end());
  EXPECT_EQ(shield->base_per_minute, 100);
  EXPECT_EQ(shield->lowest_per_minute, 50);
  EXPECT_THAT(shield->cause, HasSubstr("forecast of payment"));
  EXPECT_LE(shield->from, kMidnight + hours{24 * 14 + 1} + minutes{1}) << "ahead of the rush";

  // 70 a minute is more than 50 and less than 100.
  const auto reduced = static_cast<std::size_t>(Reason::reduced_capacity);
  EXPECT_GT(r.cell(kBrowse, kStd).denied_by[reduced], 300U);
  EXPECT_EQ(r.cell(kBrowse, kPrm).denied(), 0U);
}

std::vector<Episode> episodes_of(const std::vector<policy::PlanChange>& changes) {
  EpisodeBook book;
  for (const policy::PlanChange& change : changes) book.add(change);
  return book.all();
}

policy::PlanChange total(Nanos at, double before, double after) {
  policy::PlanChange c;
  c.of = policy::PlanChange::Of::total;
  c.time = kMidnight + at;
  c.endpoint = "browse";
  c.tier = "STD";
  c.before_per_minute = before;
  c.after_per_minute = after;
  c.rule = "capacity";
  return c;
}

TEST(ReplayEpisodes, AreExcursionsFromTheConfiguredBaseEitherWay) {
  const auto change = [](int minute, double before, double after, const char* rule) {
    policy::PlanChange c;
    c.time = kMidnight + minutes{minute};
    c.endpoint = "browse";
    c.tier = "STD";
    c.before_per_minute = 100 * before;
    c.after_per_minute = 100 * after;
    c.before_scale = before;
    c.after_scale = after;
    c.rule = rule;
    return c;
  };
  const auto all = episodes_of({change(0, 1, 3, "sale"), change(60, 3, 0.5, "shield"),
                                change(90, 0.5, 3, "sale"), change(99, 3, 1, ""),
                                change(100, 1, 2, "sale"), change(110, 2, 1, "")});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].base_per_minute, 100);
  EXPECT_EQ(all[0].lowest_per_minute, 50);
  EXPECT_EQ(all[0].highest_per_minute, 300);
  EXPECT_EQ(all[0].farthest_per_minute(), 50);
  EXPECT_EQ(all[0].until, kMidnight + minutes{99});
  EXPECT_EQ(all[1].base_per_minute, 100);
  EXPECT_EQ(all[1].farthest_per_minute(), 200);
}

TEST(ReplayEpisodes, OfATotalAreApartFromTheLimitAndLastOverPauses) {
  policy::PlanChange limit = total(seconds{5}, 300, 150);
  limit.of = policy::PlanChange::Of::limit;
  limit.after_scale = 0.5;
  const auto all = episodes_of({total(seconds{0}, 0, 900), limit, total(seconds{10}, 900, 400),
                                total(seconds{20}, 400, 600), total(seconds{30}, 600, 0),
                                total(minutes{5}, 0, 700), total(minutes{6}, 700, 0),
                                total(minutes{20}, 0, 800)});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].of, policy::PlanChange::Of::total);
  EXPECT_EQ(all[0].lowest_per_minute, 400) << "none, after it, is no total of nothing";
  EXPECT_EQ(all[0].farthest_per_minute(), 400);
  EXPECT_EQ(all[0].until, kMidnight + minutes{6}) << "over a pause of four and a half minutes";
  EXPECT_EQ(all[1].of, policy::PlanChange::Of::limit);
  EXPECT_EQ(all[1].lowest_per_minute, 150);
  EXPECT_EQ(all[2].from, kMidnight + minutes{20});
  EXPECT_EQ(all[2].until, std::nullopt);
}

TEST(ReplayEpisodes, OfWhatIsOnlyWatchedAreApartFromWhatIsInForce) {
  const auto change = [](int minute, double before, double after, bool shadow) {
    policy::PlanChange c = total(minutes{minute}, 300 * before, 300 * after);
    c.of = policy::PlanChange::Of::limit;
    c.before_scale = before;
    c.after_scale = after;
    c.shadow = shadow;
    return c;
  };
  const auto all =
      episodes_of({change(0, 1, 0.8, false), change(5, 0.8, 0.2, true), change(10, 0.2, 0.8, true),
                   change(15, 0.8, 1, false), change(20, 1, 0.5, true), change(25, 1, 0.5, false),
                   change(30, 0.5, 1, false)});
  ASSERT_EQ(all.size(), 4U);
  EXPECT_FALSE(all[0].shadow);
  EXPECT_EQ(all[0].lowest_per_minute, 240) << "60 was never in force";
  EXPECT_EQ(all[0].until, kMidnight + minutes{15});
  EXPECT_TRUE(all[1].shadow);
  EXPECT_EQ(all[1].lowest_per_minute, 60);
  EXPECT_EQ(all[1].base_per_minute, 300);
  EXPECT_EQ(all[1].until, kMidnight + minutes{10}) << "as what is in force from then on";
  EXPECT_EQ(all[2].until, kMidnight + minutes{25}) << "likewise, which moved there";
  EXPECT_EQ(all[3].until, kMidnight + minutes{30});
}

TEST(Recorder, KeepsEveryLimitAndSoManyOfWhatMovesAllTheTime) {
  Recorder recorder;
  constexpr std::size_t kMany = Recorder::kMovingMax + 100;
  for (std::size_t i = 0; i < kMany; ++i) {
    const Nanos at = seconds{10 * static_cast<int>(i)};
    ASSERT_TRUE(recorder.put_plan_changes({total(at, i % 2 == 0 ? 0 : 500, i % 2 == 0 ? 500 : 0)}));
  }
  policy::PlanChange limit = total(seconds{10} * kMany, 300, 150);
  limit.of = policy::PlanChange::Of::limit;
  limit.after_scale = 0.5;
  ASSERT_TRUE(recorder.put_plan_changes({limit}));
  EXPECT_EQ(recorder.changes().size(), Recorder::kMovingMax + 1);
  EXPECT_EQ(recorder.changes().back().of, policy::PlanChange::Of::limit);
  EXPECT_EQ(recorder.changes_end(), kMidnight + seconds{10} * Recorder::kMovingMax);
  EXPECT_EQ(recorder.steps().at("capacity"), kMany + 1);
  EXPECT_EQ(recorder.episodes().size(), 2U) << "one of the total, one of the limit";
}

/// Browsing for three times what the upstream can take.
TEST(Replay, TellsOfTotalsThatDivisionSets) {
  Settings settings = mission();
  settings.policy.endpoints[0].capacity.reset();
  settings.policy.upstreams = {{"core", Rate{10, seconds{1}}, {}, {"payment", "browse"}}};
  policy::Rule rule;
  rule.name = std::string(policy::kDivisionRule);
  rule.when.utilisation = policy::kDefaultUtilisation;
  rule.then.divide = true;
  settings.policy.rules = {rule};
  std::vector<Line> log;
  for (int i = 0; i < 30 * 60 * 4; ++i) {
    const std::string who = std::to_string(i % 200);
    log.push_back(
        {kMidnight + Nanos{seconds{1}} / 30 * i, "192.0.2." + who, "u" + who, "STD", "/browse/1"});
  }
  const ReplayReport r = replay(log, settings);
  const auto of = [](policy::PlanChange::Of what) {
    return [what](const auto& one) { return one.of == what; };
  };
  const auto is_total = of(policy::PlanChange::Of::total);
  ASSERT_EQ(std::count_if(r.episodes.begin(), r.episodes.end(), is_total), 1);
  const auto e = std::find_if(r.episodes.begin(), r.episodes.end(), is_total);
  EXPECT_EQ(e->endpoint, "browse");
  EXPECT_EQ(e->tier, "STD");
  EXPECT_EQ(e->rule, policy::kDivisionRule);
  EXPECT_THAT(e->cause, HasSubstr("core can take"));
  EXPECT_NEAR(e->farthest_per_minute(), 540, 60) << "nine a second";
  EXPECT_TRUE(std::any_of(r.plan_changes.begin(), r.plan_changes.end(), is_total));
  EXPECT_EQ(r.plan_steps, r.plan_changes.size());
  ASSERT_FALSE(r.harm.examples.empty());
  EXPECT_EQ(r.harm.examples[0].limit_of, limiter::LimitOf::total);
}

/// The bucket of a scaled limit is as full as the base's would be: the reason is the base limit's,
/// the limit that was met the rule's.
TEST(Replay, NamesTheRuleOfAScaledLimitWhateverTheReason) {
  Settings settings = mission();
  policy::Rule sale;
  sale.name = "sale";
  sale.when.calendar.emplace();
  sale.when.calendar->from = kMidnight;
  sale.when.calendar->length = hours{1};
  sale.then.endpoints = {"browse"};
  sale.then.tiers = {"STD"};
  sale.then.scale = 0.5;
  settings.policy.rules = {sale};
  std::vector<Line> log;
  for (int i = 0; i < 200; ++i)
    log.push_back(
        {kMidnight + seconds{60} + milliseconds{10 * i}, "192.0.2.1", "u", "STD", "/browse/1"});
  const ReplayReport r = replay(log, settings);
  ASSERT_EQ(r.harm.examples.size(), 1U);
  EXPECT_EQ(r.harm.examples[0].limit_per_minute, 50);
  EXPECT_EQ(r.harm.examples[0].rule, "sale");
}

TEST(Replay, SaysWhichTiersOfTheLogTheConfigurationLacks) {
  std::vector<Line> log;
  for (int i = 0; i < 30; ++i)
    log.push_back({kMidnight + seconds{i}, "192.0.2.1", "u", i < 20 ? "gold" : "STD", "/browse/1"});
  EXPECT_THAT(replay(log, mission()).notes, Contains(HasSubstr("20 requests name a tier that the "
                                                               "configuration lacks (gold: 20): "
                                                               "they stand as STD")));
  for (Line& line : log) line.tier = "STD";
  EXPECT_THAT(replay(log, mission()).notes, testing::Not(Contains(HasSubstr("tier"))));
  for (int i = 0; i < 30; ++i) log[static_cast<std::size_t>(i)].tier = "t" + std::to_string(i);
  EXPECT_THAT(replay(log, mission()).notes, Contains(HasSubstr("t7: 1, others: 22)")));
}

TEST(Replay, SaysThatClientsAreThePrincipalsWhereNoUserIsNamed) {
  std::vector<Line> log = {{kMidnight, "192.0.2.1", "", "", "/browse/1"}};
  EXPECT_THAT(replay(log, mission()).notes,
              Contains(HasSubstr("no request names a user or a tier: each client is a principal, "
                                 "all are of tier STD;")));
  log.push_back({kMidnight, "192.0.2.1", "u", "", "/browse/1"});
  EXPECT_THAT(replay(log, mission()).notes,
              Contains(HasSubstr("no request names a tier: all are of tier STD;")));
  log.push_back({kMidnight, "192.0.2.1", "u", "STD", "/browse/1"});
  EXPECT_THAT(replay(log, mission()).notes, testing::Not(Contains(HasSubstr("request names"))));
}

TEST(ReplayMission, ABlockedAttackerIsDeniedWithReasons) {
  const ReplayReport& r = judged_report();
  const auto span = std::find_if(r.verdicts.begin(), r.verdicts.end(), [](const auto& one) {
    return one.record.client_name == "203.0.113.66";
  });
  ASSERT_NE(span, r.verdicts.end());
  const policy::VerdictRecord& verdict = span->record;
  EXPECT_EQ(verdict.kind, VerdictKind::malicious);
  EXPECT_EQ(verdict.action, limiter::Action::block);
  EXPECT_GT(verdict.score, 0.5);
  EXPECT_THAT(verdict.reasons, Contains(HasSubstr("usual")));
  EXPECT_LT(verdict.from, kMidnight + hours{24 * 14 + 1} + minutes{12}) << "within two minutes";
  for (const auto& p : r.harm.examples) EXPECT_NE(p.name, "203.0.113.66") << "it was judged";
  EXPECT_GT(r.total().denied_by[static_cast<std::size_t>(Reason::client_blocked)], 3000U);
}

TEST(ReplayMission, NamesWhoPaidForTheAdaptedLimit) {
  const Harm& harm = mission_report().harm;
  ASSERT_FALSE(harm.examples.empty());
  EXPECT_EQ(harm.examples[0].name, "standard");
  EXPECT_TRUE(harm.examples[0].is_user);
  EXPECT_EQ(harm.examples[0].rule, "shield-payment");
  EXPECT_EQ(harm.examples[0].client, "192.0.2.10");
  EXPECT_EQ(harm.principals, 803U);
}

TEST(ReplayMission, SetsForecastsBesideWhatCame) {
  const ReplayReport& r = mission_report();
  const auto payment = std::find_if(r.forecasts.begin(), r.forecasts.end(),
                                    [](const auto& e) { return e.endpoint == "payment"; });
  ASSERT_NE(payment, r.forecasts.end());
  const auto noon = std::find_if(payment->points.begin(), payment->points.end(), [](const auto& p) {
    return p.made_at == kMidnight + hours{24 * 10 + 12};
  });
  ASSERT_NE(noon, payment->points.end());
  EXPECT_EQ(noon->came, 160);
  EXPECT_NEAR(noon->median, 160, 1);
  EXPECT_FALSE(payment->points.back().came) << "the log ends before";
}

TEST(Replay, IsTheSameByteByByte) {
  const auto again = replay(mission_log(), mission_with_attackers(), mission_models());
  EXPECT_EQ(spelled(again), spelled(judged_report()));
}

/// A short log: one client asks 150 times in a minute, where 100 are allowed.
std::vector<Line> short_log() {
  std::vector<Line> lines;
  for (int i = 0; i < 150; ++i) {
    lines.push_back({kMidnight + milliseconds{10} * i, "192.0.2.1", "", "", "/browse/1"});
  }
  return lines;
}

TEST(Replay, TakesTheClientForThePrincipalWhereNoUserIsKnown) {
  const ReplayReport r = replay(short_log(), mission());
  EXPECT_EQ(r.cell(kBrowse, kStd).allowed, 102U) << "a burst of 100, and one every 600 ms";
  EXPECT_EQ(r.cell(kBrowse, kStd).denied(), 48U);
  ASSERT_EQ(r.harm.examples.size(), 1U);
  EXPECT_EQ(r.harm.examples[0].name, "192.0.2.1");
  EXPECT_FALSE(r.harm.examples[0].is_user);
}

TEST(Replay, ShadowDeniesNothingAndCountsWhatItWould) {
  Settings settings = mission();
  settings.policy.mode.mode = Mode::shadow;
  const ReplayReport r = replay(short_log(), settings);
  EXPECT_EQ(r.total().denied(), 0U);
  EXPECT_EQ(r.total().allowed, 150U);
  EXPECT_EQ(r.total().would_deny_by[static_cast<std::size_t>(Reason::over_limit)], 48U);
  EXPECT_THAT(r.notes, Contains(HasSubstr("shadow")));
}

TEST(Replay, DecidesOldRequestsAtTheLatestTimeAndCountsThem) {
  auto lines = short_log();
  std::swap(lines[10].time, lines[20].time);
  lines.push_back({kMidnight - hours{2}, "192.0.2.2", "", "", "/browse/1"});
  const ReplayReport r = replay(lines, mission());
  EXPECT_EQ(r.requests, 151U);
  EXPECT_EQ(r.total().requests(), 151U);
  EXPECT_EQ(r.out_of_order, 11U);  // ten after the one that came early, and the last
  EXPECT_GT(r.out_of_order_worst, hours{2});
  EXPECT_EQ(r.first, kMidnight - hours{2});
}

/// Lends each request as a reader does: the text is gone with the next one, and asking on after the
/// end is an error.
class LendingReader {
 public:
  explicit LendingReader(const std::vector<Line>& log) : log_(log) {}

  bool operator()(traffic::Request& request) {
    EXPECT_FALSE(ended_) << "asked again after the end";
    ended_ = at_ == log_.size();
    if (ended_) return false;
    const traffic::Request r = request_of(log_[at_++]);
    text_.assign(r.user_id).append(r.tier).append(r.path).append(r.user_agent);
    std::size_t from = 0;
    const auto lend = [&](std::string_view whole) {
      return std::string_view(text_).substr(std::exchange(from, from + whole.size()), whole.size());
    };
    request = r;
    request.user_id = lend(r.user_id);
    request.tier = lend(r.tier);
    request.path = lend(r.path);
    request.user_agent = lend(r.user_agent);
    return true;
  }

 private:
  const std::vector<Line>& log_;
  std::size_t at_ = 0;
  bool ended_ = false;
  std::string text_;
};

TEST(Replay, ReadingAheadChangesNothing) {
  const Settings settings = mission_with_attackers();
  Replay one_by_one(settings, nullptr);
  for (const Line& line : mission_log()) one_by_one.add(request_of(line));
  Replay ahead(settings, nullptr);
  std::uint64_t answered = 0;
  drive(
      LendingReader(mission_log()), [&](const auto&, const auto&) { ++answered; }, ahead);
  EXPECT_EQ(answered, mission_log().size());
  EXPECT_EQ(spelled(ahead.finish()), spelled(one_by_one.finish()));
}

TEST(ReplayComparison, ReadingAheadComparesTheSameRequests) {
  Replay before(mission(), nullptr);
  Replay now(mission_with_attackers(), nullptr);
  const auto& log = mission_log();
  std::size_t at = 0;
  drive(
      LendingReader(log),
      [&](const traffic::Request& request, const auto& answers) {
        const auto& [old, fresh] = answers;
        ASSERT_LT(at, log.size());
        ASSERT_EQ(request.path, log[at].path);
        ASSERT_EQ(request.user_id, log[at].user);
        ASSERT_EQ(old->decision.endpoint, fresh->decision.endpoint);
        ++at;
      },
      before, now);
  EXPECT_EQ(at, log.size());
}

TEST(Replay, OfNothingIsEmpty) {
  const ReplayReport r = replay({}, mission());
  EXPECT_EQ(r.requests, 0U);
  EXPECT_FALSE(r.first);
  EXPECT_EQ(r.total().requests(), 0U);
}

TEST(Replay, SaysThatRulesOnSignalsNeverActed) {
  EXPECT_THAT(replay(short_log(), mission()).notes, Contains(HasSubstr("cpu-pressure")));
}

TEST(Replay, GoesOverWeeksOfSilence) {
  auto lines = short_log();
  lines.push_back({kMidnight + hours{24 * 60}, "192.0.2.1", "", "", "/browse/1"});
  const ReplayReport r = replay(lines, mission());
  EXPECT_EQ(r.requests, 151U);
  EXPECT_LE(r.timeline[0].counts.size(), TimeBins::kBinsMax);
}

/// A log that was rotated away for years: its silence is no work, and what comes after it is
/// decided as at the beginning.
TEST(Replay, YearsOfSilenceAreForecastForFiveWeeksAlone) {
  auto lines = short_log();
  const std::vector<Line> later = short_log();
  for (Line line : later) {
    line.time += hours{24 * 365};
    lines.push_back(line);
  }
  const ReplayReport once = replay(later, mission());
  const ReplayReport twice = replay(lines, mission());
  EXPECT_EQ(twice.total().denied(), 2 * once.total().denied());
  ASSERT_FALSE(twice.forecasts.empty());
  EXPECT_LT(twice.forecasts[0].points.size(), 36U * 96);
}

Comparison compare(const std::vector<Line>& log, const Settings& before, const Settings& now) {
  Replay first(before, nullptr);
  Replay second(now, nullptr);
  Comparison comparison;
  for (const Line& line : log) {
    const traffic::Request request = request_of(line);
    const Answer old = first.add(request);
    comparison.add(request, old, second.add(request), second.now().wall);
  }
  return comparison;
}

TEST(ReplayComparison, OfAConfigurationWithItselfFindsNothing) {
  const Comparison same = compare(mission_log(), mission(), mission());
  EXPECT_EQ(same.requests(), mission_log().size());
  EXPECT_EQ(same.total().allow_to_deny + same.total().deny_to_allow, 0U);
  EXPECT_EQ(same.other_reason(), 0U);
  EXPECT_THAT(same.rows(), IsEmpty());
}

TEST(ReplayComparison, SaysWhichRequestsAreDecidedOtherwise) {
  Settings tighter = mission();
  tighter.policy.endpoints[1].limits[1].rate = per_minute(50);
  const Comparison change = compare(short_log(), mission(), tighter);
  EXPECT_EQ(change.total().allow_to_deny, 51U);  // 102 passed, 51 do now
  EXPECT_EQ(change.total().deny_to_allow, 0U);
  EXPECT_EQ(change.principals().allow_to_deny, 1U);
  ASSERT_EQ(change.rows().size(), 1U);
  EXPECT_EQ(change.rows()[0].endpoint, "browse");
  EXPECT_EQ(change.rows()[0].tier, "STD");
  ASSERT_EQ(change.rows()[0].examples.size(), Comparison::kExamplesOfAKind);
  EXPECT_EQ(change.rows()[0].examples[0].reason, "over_limit");

  const Comparison back = compare(short_log(), tighter, mission());
  EXPECT_EQ(back.total().deny_to_allow, 51U);
}

/// 101 a minute is no whole number of nanoseconds apart.
TEST(Replay, NamesALimitAsItIsConfigured) {
  Settings odd = mission();
  odd.policy.endpoints[1].limits[1].rate = per_minute(101);
  const ReplayReport report = replay(short_log(), odd);
  ASSERT_EQ(report.harm.examples.size(), 1U);
  EXPECT_EQ(report.harm.examples[0].limit_per_minute, 101);

  Settings roomy = mission();
  roomy.policy.endpoints[1].limits[1].rate = per_minute(200);
  const Comparison change = compare(short_log(), roomy, odd);
  ASSERT_EQ(change.rows().size(), 1U);
  ASSERT_FALSE(change.rows()[0].examples.empty());
  EXPECT_EQ(change.rows()[0].examples[0].limit_per_minute, 101);
}

TEST(Replay, DecidesNothingThatTheGateWasNeverAskedAbout) {
  // Sixty requests of one client within a minute, beside as many that nginx refused; then
  // another's.
  const std::string name = "192.0.2.7";
  std::vector<Line> lines;
  for (int i = 0; i < 120; ++i)
    lines.push_back({kMidnight + milliseconds{500 * i}, name, "", "STD", "/payment/1"});
  lines.push_back({kMidnight + seconds{65}, "192.0.2.8", "", "STD", "/payment/1"});
  Settings tight = mission();
  tight.policy.endpoints[0].limits[1].rate = per_minute(60);
  Replay before(tight, nullptr), now(tight, nullptr);
  std::size_t at = 0;
  std::size_t decided = 0;
  drive(
      [&](traffic::Request& request) {
        if (at == lines.size()) return false;
        request = request_of(lines[at]);
        const bool own = at % 2 == 1;
        request.asked = own ? traffic::Asked::never : traffic::Asked::answered;
        if (own) request.status = 400;
        ++at;
        return true;
      },
      [&](const traffic::Request& request, const auto&) {
        ++decided;
        EXPECT_EQ(request.asked, traffic::Asked::answered);
      },
      before, now);
  const auto view = now.engine().client(client_of(std::string_view(name)), now.now());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->figures.requests, 60U);
  EXPECT_EQ(view->figures.errors, 60U) << "they are errors of their client";
  const ReplayReport report = now.finish();
  EXPECT_EQ(decided, 61U);
  EXPECT_EQ(report.requests, 61U);
  std::uint64_t allowed = 0;
  for (const Outcomes& cell : report.cells) allowed += cell.allowed;
  EXPECT_EQ(allowed, 61U) << "the limit is charged for those alone that it meets";
  EXPECT_EQ(report.harm.principals, 2U);
  EXPECT_EQ(report.harm.examples.size(), 0U);
}

TEST(ReplayTimeBins, WidenWithoutLosingACount) {
  TimeBins bins(2);
  constexpr int kDays = 90;
  for (int h = 0; h < 24 * kDays; ++h) {
    bins.add(kMidnight + hours{h}, h % 2 == 0 ? 0 : 1, Reason::ok);
  }
  EXPECT_LE(bins.bins(), TimeBins::kBinsMax);
  EXPECT_EQ(bins.step(), hours{3});
  std::uint64_t sum = 0;
  for (std::size_t bin = 0; bin < bins.bins(); ++bin) sum += bins.at(bin, 1)[0];
  EXPECT_EQ(sum, 12U * kDays);
}

TEST(Recorder, KeepsTheReasonsOfAVerdictUntilItBecomesAnother) {
  Recorder recorder;
  policy::VerdictRecord record;
  record.client = client_of("192.0.2.66");
  record.mode = limiter::Mode::shadow;
  record.from = WallTime{std::chrono::hours{1}};
  const auto told = [&](const char* reason, double score, int hour) {
    record.reasons = {reason};
    record.score = score;
    record.until = WallTime{std::chrono::hours{hour}};
    ASSERT_TRUE(recorder.put_verdicts({record}));
    record.renewed = true;
  };
  told("90 % errors", 0.8, 2);
  told("20 % errors", 0.6, 3);
  ASSERT_EQ(recorder.verdict_spans().size(), 1u);
  const VerdictSpan span = recorder.verdict_spans().front();
  EXPECT_EQ(span.renewals, 1u);
  EXPECT_EQ(span.record.until, WallTime{std::chrono::hours{3}});
  EXPECT_THAT(span.record.reasons, testing::ElementsAre("90 % errors"));
  EXPECT_EQ(span.record.score, 0.8);
  record.mode = limiter::Mode::enforce;
  record.told = WallTime{std::chrono::minutes{150}};
  told("70 % errors", 0.7, 4);
  const auto& spans = recorder.verdict_spans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].record.mode, limiter::Mode::shadow);
  EXPECT_EQ(spans[0].record.until, record.told);
  EXPECT_EQ(spans[1].record.from, record.told);
  EXPECT_EQ(spans[1].record.until, WallTime{std::chrono::hours{4}});
  EXPECT_THAT(spans[1].record.reasons, testing::ElementsAre("70 % errors"));
}

}  // namespace
}  // namespace tidelimit::engine::test
