// Buckets on their way out of a table and into another: how limits outlive the process.
#include "limiter/bucket_state.hpp"

namespace tidelimit::limiter {

// Key and state are loaded one after the other, so the key is looked at again. A state of another
// key can't have stood between: one with a TAT ahead keeps its place until that is past.
std::size_t BucketRegion::copy_later(Tat than, std::size_t& cursor,
                                     std::span<KeptBucket> out) const noexcept {
  std::size_t count = 0;
  for (; cursor < pairs_.size() && out.size() - count >= kSets * kWays; ++cursor) {
    for (const Set& set : pairs_[cursor].sets) {
      for (const BucketEntry& entry : set.entries) {
        const auto key = entry.key.load(std::memory_order_acquire);
        const auto state = entry.state.load(std::memory_order_acquire);
        if (is_tentative(state) || tat_of(state) <= than) continue;
        if (entry.key.load(std::memory_order_relaxed) == key) out[count++] = {key, tat_of(state)};
      }
    }
  }
  return count;
}

bool BucketRegion::restore(const KeptBucket& kept, std::uint64_t epoch, Instant now) noexcept {
  if (kept.key == 0 || !fits(kept.tat)) return false;
  BucketCall call;
  call.key = kept.key;
  const Probe probed = probe(kept.key, now);
  if (probed.match != nullptr) return true;
  return probed.vacancy != nullptr &&
         insert(call, probed, kept.tat, pack(kept.tat, epoch, kReturned));
}

}  // namespace tidelimit::limiter
