#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <vector>

#include "limiter/limiter.hpp"

namespace tidelimit::limiter {

inline constexpr EndpointId kPayment{0};
inline constexpr EndpointId kBrowse{1};
inline constexpr EndpointId kOther{2};
inline constexpr TierId kPremium{0};
inline constexpr TierId kStandard{1};
inline constexpr RuleId kRule{3};
inline constexpr RuleId kShadowRule{4};

/// An IPv4 client.
[[nodiscard]] constexpr ClientId v4_client(std::uint32_t host_order) {
  return {0, std::uint64_t{0xffff} << 32 | host_order};
}

/// 192.0.2.0/24 and the like, of an IPv4 client's bytes.
[[nodiscard]] inline Prefix prefix_of(const ClientId& client, std::uint8_t length) {
  return {address_of(client), length};
}

[[nodiscard]] inline Limit per_minute(std::uint64_t count, std::uint64_t burst) {
  return make_limit({count, std::chrono::minutes{1}}, burst);
}

/// Three endpoints and two tiers, unlimited until told otherwise; never expires.
[[nodiscard]] inline Plan open_plan() {
  Plan plan;
  plan.generation = 1;
  plan.expires_at = Instant{Nanos::max()};
  plan.tiers = 2;
  plan.endpoints.resize(3);
  plan.cells.resize(6);
  return plan;
}

/// The same limits in every view.
inline void set_limits(Plan& plan, EndpointId endpoint, TierId tier, const Limit& principal,
                       const Limit& total = {}) {
  for (CellLimits& limits : plan.cell(endpoint, tier).views) {
    limits.principal = principal;
    limits.total = total;
  }
}

/// Sheds a share of the principals from `view` on.
inline void shed_from(Plan& plan, EndpointId endpoint, TierId tier, View view, std::uint16_t share,
                      RuleId rule = kRule) {
  for (std::size_t i = static_cast<std::size_t>(view); i < kViews; ++i) {
    plan.cell(endpoint, tier).views[i].shed = share;
    plan.cell(endpoint, tier).views[i].shed_rule = rule;
  }
}

/// What a rule makes of the principal's limit from `view` on (the later views hold more rules).
inline void scale_from(Plan& plan, EndpointId endpoint, TierId tier, View view, double scale,
                       RuleId rule = kRule) {
  for (std::size_t i = static_cast<std::size_t>(view); i < kViews; ++i) {
    CellLimits& limits = plan.cell(endpoint, tier).views[i];
    limits.principal = scaled(limits.principal, scale);
    limits.total = scaled(limits.total, scale);
    limits.scale = scale;
    limits.rule = rule;
    if (!limits.total.unlimited()) limits.total_rule = rule;
  }
}

/// A limiter, one worker and one virtual clock.
class GateTest : public ::testing::Test {
 protected:
  void publish() { limiter.plan.publish(std::make_shared<Plan>(plan)); }
  void publish(std::vector<Verdict> verdicts) {
    limiter.verdicts.publish(std::make_shared<VerdictTable>(std::move(verdicts)));
  }
  void publish(std::vector<Override> overrides, const std::vector<Prefix>& allow_list = {}) {
    limiter.overrides.publish(std::make_shared<OverrideTable>(std::move(overrides), allow_list));
  }

  [[nodiscard]] Call call(EndpointId endpoint = kPayment, TierId tier = kStandard) const {
    Call made;
    made.client = client;
    made.user = user;
    made.endpoint = endpoint;
    made.tier = tier;
    return made;
  }
  Decision decide(const Call& made) { return worker.decide(made, now); }
  Decision decide() { return decide(call()); }
  int passes(const Call& made, int tries) {
    int passed = 0;
    for (int i = 0; i < tries; ++i) passed += decide(made).allowed;
    return passed;
  }
  Decision peek(Call made) {
    made.hits = 0;
    return decide(made);
  }

  [[nodiscard]] Verdict verdict(Action action, VerdictKind kind = VerdictKind::malicious) const {
    Verdict made;
    made.client = client;
    made.kind = kind;
    made.action = action;
    made.limit = per_minute(10, 2);
    made.rule = kRule;
    made.expires_at = now + std::chrono::minutes{5};
    return made;
  }
  [[nodiscard]] Override by_hand(Action action) const {
    Override made;
    made.prefix = prefix_of(client, 128);
    made.action = action;
    made.limit = per_minute(10, 2);
    made.expires_at = now + std::chrono::minutes{5};
    return made;
  }

  Limiter limiter{{.bucket_bytes = 1 << 20, .client_bytes = 1 << 20, .seed = 7}};
  Worker worker{limiter};
  Plan plan = open_plan();
  Instant now{std::chrono::hours{1}};
  ClientId client = v4_client(0xc0000201);
  std::uint64_t user = 0;
};

}  // namespace tidelimit::limiter
