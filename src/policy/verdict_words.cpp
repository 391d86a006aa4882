#include "policy/verdict_words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <span>

#include "base/text.hpp"

namespace tidelimit::policy {
namespace {

constexpr std::size_t kMostReasons = 3;
constexpr std::size_t kMostName = 64;

std::string consequence_of(const VerdictRecord& verdict) {
  if (verdict.mode != Mode::enforce) return "only reported";
  if (verdict.action == limiter::Action::block) return "blocked";
  return verdict.limit ? "held to " + format_rate(*verdict.limit) : "let pass";
}

}  // namespace

std::string in_words(const VerdictRecord& verdict) {
  const std::span reasons =
      std::span(verdict.reasons).first(std::min(verdict.reasons.size(), kMostReasons));
  return fmt::format("{} {}, {}{} until {}{}{}",
                     verdict.client_name.empty() ? format_client(verdict.client)
                                                 : printable(verdict.client_name, kMostName),
                     limiter::to_string(verdict.kind), consequence_of(verdict),
                     verdict.rule.empty() ? "" : " by " + verdict.rule,
                     format_time(std::chrono::floor<std::chrono::seconds>(verdict.until)),
                     reasons.empty() ? "" : ": ", fmt::join(reasons, "; "));
}

}  // namespace tidelimit::policy
