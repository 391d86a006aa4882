#include "ingest/summary.hpp"

#include <algorithm>
#include <cmath>

#include "base/hash.hpp"
#include "base/path.hpp"

namespace tidelimit::ingest {
namespace {

/// Enough that the tops shown are right: a path with more than 1/4096 of the requests is never
/// lost.
constexpr std::size_t kKeys = 4096;
/// A request method or tier is a word of few; hostile ones must not fill memory.
constexpr std::size_t kWords = 64;
/// Minutes that stay open for late lines: more than two days.
constexpr std::size_t kMinutes = 4096;
constexpr std::uint64_t kSeed = 0;

RequestSums tally_of(const traffic::Request& request) {
  const bool timed = !std::isnan(request.latency_ms);
  const std::uint16_t status = traffic::answered_status(request);
  return {.requests = 1,
          .errors = traffic::is_error(status) ? 1u : 0u,
          .responses = status != 0 ? 1u : 0u,
          .bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(request.bytes, 0)),
          .latency_ms_sum = timed ? static_cast<double>(request.latency_ms) : 0.0,
          .timed = timed ? 1u : 0u};
}

}  // namespace

Summary::Summary()
    : paths_(kKeys), clients_(kKeys), agents_(kKeys), methods_(kWords), tiers_(kWords) {}

void Summary::add(const traffic::Request& request) {
  const RequestSums tally = tally_of(request);
  total_ += tally;
  add_time(request.time);
  add_client(request, tally);
  ++statuses_[traffic::status_class(request.status)];
  if (traffic::meets_limits(request)) endpoints_.add(request.path, tally);
  if (request.path.empty())
    ++garbage_;
  else
    paths_.add(normalise_path(request.path, scratch_), tally);
  if (!request.method.empty()) methods_.add(request.method, tally);
  if (!request.tier.empty()) tiers_.add(request.tier, tally);
  if (!request.user_id.empty()) distinct_users_.add(hash_bytes(request.user_id, kSeed));
  if (!request.user_agent.empty()) {
    agents_.add(request.user_agent, tally);
    distinct_agents_.add(hash_bytes(request.user_agent, kSeed));
  }
}

EndpointDiscovery::Found Summary::endpoints() const {
  std::vector<std::string> tiers;
  for (auto& entry : tiers_.top(tiers_.size())) tiers.push_back(std::move(entry.key));
  return endpoints_.found(tiers);
}

void Summary::add_client(const traffic::Request& request, const RequestSums& tally) {
  distinct_clients_.add(hash_client(request.client, kSeed));
  const bool v4 = request.client.is_v4() && request.client_name.find(':') == std::string_view::npos;
  const bool written_as_judged = v4 || request.client.is_host_name();
  if (written_as_judged)
    clients_.add(request.client_name, tally);
  else
    clients_.add(format_client(request.client), tally);  // an IPv6 /64, or ::ffff:192.0.2.1
}

void Summary::add_time(WallTime time) {
  if (!first_ || time < *first_) first_ = time;
  if (last_ && time < *last_) ++out_of_order_;
  if (!last_ || time > *last_) last_ = time;

  const std::int64_t minute =
      std::chrono::floor<std::chrono::minutes>(time).time_since_epoch().count();
  if (minute_count_ == nullptr || minute != minute_) {
    if (minutes_.size() == kMinutes && !minutes_.contains(minute)) minutes_.erase(minutes_.begin());
    minute_count_ = &minutes_[minute];
    minute_ = minute;
  }
  if (++*minute_count_ > busiest_requests_) {
    busiest_requests_ = *minute_count_;
    busiest_ = WallTime{std::chrono::minutes{minute}};
  }
}

}  // namespace tidelimit::ingest
