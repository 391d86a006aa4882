#include "ingest/endpoints.hpp"

#include <algorithm>

#include "base/endpoint_name.hpp"
#include "base/path.hpp"

namespace tidelimit::ingest {
namespace {

/// With so many counters the error of a count is 0.0125 % of the requests, far below the share that
/// makes an endpoint.
constexpr std::size_t kSegments = 8192;

RequestSums without(const RequestSums& total, const RequestSums& part) {
  return {.requests = total.requests - part.requests,
          .errors = total.errors - part.errors,
          .responses = total.responses - part.responses,
          .bytes = total.bytes - part.bytes,
          .latency_ms_sum = std::max(0.0, total.latency_ms_sum - part.latency_ms_sum),
          .timed = total.timed - part.timed};
}

}  // namespace

EndpointDiscovery::EndpointDiscovery() : segments_(kSegments) {}

void EndpointDiscovery::add(std::string_view target, const RequestSums& tally) {
  total_ += tally;
  if (target.empty()) return;
  std::string_view path = without_case(normalise_path(target, scratch_), scratch_);
  if (path.starts_with('/')) path.remove_prefix(1);
  segments_.add(path.substr(0, path.find('/')), tally);
}

EndpointDiscovery::Found EndpointDiscovery::found(const std::vector<std::string>& tiers) const {
  Found found{.endpoints = {}, .other = total_};
  FreeNames names(tiers);
  for (const TopCounter::Entry& entry : segments_.top(segments_.size())) {
    const double share =
        static_cast<double>(entry.tally.requests) / static_cast<double>(total_.requests);
    if (share < kShare) break;
    // Patterns know * as a wildcard, so such a segment can't be named by one; nor one that was cut.
    if (entry.key.find('*') != entry.key.npos || entry.key.size() >= TopCounter::kMaxKey) continue;
    std::string name = names.take(plain_name(entry.key));
    found.other = without(found.other, entry.tally);
    std::string match = entry.key.empty() ? "/" : "/" + entry.key + "/**";
    found.endpoints.push_back({std::move(name), std::move(match), entry.tally});
  }
  return found;
}

}  // namespace tidelimit::ingest
