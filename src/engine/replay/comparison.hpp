#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/engine.hpp"

namespace tidelimit::engine {

/// Requests on which two configurations part.
struct Parting {
  std::uint64_t allow_to_deny = 0;  ///< passed before, refused now
  std::uint64_t deny_to_allow = 0;  ///< refused before, passed now
};

struct PartingExample {
  WallTime time{};
  std::string client;
  std::string user;
  std::string method;
  std::string path;
  std::string endpoint;  ///< as the new configuration has it
  std::string tier;
  bool now_refused = false;
  std::string reason;  ///< of the refusal
  std::string rule;    ///< that caused it; may be empty
  double limit_per_minute = 0;
};

/// How decisions of one configuration ("now") differ from another's ("before") over the same
/// requests, one by one. A request that shadow mode would have denied counts as refused, so that
/// configurations compare whatever their modes. Deterministic, bounded. One thread.
class Comparison {
 public:
  static constexpr std::size_t kExamplesOfAKind = 5;  ///< of an endpoint, tier and direction
  static constexpr std::size_t kPrincipalsMax = 1'000'000;

  void add(const traffic::Request& request, const Answer& before, const Answer& now,
           WallTime time) {
    ++requests_;
    const bool refused_before = before.decision.outcome != limiter::Outcome::allow;
    const bool refused_now = now.decision.outcome != limiter::Outcome::allow;
    if (refused_before != refused_now) {
      part(request, refused_now ? now : before, now, refused_now, time);
    } else if (refused_now && before.decision.reason != now.decision.reason) {
      ++other_reason_;
    }
  }

  struct Row {
    std::string endpoint;
    std::string tier;
    Parting parting;
    std::vector<PartingExample> examples;
  };

  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] Parting total() const;
  [[nodiscard]] std::uint64_t other_reason() const { return other_reason_; }
  /// Principals with at least one request that parts, of each direction.
  [[nodiscard]] Parting principals() const { return {denied_.size(), freed_.size()}; }
  /// In order of first appearance.
  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  /// In order of time, at most so many of each row.
  [[nodiscard]] std::vector<PartingExample> examples(
      std::size_t of_each_row = 2 * kExamplesOfAKind) const;

 private:
  void part(const traffic::Request& request, const Answer& refusal, const Answer& now,
            bool refused_now, WallTime time);

  std::uint64_t requests_ = 0;
  std::uint64_t other_reason_ = 0;  // refused by both, for different reasons
  std::vector<Row> rows_;
  std::unordered_set<std::uint64_t> denied_;
  std::unordered_set<std::uint64_t> freed_;
};

}  // namespace tidelimit::engine
