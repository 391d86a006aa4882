#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "traffic/request.hpp"

namespace tidelimit::bench {

/// Somebody who wants a detector to learn that attacks are usual: scrapes, so that it is served,
/// or fails a little less often than would be told without training.
struct PoisonPlan {
  std::string name = {};
  WallTime from{};
  WallTime until{};
  std::size_t addresses = 1;
  bool one_prefix = false;  ///< all in one /24; else each in its own
  /// Each address is there for so long, evenly spread over [from, until); 0: all of the time.
  std::chrono::minutes each{0};
  double rate_first = 1, rate_last = 1;  ///< requests a minute and address, growing geometrically
  double failing_first = 0.02, failing_last = 0.02;  ///< share of refused requests, growing evenly
};

/// The plan's requests in order of time. Equal plans and seeds give equal streams. Views hold until
/// the next call.
class Poison {
 public:
  Poison(PoisonPlan plan, std::uint64_t seed);

  /// The next request before `time`; false: there is none.
  bool next(WallTime time, traffic::Request& request);
  /// Requests a minute and address that the plan has at `time`.
  [[nodiscard]] double rate(WallTime time) const;
  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  struct Arrival {
    WallTime time;
    std::size_t address;
  };

  void fill(WallTime minute);
  [[nodiscard]] double progress(WallTime time) const;
  [[nodiscard]] bool present(std::size_t address, WallTime minute) const;

  PoisonPlan plan_;
  Random random_;
  std::vector<std::string> addresses_;
  WallTime minute_;  ///< the next to fill
  std::vector<Arrival> arrivals_;
  std::size_t next_ = 0;
  std::uint64_t item_ = 0;
  std::string path_;
};

}  // namespace tidelimit::bench
