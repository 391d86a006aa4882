#include "ingest/top_counter.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace tidelimit::ingest {

void RequestSums::operator+=(const RequestSums& other) {
  requests += other.requests;
  errors += other.errors;
  responses += other.responses;
  bytes += other.bytes;
  latency_ms_sum += other.latency_ms_sum;
  timed += other.timed;
}

std::size_t TopCounter::Hash::operator()(std::string_view text) const {
  return hash_bytes(text, 0);
}

TopCounter::TopCounter(std::size_t capacity) : capacity_(capacity) {}

void TopCounter::add(std::string_view key, const RequestSums& tally) {
  key = key.substr(0, kMaxKey);
  auto at = tallies_.find(key);
  if (at == tallies_.end()) {
    if (tallies_.size() == 2 * capacity_) evict();
    at = tallies_.emplace(key, Counted{.tally = {}, .rank = missed_}).first;
  }
  at->second.tally += tally;
  at->second.rank += tally.requests;
}

/// Drops the lesser half: every key whose rank is no higher than the capacity-th smallest. None of
/// them, nor, by induction, any key dropped before, had more requests than that.
void TopCounter::evict() {
  std::vector<std::uint64_t> ranks;
  ranks.reserve(tallies_.size());
  for (const auto& [key, counted] : tallies_) ranks.push_back(counted.rank);
  const auto nth = ranks.begin() + static_cast<std::ptrdiff_t>(capacity_ - 1);
  std::nth_element(ranks.begin(), nth, ranks.end());
  missed_ = *nth;
  std::erase_if(tallies_, [this](const auto& entry) { return entry.second.rank <= missed_; });
}

std::vector<TopCounter::Entry> TopCounter::top(std::size_t n) const {
  std::vector<Entry> entries;
  entries.reserve(tallies_.size());
  for (const auto& [key, counted] : tallies_) entries.push_back({key, counted.tally});
  n = std::min(n, entries.size());
  std::partial_sort(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(n),
                    entries.end(), [](const Entry& a, const Entry& b) {
                      if (a.tally.requests != b.tally.requests) {
                        return a.tally.requests > b.tally.requests;
                      }
                      return a.key < b.key;
                    });
  entries.resize(n);
  return entries;
}

}  // namespace tidelimit::ingest
