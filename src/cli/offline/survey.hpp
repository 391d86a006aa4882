#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "config/config.hpp"
#include "ingest/endpoints.hpp"
#include "ingest/top_counter.hpp"
#include "traffic/request.hpp"

namespace tidelimit::cli {

/// What a first pass over logs finds out where no configuration says it: endpoints and tiers. One
/// thread.
class Survey {
 public:
  Survey();

  void add(const traffic::Request& request) {
    first_ = std::min(first_, request.time);
    last_ = std::max(last_, request.time);
    if (last_ - request.time > kSoonEnough) ++a_minute_behind_;
    if (!traffic::meets_limits(request)) return;
    endpoints_.add(request.path);
    if (!request.tier.empty()) tiers_.add(request.tier, {.requests = 1});
  }

  [[nodiscard]] ingest::EndpointDiscovery::Found endpoints(
      const std::vector<std::string>& tiers) const {
    return endpoints_.found(tiers);
  }
  /// Most important first. A log does not say which that is; those that fewer requests have come
  /// first, as customers who pay more are fewer.
  [[nodiscard]] std::vector<std::string> tiers() const;
  /// The earliest and the latest time; of no request nothing.
  [[nodiscard]] WallTime first() const { return first_; }
  [[nodiscard]] WallTime last() const { return last_; }
  /// Requests more than a minute older than one before them.
  [[nodiscard]] std::uint64_t a_minute_behind() const { return a_minute_behind_; }

 private:
  static constexpr Nanos kSoonEnough = std::chrono::minutes{1};
  ingest::EndpointDiscovery endpoints_;
  ingest::TopCounter tiers_;
  WallTime first_ = WallTime::max();
  WallTime last_ = WallTime::min();
  std::uint64_t a_minute_behind_ = 0;
};

/// The configuration that offline commands use without --config: the verdict rules of the
/// documentation, the endpoints and tiers that the survey found.
[[nodiscard]] config::Config config_from(const Survey& survey);

/// The same with endpoints of these names, as an earlier config_from() named them.
[[nodiscard]] config::Config config_from(const Survey& survey,
                                         const std::vector<std::string>& endpoints);

}  // namespace tidelimit::cli
