#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "impact/world.hpp"
#include "traffic/request.hpp"

namespace tidelimit::impact {

/// One call, with all that the upstream will make of it: equal for every arm.
struct Arrival {
  Nanos at{};             ///< since midnight
  std::size_t offer = 0;  ///< of kOffers; kOffers.size(): none of them
  std::size_t tier = kStd;
  bool attack = false;
  double service_ms = 0;
  std::uint16_t status = 200;  ///< what the upstream answers when it comes to it
  ClientId client;
  std::string user;  ///< empty: not logged in
  std::string path;
  std::string_view user_agent;

  /// As a gateway sees it; borrows.
  [[nodiscard]] traffic::Request request(WallTime midnight) const;
};

/// Everybody's calls in a span of the day, in order of time. Open loop: whoever calls does so
/// whatever became of earlier calls (Poisson arrivals, thinned to the rate of the moment). Equal
/// seeds give equal calls.
class Traffic {
 public:
  /// `attacks`: with the malicious addresses and the flood.
  Traffic(Span span, std::uint64_t seed, bool attacks, const Staging& staging = {});

  /// False at the end.
  [[nodiscard]] bool next(Arrival& arrival);

  /// Good customers' calls to an offer, a second, at a moment of the played day.
  [[nodiscard]] static double rate(std::size_t offer, std::size_t tier, Nanos since_midnight);

 private:
  enum class Who : std::uint8_t { customers, card_testing, scraping, scanning, flood };
  struct Source {
    Who who;
    std::size_t offer, tier;
    double most_per_second;
    Random random;
    double at_s;  ///< of the next candidate
  };

  [[nodiscard]] double rate_of(const Source& source, Nanos at) const;
  void advance(Source& source);
  void fill(Source& source, Arrival& arrival);
  void fill_customer(Source& source, Arrival& arrival);
  void fill_attack(Source& source, Arrival& arrival);

  Span span_;
  Staging staging_;
  double busy_today_;  ///< how this day differs from the usual one
  std::vector<Source> sources_;
};

}  // namespace tidelimit::impact
