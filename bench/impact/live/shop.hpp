#pragma once

#include <cstdint>
#include <string_view>

namespace tidelimit::impact {

/// What the callers say of each call, so that every arm's shop does the same work for it, and how
/// the shop says that an answer is its own.
inline constexpr std::string_view kServiceField = "x-shop-service-us";
inline constexpr std::string_view kStatusField = "x-shop-status";
inline constexpr std::string_view kAnswerField = "x-shop";
inline constexpr std::string_view kServed = "served";
inline constexpr std::string_view kFull = "full";

/// The upstream as a process of its own: an HTTP server on loopback, kWorkers workers that serve
/// one call each and sleep for as long as it takes, and kQueue places before them, first come first
/// served; 503 when all are taken. What was begun is finished, whether or not anybody waits for the
/// answer. Returns only if it can't listen: status 1.
int run_shop(std::uint16_t port);

}  // namespace tidelimit::impact
