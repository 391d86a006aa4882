#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "ingest/synthetic/synthetic.hpp"

namespace tidelimit::cli::quickstart {

/// The demonstration's clock: a second is a minute.
inline constexpr int kSpeed = 60;

/// Somebody who plays a part beside the shop's ordinary customers.
struct CastMember {
  std::string_view name;
  std::string_view address;
  std::string_view user;  ///< empty: not logged in
  std::string_view tier;
  std::string_view method;
  std::vector<std::string_view> paths;  ///< called in turn
  std::string_view user_agent;
  int status = 200;                ///< what the shop answers to most of the calls
  double per_minute = 60;          ///< while at it
  std::chrono::minutes first{0};   ///< after the curtain rises
  std::chrono::minutes every{0};   ///< a spree begins so often; zero: one that does not end
  std::chrono::minutes length{1};  ///< of a spree
  bool malicious = false;
};

/// The play: a month of a shop's traffic, then an hour in which a rush on /payment comes that
/// happens every week, and three malicious addresses that nobody expects.
///
/// The traffic is always the same; only its clock is shifted, by whole windows, so that the hour
/// begins about now.
class Scenario {
 public:
  Scenario(WallTime now, std::uint64_t seed);

  [[nodiscard]] const synthetic::SyntheticOptions& traffic() const { return traffic_; }
  /// To be added to every time of the traffic.
  [[nodiscard]] Nanos shift() const { return shift_; }
  /// Where training ends, and what follows is for the evaluation; shifted.
  [[nodiscard]] WallTime trained_until() const;
  /// The curtain rises, five minutes before the window ends whose forecast sees the rush; shifted.
  [[nodiscard]] WallTime begin() const;
  /// The rush itself begins; shifted.
  [[nodiscard]] WallTime rush() const;
  [[nodiscard]] const std::vector<CastMember>& cast() const { return cast_; }

 private:
  synthetic::SyntheticOptions traffic_;
  Nanos shift_{};
  std::vector<CastMember> cast_;
};

/// How every configuration() begins.
inline constexpr std::string_view kConfigurationMark = "# The quickstart's gate.";

/// The configuration that the gate runs with; relative paths are those of its folder.
[[nodiscard]] std::string configuration(std::uint16_t port);

}  // namespace tidelimit::cli::quickstart
