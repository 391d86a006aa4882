#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "ingest/distinct_counter.hpp"
#include "ingest/endpoints.hpp"
#include "ingest/top_counter.hpp"
#include "traffic/request.hpp"
#include "traffic/status_class.hpp"

namespace tidelimit::ingest {

/// What is in a stream of requests, in bounded memory: `inspect`'s eyes. Counts are exact while
/// there are few different things, and say when they are not. One thread.
class Summary {
 public:
  Summary();

  void add(const traffic::Request& request);

  [[nodiscard]] std::uint64_t requests() const { return total_.requests; }
  [[nodiscard]] const RequestSums& total() const { return total_; }
  /// The earliest and latest time; nullopt before the first request.
  [[nodiscard]] std::optional<WallTime> first() const { return first_; }
  [[nodiscard]] std::optional<WallTime> last() const { return last_; }
  /// Requests that are older than the latest before them, as replay counts them.
  [[nodiscard]] std::uint64_t out_of_order() const { return out_of_order_; }
  /// Requests without a path: what stood in the request line was none.
  [[nodiscard]] std::uint64_t garbage() const { return garbage_; }
  /// Requests in the busiest minute, and when that was.
  [[nodiscard]] std::uint64_t busiest_minute_requests() const { return busiest_requests_; }
  [[nodiscard]] WallTime busiest_minute() const { return busiest_; }

  [[nodiscard]] const DistinctCounter& distinct_clients() const { return distinct_clients_; }
  [[nodiscard]] const DistinctCounter& distinct_users() const { return distinct_users_; }
  [[nodiscard]] const DistinctCounter& distinct_agents() const { return distinct_agents_; }
  [[nodiscard]] const TopCounter& paths() const { return paths_; }  ///< normalised, without query
  [[nodiscard]] const TopCounter& clients() const { return clients_; }
  [[nodiscard]] const TopCounter& agents() const { return agents_; }
  [[nodiscard]] const TopCounter& methods() const { return methods_; }
  [[nodiscard]] const TopCounter& tiers() const { return tiers_; }
  /// Requests by status / 100; [0]: unknown or out of range.
  [[nodiscard]] const std::array<std::uint64_t, traffic::kStatusClasses>& status_classes() const {
    return statuses_;
  }
  /// Of requests that limits meet.
  [[nodiscard]] EndpointDiscovery::Found endpoints() const;

 private:
  void add_time(WallTime time);
  void add_client(const traffic::Request& request, const RequestSums& tally);

  RequestSums total_;
  std::optional<WallTime> first_;
  std::optional<WallTime> last_;
  std::uint64_t out_of_order_ = 0;
  std::uint64_t garbage_ = 0;
  std::map<std::int64_t, std::uint64_t> minutes_;  ///< the newest ones, by minute since the epoch
  std::uint64_t* minute_count_ = nullptr;          ///< minutes_[minute_]: most requests share it
  std::int64_t minute_ = 0;
  std::uint64_t busiest_requests_ = 0;
  WallTime busiest_{};
  std::array<std::uint64_t, traffic::kStatusClasses> statuses_{};
  DistinctCounter distinct_clients_;
  DistinctCounter distinct_users_;
  DistinctCounter distinct_agents_;
  TopCounter paths_;
  TopCounter clients_;
  TopCounter agents_;
  TopCounter methods_;
  TopCounter tiers_;
  EndpointDiscovery endpoints_;
  std::string scratch_;
};

}  // namespace tidelimit::ingest
