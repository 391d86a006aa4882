#include "serve/metrics/render.hpp"

#include <gmock/gmock.h>
#include <map>
#include <set>
#include <sstream>

namespace tidelimit::serve {
namespace {

using namespace std::chrono_literals;
using limiter::Mode;
using limiter::Outcome;
using limiter::Reason;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

constexpr std::size_t kCells = 2 * 2;  // browse and other, PRM and STD

engine::CountersView counters() {
  engine::CountersView view;
  view.endpoints = {"browse", "other"};
  view.tiers = {"PRM", "STD"};
  view.decisions.resize(kCells * limiter::kOutcomes * limiter::kReasons);
  view.near_limit.resize(kCells);
  view.in_flight_denials.resize(kCells);
  view.observed.resize(kCells * 6);
  view.demand.resize(2);
  view.malicious.resize(2);
  return view;
}

std::size_t at(std::size_t endpoint, std::size_t tier, Outcome outcome, Reason reason) {
  return ((endpoint * 2 + tier) * limiter::kOutcomes + static_cast<std::size_t>(outcome)) *
             limiter::kReasons +
         static_cast<std::size_t>(reason);
}

limiter::Limit per_minute(double rate) {
  return {.emission_interval = Nanos{static_cast<Nanos::rep>(60e9 / rate)}, .burst = 10};
}

/// browse/STD: base 120 a minute, 90 without the forecast, 60 with it; the rest unlimited.
std::shared_ptr<const limiter::Plan> plan() {
  auto made = std::make_shared<limiter::Plan>();
  made->tiers = 2;
  made->endpoints.resize(2);
  made->cells.resize(kCells);
  made->expires_at = Instant{100s};
  auto& cell = made->cell(limiter::EndpointId{0}, limiter::TierId{1});
  cell.in(limiter::View::base).principal = per_minute(120);
  cell.in(limiter::View::without_forecast).principal = per_minute(90);
  cell.in(limiter::View::effective).principal = per_minute(60);
  return made;
}

std::shared_ptr<engine::Status> status() {
  auto made = std::make_shared<engine::Status>();
  made->plan = plan();
  made->policy.tiers = {"PRM", "STD"};
  made->policy.endpoints.resize(2);
  made->policy.endpoints[0].name = "browse";
  made->policy.endpoints[1].name = "other";
  made->policy.adapt.plan_ttl = 60s;
  return made;
}

MetricsInput input() {
  MetricsInput made;
  made.now = {Instant{70s}, WallTime{1764000000s}};
  made.counters = counters();
  made.status = status();
  made.modes.anomaly = Mode::shadow;
  return made;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

/// Names that have a # HELP and a # TYPE line.
std::set<std::string> documented(const std::string& text) {
  std::map<std::string, std::set<std::string>> seen;
  for (const auto& line : lines(text)) {
    std::istringstream words(line);
    std::string hash;
    std::string kind;
    std::string name;
    words >> hash >> kind >> name;
    if (hash == "#") seen[name].insert(kind);
  }
  std::set<std::string> names;
  for (const auto& [name, kinds] : seen) {
    if (kinds == std::set<std::string>{"HELP", "TYPE"}) names.insert(name);
  }
  return names;
}

TEST(Metrics, ShowWhatACapacityIsKnownOf) {
  MetricsInput made = input();
  auto known = status();
  known->capacities = {{"core", true, std::nullopt, 40, 500, 0}, {"payment", false, 200, 0, {}, 0}};
  made.status = known;
  const std::string before = render(made);
  EXPECT_THAT(before, Not(HasSubstr(R"({of="core",kind="learned"})")));
  EXPECT_THAT(before,
              HasSubstr(R"(tidelimit_capacity_requests_per_second{of="core",kind="at_least"} 40)"));
  EXPECT_THAT(before,
              HasSubstr(R"(tidelimit_capacity_requests_per_second{of="core",kind="ceiling"} 500)"));
  EXPECT_THAT(
      before,
      HasSubstr(R"(tidelimit_capacity_requests_per_second{of="payment",kind="configured"} 200)"));
  known->capacities[0].per_second = 110;
  EXPECT_THAT(render(made),
              HasSubstr(R"(tidelimit_capacity_requests_per_second{of="core",kind="learned"} 110)"));
}

TEST(Metrics, HoldsEveryFamilyOfTheContractWithHelp) {
  const auto names = documented(render(input()));
  for (const char* name : {"tidelimit_decisions_total",
                           "tidelimit_near_limit_total",
                           "tidelimit_in_flight_denials_total",
                           "tidelimit_unmatched_total",
                           "tidelimit_unnamed_total",
                           "tidelimit_decision_seconds",
                           "tidelimit_requests_observed_total",
                           "tidelimit_requests_total",
                           "tidelimit_grpc_calls_total",
                           "tidelimit_http2_calmed_total",
                           "tidelimit_connections",
                           "tidelimit_connections_refused_total",
                           "tidelimit_http_refused_total",
                           "tidelimit_body_bytes",
                           "tidelimit_unsent_bytes",
                           "tidelimit_retrainings_total",
                           "tidelimit_forecast_requests",
                           "tidelimit_forecast_source",
                           "tidelimit_forecast_recent_error",
                           "tidelimit_window_requests",
                           "tidelimit_forecast_absolute_error",
                           "tidelimit_forecast_error_ratio",
                           "tidelimit_unanswered_ratio",
                           "tidelimit_limit_requests_per_second",
                           "tidelimit_capacity_requests_per_second",
                           "tidelimit_plan_changes_total",
                           "tidelimit_rule_active",
                           "tidelimit_plan_age_seconds",
                           "tidelimit_mode",
                           "tidelimit_part_enforced_ratio",
                           "tidelimit_part_by_hand",
                           "tidelimit_verdicts",
                           "tidelimit_verdicts_total",
                           "tidelimit_table_entries",
                           "tidelimit_table_evictions_total",
                           "tidelimit_unwatched_requests_total",
                           "tidelimit_signal",
                           "tidelimit_model_info",
                           "tidelimit_build_info",
                           "tidelimit_control_plane_last_success_timestamp_seconds",
                           "tidelimit_config_last_reload_successful",
                           "tidelimit_config_last_reload_success_timestamp_seconds",
                           "tidelimit_cluster_degraded"}) {
    EXPECT_THAT(names, Contains(name));
  }
}

TEST(Metrics, CountsDecisionsUnderTheirLabels) {
  auto in = input();
  in.counters.decisions[at(0, 1, Outcome::deny, Reason::over_limit)] = 17;
  in.counters.decisions[at(1, 0, Outcome::shadow_deny, Reason::client_blocked)] = 3;
  in.counters.decisions[at(0, 0, Outcome::allow, Reason::override_)] = 9'007'199'254;
  in.counters.near_limit[1] = 4;
  in.counters.in_flight_denials[1] = 5;
  in.counters.observed[1 * 6 + 5] = 6;
  in.counters.demand[0] = 30;
  in.counters.malicious[1] = 8;
  in.counters.unmatched_paths = 5;
  const auto text = lines(render(in));
  EXPECT_THAT(
      text,
      IsSupersetOf(
          {R"(tidelimit_decisions_total{endpoint="browse",tier="STD",outcome="deny",reason="over_limit"} 17)",
           R"(tidelimit_decisions_total{endpoint="other",tier="PRM",outcome="shadow_deny",reason="client_blocked"} 3)",
           R"(tidelimit_decisions_total{endpoint="browse",tier="PRM",outcome="allow",reason="override"} 9007199254)",
           R"(tidelimit_near_limit_total{endpoint="browse",tier="STD"} 4)",
           R"(tidelimit_in_flight_denials_total{endpoint="browse",tier="STD"} 5)",
           R"(tidelimit_requests_observed_total{endpoint="browse",tier="STD",status_class="5xx"} 6)",
           R"(tidelimit_requests_total{endpoint="browse",kind="demand"} 30)",
           R"(tidelimit_requests_total{endpoint="other",kind="malicious"} 8)",
           R"(tidelimit_unmatched_total{kind="path"} 5)"}));
}

TEST(Metrics, ShowsLimitsThatAreInForceNow) {
  const std::string browse = "tidelimit_limit_requests_per_second{endpoint=\"browse\",tier=\"STD\"";
  auto in = input();
  EXPECT_THAT(lines(render(in)), Contains(browse + ",kind=\"base\"} 2"));
  EXPECT_THAT(lines(render(in)), Contains(browse + ",kind=\"effective\"} 1"));
  EXPECT_THAT(lines(render(in)), Contains("tidelimit_plan_age_seconds 30"));
  EXPECT_THAT(render(in), Not(HasSubstr("endpoint=\"other\",tier=\"STD\",kind=")))
      << "unlimited has no series";

  in.modes.forecast = Mode::shadow;
  EXPECT_THAT(render(in), HasSubstr(browse + ",kind=\"effective\"} 1.5"));
  in.modes.rules = Mode::off;
  EXPECT_THAT(lines(render(in)), Contains(browse + ",kind=\"effective\"} 2"));
  in = input();
  in.now.mono = in.status->plan->expires_at;
  EXPECT_THAT(lines(render(in)), Contains(browse + ",kind=\"effective\"} 2"))
      << "a plan whose time is over is none: decisions go by the base limits from then on";
}

TEST(Metrics, LatencyIsACumulativeHistogramInSeconds) {
  auto in = input();
  LatencyHistogram histogram;
  histogram.add(Nanos{80}, 2);
  histogram.add(Nanos{900}, 3);
  histogram.add(200ms, 1);
  in.latency = histogram.read();
  const auto text = lines(render(in));
  EXPECT_THAT(text, IsSupersetOf({R"(tidelimit_decision_seconds_bucket{le="1e-07"} 2)",
                                  R"(tidelimit_decision_seconds_bucket{le="1e-06"} 5)",
                                  R"(tidelimit_decision_seconds_bucket{le="0.1"} 5)",
                                  R"(tidelimit_decision_seconds_bucket{le="+Inf"} 6)",
                                  "tidelimit_decision_seconds_count 6"}));
}

TEST(Metrics, AddsUpTheGrpcCallsOfAllLoops) {
  auto in = input();
  const auto calls = [](grpc::StatusCode code, std::uint64_t count) {
    return grpc::EndedCalls{"grpc.health.v1.Health", "Check", code, count};
  };
  in.grpc_calls = {calls(grpc::StatusCode::ok, 2), calls(grpc::StatusCode::not_found, 1),
                   calls(grpc::StatusCode::ok, 5)};
  const auto text = lines(render(in));
  const std::string check =
      "tidelimit_grpc_calls_total{service=\"grpc.health.v1.Health\",method=\"Check\",code=";
  EXPECT_THAT(text, Contains(check + "\"OK\"} 7"));
  EXPECT_THAT(text, Contains(check + "\"NOT_FOUND\"} 1"));
}

TEST(Metrics, SaysWhyConnectionsEnded) {
  auto in = input();
  in.connections = {7, 2};
  in.no_place[static_cast<std::size_t>(NoPlace::strangers)] = 4;
  in.refusals[static_cast<std::size_t>(Wire::grpc)][7] = 5;
  in.floods[static_cast<std::size_t>(Flood::resets)] = 3;
  const auto text = lines(render(in));
  EXPECT_THAT(text, IsSupersetOf({R"(tidelimit_http2_calmed_total{reason="resets"} 3)",
                                  R"(tidelimit_http2_calmed_total{reason="header_bytes"} 0)",
                                  R"(tidelimit_connections{front="http"} 7)",
                                  R"(tidelimit_connections{front="grpc"} 2)",
                                  R"(tidelimit_connections_refused_total{reason="untrusted"} 4)",
                                  R"(tidelimit_http_refused_total{front="grpc",status="431"} 5)",
                                  R"(tidelimit_http_refused_total{front="http",status="431"} 0)"}));
}

TEST(Metrics, ASignalThatNoRuleGoesByAnyMoreIsGone) {
  auto in = input();
  auto with = status();
  with->at.mono = Instant{1min};
  with->signals = {{"cpu", 0.25, Instant{45s}}};
  in.status = with;
  EXPECT_THAT(lines(render(in)), Contains("tidelimit_signal{name=\"cpu\"} 0.25"));
  with->signals = {{"cpu", 0.25, Instant{44s}}};
  EXPECT_THAT(render(in), Not(HasSubstr("tidelimit_signal{")));
}

TEST(Metrics, TellsForecastsRulesVerdictsAndModes) {
  auto in = input();
  auto with = status();
  with->forecasts.resize(1);
  with->forecasts[0].endpoint = "browse";
  with->forecasts[0].quantiles = {10, 20, 30, 40, 50};
  with->forecasts[0].horizon = 1h;
  with->forecasts[0].source = forecast::Source::yesterday;
  with->forecasts[0].recent_errors = {{forecast::Source::lstm, 40},
                                      {forecast::Source::yesterday, 8}};
  with->endpoints = {{"browse", 1, 250, 12.5, std::nullopt, 0.75}};
  with->rules.resize(1);
  with->rules[0].rule = "hot-endpoint";
  with->rules[0].active = true;
  with->plan_changes_total = {{"hot-endpoint", 2}};
  with->verdicts.resize(3);
  with->verdicts[0].kind = limiter::VerdictKind::malicious;
  with->verdicts[1].kind = limiter::VerdictKind::malicious;
  with->verdicts[2].kind = limiter::VerdictKind::suspicious;
  with->verdicts_total = {{limiter::VerdictKind::malicious, "model", 7}};
  with->signals = {{"cpu", 0.25, Instant{}}};
  with->last_success.forecast = WallTime{1763999940s};
  with->model.emplace();
  with->model->anomaly_version = "20261124T101500Z-1a2b3c4d";
  in.status = with;
  const auto text = lines(render(in));
  EXPECT_THAT(
      text, IsSupersetOf({R"(tidelimit_forecast_requests{endpoint="browse",quantile="0.05"} 10)",
                          R"(tidelimit_forecast_requests{endpoint="browse",quantile="0.5"} 30)",
                          R"(tidelimit_forecast_source{endpoint="browse",source="yesterday"} 1)",
                          R"(tidelimit_forecast_source{endpoint="browse",source="lstm"} 0)",
                          R"(tidelimit_forecast_recent_error{endpoint="browse",source="lstm"} 40)",
                          R"(tidelimit_forecast_horizon_seconds{endpoint="browse"} 3600)",
                          R"(tidelimit_window_requests{endpoint="browse"} 250)",
                          R"(tidelimit_forecast_absolute_error{endpoint="browse"} 12.5)",
                          R"(tidelimit_unanswered_ratio{endpoint="browse"} 0.75)"}));
  EXPECT_THAT(render(in), Not(HasSubstr("tidelimit_forecast_error_ratio{")));
  EXPECT_THAT(
      text,
      IsSupersetOf(
          {R"(tidelimit_rule_active{rule="hot-endpoint"} 1)",
           R"(tidelimit_plan_changes_total{rule="hot-endpoint"} 2)",
           R"(tidelimit_verdicts{verdict="malicious"} 2)",
           R"(tidelimit_verdicts{verdict="suspicious"} 1)",
           R"(tidelimit_verdicts_total{verdict="malicious",rule="model"} 7)",
           R"(tidelimit_mode{part="anomaly",mode="shadow"} 1)",
           R"(tidelimit_mode{part="anomaly",mode="enforce"} 0)",
           R"(tidelimit_signal{name="cpu"} 0.25)",
           R"(tidelimit_model_info{model="anomaly",version="20261124T101500Z-1a2b3c4d"} 1)"}));
  EXPECT_THAT(render(in), Not(HasSubstr("model=\"traffic\"")));
  EXPECT_THAT(text, Contains("tidelimit_control_plane_last_success_timestamp_seconds{stage="
                             "\"forecast\"} 1763999940"));
}

TEST(Metrics, CountersOfKnownRulesStandAtZeroFromTheStart) {
  policy::Rule shield;
  shield.name = "shield-payment";
  shield.when.forecast = "payment";
  shield.then.scale = 0.5;
  policy::Rule attacker;
  attacker.name = "attacker";
  attacker.when.verdict = limiter::VerdictKind::malicious;
  attacker.then.block = true;
  policy::Rule tool;
  tool.name = "odd-tool";
  tool.when.requests = 20;
  tool.when.error_rate = 0.5;
  tool.then.limit = Rate{10, 1min};
  auto with = status();
  with->policy.rules = {shield, attacker, tool};
  auto in = input();
  in.status = with;
  const auto text = lines(render(in));
  EXPECT_THAT(text, Contains("tidelimit_plan_changes_total{rule=\"shield-payment\"} 0"));
  EXPECT_THAT(text, Contains("tidelimit_plan_changes_total{rule=\"\"} 0"));
  EXPECT_THAT(render(in), Not(HasSubstr("tidelimit_plan_changes_total{rule=\"attacker\"}")));
  EXPECT_THAT(text,
              Contains("tidelimit_verdicts_total{verdict=\"malicious\",rule=\"attacker\"} 0"));
  EXPECT_THAT(text,
              Contains("tidelimit_verdicts_total{verdict=\"suspicious\",rule=\"odd-tool\"} 0"));
}

TEST(Metrics, TellWhatOutlivesTheProcessWhereAnythingDoes) {
  auto in = input();
  EXPECT_THAT(render(in), Not(HasSubstr("tidelimit_buckets_")));
  in.kept_buckets =
      KeptBuckets{.restored_well = false, .restored = 3, .saved = 7, .saved_at = 1'800'000'000};
  const auto text = lines(render(in));
  EXPECT_THAT(text, Contains("tidelimit_buckets_restore_successful 0"));
  EXPECT_THAT(text, Contains("tidelimit_buckets_restored 3"));
  EXPECT_THAT(text, Contains("tidelimit_buckets_saved 7"));
  EXPECT_THAT(text, Contains("tidelimit_buckets_last_save_success_timestamp_seconds 1800000000"));
}

TEST(Metrics, StandBeforeTheFirstTick) {
  auto in = input();
  in.status = nullptr;
  in.reload_successful = false;
  in.notes = 2;
  const auto text = lines(render(in));
  EXPECT_THAT(text, Contains("tidelimit_degraded 2"));
  EXPECT_THAT(text, Contains("tidelimit_config_last_reload_successful 0"));
  EXPECT_THAT(text, Contains(HasSubstr("tidelimit_decisions_total{")));
}

}  // namespace
}  // namespace tidelimit::serve
