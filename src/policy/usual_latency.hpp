#pragma once

#include <deque>
#include <optional>

#include "base/time.hpp"
#include "policy/load.hpp"

namespace tidelimit::policy {

/// The latency that an endpoint's answers have while nothing waits: the least mean of a minute in
/// the last hour, as BBR (Cardwell et al. 2016) takes the least round trip. Of what was served
/// alone; a minute in which much failed makes it no lower: a service that is down answers at once.
/// While load is shed an hour takes six, so that an overload is not soon taken for usual, yet a
/// service that has become slower is not shed for ever. Before the first minute the least mean of
/// five seconds stands in: after a start in the middle of an overload the queue grows from second
/// to second, and each mean that takes in more of it is further from the usual.
class UsualLatency {
 public:
  void add(const EndpointLoad& load, Nanos span, bool shedding);
  /// Empty until something was served.
  [[nodiscard]] std::optional<double> ms() const;
  /// Of a whole minute.
  [[nodiscard]] bool known() const { return !minutes_.empty(); }

 private:
  /// What was answered in a span of time.
  struct Part {
    TimedAnswers served;
    double failed = 0;
    Nanos span{0};
    void add(const EndpointLoad& load, Nanos longer);
    /// More than a tenth of what was answered.
    [[nodiscard]] bool fails() const;
  };

  Part minute_;  ///< the running one
  Part slice_;   ///< running; until a minute is known
  std::optional<double> least_slice_;
  int failing_ = 0;  ///< minutes left out before one was known
  std::deque<double> minutes_;
};

}  // namespace tidelimit::policy
