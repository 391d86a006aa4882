#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/settings.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::policy {

/// A ratio of errors says nothing over fewer requests than this, unless the rule names `requests`.
inline constexpr std::uint32_t kLeastRequestsForRatio = 20;

/// The requests that a rule waits for before it looks at a client.
[[nodiscard]] std::uint32_t least_requests(const Condition& condition);

/// Gives each user-agent pattern of the rules, also of those that are off, its place: the class
/// that counts it. What was counted is found by its place, so a pattern keeps the one that it has;
/// a place that no rule needs any more is empty.
void place_patterns(const std::vector<Rule>& rules, std::vector<std::string>& patterns);
/// The classes, one bit each, that count another pattern after than before.
[[nodiscard]] std::uint8_t renamed_classes(const std::vector<std::string>& before,
                                           const std::vector<std::string>& after);

/// Whether a client's figures of the last five minutes meet all that the condition says of them.
/// With a user-agent pattern only the requests of matching agents count; `patterns` says which
/// class counts which pattern.
[[nodiscard]] bool matches(const Condition& condition, const traffic::ClientFigures& figures,
                           const std::vector<std::string>& patterns);

/// Whether anything came that a condition which the figures meet counts: a request, and for an
/// error ratio also the error of one that came before.
[[nodiscard]] bool counts_any(const Condition& condition, const traffic::Arrivals& arrivals,
                              const std::vector<std::string>& patterns);

/// The figures that met the condition, for people: "40 requests in five minutes (at least 20)".
[[nodiscard]] std::vector<std::string> match_in_words(const Condition& condition,
                                                      const traffic::ClientFigures& figures,
                                                      const std::vector<std::string>& patterns);

}  // namespace tidelimit::policy
