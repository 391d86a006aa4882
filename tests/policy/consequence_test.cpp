#include "policy/consequence.hpp"

#include <gtest/gtest.h>

namespace tidelimit::policy {
namespace {

using limiter::VerdictKind;

TEST(WaitsForModel, WhereNoRuleOnFiguresFindsMaliciousClients) {
  Rule waiting;
  waiting.when.verdict = VerdictKind::malicious;
  waiting.then.block = true;
  EXPECT_TRUE(waits_for_model(waiting, {waiting}));
  Rule figures;
  figures.when.error_rate = 0.5;
  figures.then.limit = Rate{10, std::chrono::minutes{1}};
  EXPECT_TRUE(waits_for_model(waiting, {waiting, figures})) << "it finds suspicious ones";
  figures.then.verdict = VerdictKind::malicious;
  EXPECT_FALSE(waits_for_model(waiting, {waiting, figures}));
  figures.then.verdict.reset();
  figures.then.block = true;
  EXPECT_FALSE(waits_for_model(waiting, {waiting, figures})) << "who is blocked is malicious";
  figures.mode.mode = Mode::off;
  EXPECT_TRUE(waits_for_model(waiting, {waiting, figures}));
  figures.mode.mode = Mode::enforce;
  figures.when.verdict = VerdictKind::malicious;
  EXPECT_TRUE(waits_for_model(waiting, {waiting, figures})) << "it waits itself";
  waiting.when.verdict = VerdictKind::suspicious;
  EXPECT_FALSE(waits_for_model(waiting, {waiting})) << "the model finds none of these";
}

}  // namespace
}  // namespace tidelimit::policy
