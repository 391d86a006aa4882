#pragma once

#include <cstdint>
#include <map>

#include "base/time.hpp"
#include "traffic/kept_request.hpp"

namespace tidelimit::cli {

/// Puts requests that come late into the order of their times; equal times keep theirs. What is
/// later than others by more than the reach comes when it comes, and is counted. Bounded memory.
/// One thread.
class TimeSorter {
 public:
  static constexpr Nanos kReach = std::chrono::hours{1};
  static constexpr std::size_t kHeldMost = 100'000;  // requests; of a busier log the reach is less
  static constexpr std::size_t kHeldBytesMost = 64 * 1024 * 1024;

  template <class Take>
  void add(const traffic::Request& request, Take&& take) {
    const auto place = held_.emplace(request.time, traffic::KeptRequest(request));
    bytes_ += place->second.text_bytes();
    latest_ = std::max(latest_, request.time);
    while (held_.size() > kHeldMost || bytes_ > kHeldBytesMost ||
           held_.begin()->first + kReach < latest_)
      release(take);
  }
  /// No more will come.
  template <class Take>
  void finish(Take&& take) {
    while (!held_.empty()) release(take);
  }

  /// Requests given out after a later one.
  [[nodiscard]] std::uint64_t late() const { return late_; }

 private:
  template <class Take>
  void release(Take&& take) {
    const auto first = held_.begin();
    if (first->first < given_) ++late_;
    given_ = std::max(given_, first->first);
    bytes_ -= first->second.text_bytes();
    take(first->second.request());
    held_.erase(first);
  }

  std::multimap<WallTime, traffic::KeptRequest> held_;
  std::size_t bytes_ = 0;
  WallTime latest_ = WallTime::min();
  WallTime given_ = WallTime::min();
  std::uint64_t late_ = 0;
};

}  // namespace tidelimit::cli
