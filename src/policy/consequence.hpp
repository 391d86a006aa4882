#pragma once

#include <optional>
#include <string>
#include <vector>

#include "limiter/verdict.hpp"
#include "policy/settings.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::policy {

/// The name under which the default action on malicious clients stands.
inline constexpr char kModelRule[] = "model";

/// What a verdict leads to.
struct Consequence {
  limiter::Action action = limiter::Action::none;
  std::optional<Rate> limit;
  std::string rule;
  ModeFor mode;
  Nanos duration{0};
};

/// The first rule on verdicts of this kind says it; one that asks for the client's figures too only
/// counts where they are known and meet it. Without a rule malicious clients are held to ten
/// requests a minute for five minutes.
[[nodiscard]] Consequence consequence_of(limiter::VerdictKind kind, const std::vector<Rule>& rules,
                                         const traffic::ClientFigures* figures,
                                         const std::vector<std::string>& patterns);

/// A rule on figures acts as it says; one that only names a verdict leaves the rest to the rules on
/// verdicts.
[[nodiscard]] Consequence consequence_of(const Rule& figure_rule, const std::vector<Rule>& rules);

/// The verdict that a rule on figures raises.
[[nodiscard]] limiter::VerdictKind verdict_of(const Rule& figure_rule);

/// Without a model, this rule can act on no client but those labelled by hand: it waits for
/// malicious ones, which the model finds, and no rule on figures that is in use makes any.
[[nodiscard]] bool waits_for_model(const Rule& rule, const std::vector<Rule>& rules);

}  // namespace tidelimit::policy
