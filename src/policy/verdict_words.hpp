#pragma once

#include <string>

#include "policy/verdict_book.hpp"

namespace tidelimit::policy {

/// "203.0.113.9 malicious, blocked by attacker until 2026-11-24T18:15:00Z: 214 requests a minute
/// (usual for STD: 3 to 21); ...": with at most three reasons.
[[nodiscard]] std::string in_words(const VerdictRecord& verdict);

}  // namespace tidelimit::policy
