#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tidelimit::ingest {

/// What is summed up for each of many keys.
struct RequestSums {
  std::uint64_t requests = 0;
  std::uint64_t errors = 0;     ///< status >= 400
  std::uint64_t responses = 0;  ///< with a known status
  std::uint64_t bytes = 0;
  double latency_ms_sum = 0;
  std::uint64_t timed = 0;  ///< requests with a known latency

  void operator+=(const RequestSums& other);
};

/// The most frequent of any number of keys in bounded memory: Misra and Gries' counters with
/// evictions in bulk by the median (Anderson et al. 2017, "A High-Performance Algorithm for
/// Identifying Frequent Items in Data Streams"). Exact while at most 2 * capacity keys were seen;
/// after that any key with more than total / capacity requests is kept, and its count is short by
/// at most missed(), which is no more than total / capacity. One thread.
class TopCounter {
 public:
  /// Keys are told apart by so many of their first bytes.
  static constexpr std::size_t kMaxKey = 256;

  /// capacity >= 1.
  explicit TopCounter(std::size_t capacity);

  /// Counts `tally` for `key`.
  void add(std::string_view key, const RequestSums& tally);

  struct Entry {
    std::string key;
    RequestSums tally;
  };
  /// The `n` keys with most requests, most first; equal ones by name.
  [[nodiscard]] std::vector<Entry> top(std::size_t n) const;

  [[nodiscard]] std::size_t size() const { return tallies_.size(); }
  /// At most so many requests of any key were counted elsewhere; 0: everything is exact.
  [[nodiscard]] std::uint64_t missed() const { return missed_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const;
  };
  /// `rank` = requests seen + what may have been missed: the estimate that evictions go by.
  struct Counted {
    RequestSums tally;
    std::uint64_t rank = 0;
  };

  void evict();

  std::size_t capacity_;
  std::uint64_t missed_ = 0;
  std::unordered_map<std::string, Counted, Hash, std::equal_to<>> tallies_;
};

}  // namespace tidelimit::ingest
