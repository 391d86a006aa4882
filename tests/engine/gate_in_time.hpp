#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "anomaly/detector.hpp"
#include "base/random.hpp"
#include "engine/engine.hpp"
#include "engine/memory_history.hpp"
#include "forecast/model.hpp"
#include "policy/mission.hpp"

namespace tidelimit::engine::test {

using limiter::Mode;
using limiter::Outcome;
using limiter::Reason;
using limiter::VerdictKind;
using policy::test::per_minute;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// 2024-10-04T00:00:00Z, where windows and days begin.
inline constexpr WallTime kMidnight{hours{24 * 20000}};

inline ClientId client(const std::string& address) {
  return client_of(*parse_address(address));
}

/// The mission's configuration with routes, and small tables.
inline Settings mission() {
  Settings settings;
  settings.policy = policy::test::mission();
  settings.policy.default_tier = "STD";
  settings.policy.endpoints[0].match = {"/payment/**"};
  settings.policy.endpoints[1].match = {"/browse/**"};
  settings.policy.endpoints[1].limits[1].total.reset();
  settings.trusted_proxies = {*parse_prefix("127.0.0.0/8")};
  settings.bucket_bytes = 1u << 20;
  settings.client_bytes = 1u << 20;
  return settings;
}

/// One call, as a test says it.
struct Asked {
  std::string path = "/browse/1";
  std::string address = "203.0.113.7";
  std::string user = {};
  std::string tier = "STD";
  std::string agent = "Mozilla/5.0";
  limiter::Hits hits = 1;
};

/// An engine in virtual time: time moves only by `pass`, which ticks at every due time on the way,
/// as a replay does.
class GateInTime : public testing::Test {
 protected:
  void start(Settings settings = mission(), std::shared_ptr<History> history = nullptr) {
    worker.reset();
    engine = std::make_unique<Engine>(std::move(settings), std::move(history), 42);
    worker = engine->make_worker();
  }
  void restart(Settings settings, std::shared_ptr<History> history) {
    start(std::move(settings), std::move(history));
    const auto restored = engine->restore(now);
    EXPECT_TRUE(restored) << restored.error().message;
    engine->tick(now);
  }

  void pass(Nanos span) {
    const WallTime end = now.wall + span;
    while (engine->next_due() <= end) move_to(std::max(engine->next_due(), now.wall));
    set(end);
  }
  void move_to(WallTime time) {
    set(time);
    engine->tick(now);
  }
  void set(WallTime time) { now = {now.mono + (time - now.wall), time}; }

  [[nodiscard]] traffic::Request request(const Asked& asked) {
    kept = asked;
    traffic::Request made;
    made.time = now.wall;
    made.client = client(kept.address);
    made.user_id = kept.user;
    made.tier = kept.tier;
    made.method = "GET";
    made.path = kept.path;
    made.user_agent = kept.agent;
    return made;
  }
  Answer ask(const Asked& asked = {}) { return worker->decide(request(asked), asked.hits, now); }
  int passed(int times, const Asked& asked = {}) {
    int count = 0;
    for (int i = 0; i < times; ++i) count += ask(asked).decision.allowed ? 1 : 0;
    return count;
  }
  void answer(std::uint16_t status, const Asked& asked = {}, bool own_denial = false,
              ReportKind kind = ReportKind::already_decided) {
    traffic::Request seen = request(asked);
    seen.status = status;
    seen.latency_ms = 10;
    worker->observe(seen, kind, own_denial, now);
  }

  /// The newest closed window of an endpoint.
  [[nodiscard]] traffic::WindowStats newest(const std::string& endpoint) {
    const auto grid = engine->windows(WallTime{});
    const auto found = std::find(grid.endpoints.begin(), grid.endpoints.end(), endpoint);
    const auto& column = grid.stats[static_cast<std::size_t>(found - grid.endpoints.begin())];
    return column.empty() ? traffic::WindowStats{} : column.back();
  }
  [[nodiscard]] double effective(std::size_t endpoint, std::size_t tier) {
    const auto plan = engine->plan();
    return plan->cells[endpoint * plan->tiers + tier]
        .in(limiter::View::effective)
        .principal.per_minute();
  }
  [[nodiscard]] std::optional<policy::VerdictRecord> verdict(const std::string& address) {
    const auto view = engine->client(client(address), now);
    return view ? view->verdict : std::nullopt;
  }

  Now now{Instant{hours{1}}, kMidnight};
  std::unique_ptr<Engine> engine;
  std::unique_ptr<EngineWorker> worker;
  Asked kept;
};

inline constexpr std::size_t kPayment = 0, kBrowse = 1, kOther = 2;
inline constexpr std::size_t kPrm = 0, kStd = 1;

/// A detector that knows quiet clients: up to some twenty requests a minute, few errors.
inline std::shared_ptr<const anomaly::Detector> quiet_detector() {
  static const auto detector = [] {
    Random random(7);
    std::vector<traffic::ClientFeatures> rows;
    for (int i = 0; i < 4000; ++i) {
      using traffic::Feature;
      auto& row = rows.emplace_back();
      const double rate = 1 + 8 * random.exponential();
      const double errors = 0.02 + 0.03 * random.uniform();
      row[Feature::requests_per_minute] = static_cast<float>(rate);
      row[Feature::error_ratio] = static_cast<float>(errors);
      row[Feature::endpoint_concentration] = static_cast<float>(0.3 + 0.4 * random.uniform());
      row[Feature::agent_diversity] = 1;
      row[Feature::hour_requests] = static_cast<float>(rate * (5 + 20 * random.uniform()));
      row[Feature::hour_errors] = static_cast<float>(errors * rate * 10);
      row[Feature::hour_error_ratio] = static_cast<float>(errors);
      row.client_error_ratio = row.hour_excess_ratio = static_cast<float>(errors);
      row.hour_excess_errors = row[Feature::hour_errors];
      row.steady_requests = static_cast<float>(rate);
      row.background_error_ratio = 0.03F;
      row.tier = static_cast<std::uint8_t>(i % 3);  // unknown, STD, PRM
    }
    return *anomaly::train(rows, {.tiers = {"STD", "PRM"}});
  }();
  return detector;
}

/// A forecaster of other windows than ours: it hands every endpoint to the mean of the same hours
/// of past days, so that a test draws its forecasts in the windows it stores.
inline std::shared_ptr<const forecast::ForecastModel> seasonal_forecaster() {
  auto model = std::make_shared<forecast::ForecastModel>();
  model->shape.window = minutes{5};
  return model;
}

inline std::shared_ptr<const model::Bundle> bundle(
    std::shared_ptr<const forecast::ForecastModel> forecast,
    std::shared_ptr<const anomaly::Detector> anomaly) {
  auto made = std::make_shared<model::Bundle>();
  made->manifest.version = "test";
  made->forecast = std::move(forecast);
  made->anomaly = std::move(anomaly);
  return made;
}

}  // namespace tidelimit::engine::test
