#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/top_counter.hpp"

namespace tidelimit::cli {

/// A route as a configuration has it: every request below a prefix.
struct Route {
  std::string name;   ///< of the prefix's last segment that tells something; all different
  std::string match;  ///< "/api/v1/orders/**", "/"
  std::uint64_t requests = 0;

  bool operator==(const Route&) const = default;
};

/// Finds the routes of an API in its traffic: the first path segments with a percent of the
/// requests or more. One that tells nothing ("/api", "/v1"), or that holds most of the traffic,
/// gives way to the prefixes below it, if most of its requests fall into some that look like names
/// ("/api/v1/orders", "/api/v1/users"); identifiers (numbers, hexadecimal, UUIDs) are none. Bounded
/// memory. One thread.
class RouteSurvey {
 public:
  static constexpr double kShare = 0.01;      ///< of all requests, that a route has at least
  static constexpr double kCoarse = 0.6;      ///< of all requests: too much for one route
  static constexpr double kDivides = 0.5;     ///< of a prefix, that falls into named ones below it
  static constexpr std::size_t kDepth = 4;    ///< segments of the longest prefix
  static constexpr std::size_t kRoutes = 40;  ///< at most

  RouteSurvey();

  /// `target`: the raw path of a request; empty (garbage) belongs to no route.
  void add(std::string_view target);

  /// In the order a configuration needs: a prefix after those below it; else most requests first.
  /// None has the name of a tier.
  [[nodiscard]] std::vector<Route> routes(const std::vector<std::string>& tiers) const;
  [[nodiscard]] std::uint64_t requests() const { return requests_; }

 private:
  struct Prefix;
  void divide(const Prefix& prefix, std::vector<Prefix>& found) const;
  [[nodiscard]] std::vector<Prefix> below(const Prefix& prefix) const;

  std::uint64_t requests_ = 0;
  std::vector<ingest::TopCounter> by_depth_;  ///< [i]: prefixes of i + 1 segments, no first slash
  std::string scratch_;
};

}  // namespace tidelimit::cli
