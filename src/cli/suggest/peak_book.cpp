#include "cli/suggest/peak_book.hpp"

#include <algorithm>
#include <numeric>

namespace tidelimit::cli {
namespace {

constexpr Nanos kBin = std::chrono::seconds{5};

}  // namespace

void PeakBook::add(std::uint64_t principal, const ClientId& client, std::uint16_t endpoint,
                   std::uint8_t tier, WallTime time) {
  if (principal % one_in_ != 0) return;
  const auto [found, fresh] = entries_.try_emplace(place_of(principal, endpoint));
  Entry& entry = found->second;
  const std::int64_t bin = time.time_since_epoch() / kBin;
  if (fresh) {
    entry.peak.principal = principal;
    entry.peak.endpoint = endpoint;
    entry.bin = bin;
  }
  entry.peak.client = client;
  entry.peak.tiers |= std::uint64_t{1} << tier;
  for (std::int64_t step = std::min<std::int64_t>(bin - entry.bin, kBins); step > 0; --step) {
    std::rotate(entry.counts.begin(), entry.counts.begin() + 1, entry.counts.end());
    entry.counts.back() = 0;
  }
  entry.bin = std::max(entry.bin, bin);
  ++entry.counts.back();
  ++entry.peak.total;
  entry.peak.peak = std::max(
      entry.peak.peak, std::accumulate(entry.counts.begin(), entry.counts.end(), std::uint32_t{0}));
  if (fresh && entries_.size() > capacity_) thin_out();
}

void PeakBook::thin_out() {
  one_in_ *= 2;
  std::erase_if(entries_,
                [this](const auto& item) { return item.second.peak.principal % one_in_ != 0; });
}

std::vector<Peak> PeakBook::peaks() const {
  std::vector<Peak> peaks;
  peaks.reserve(entries_.size());
  for (const auto& [key, entry] : entries_) peaks.push_back(entry.peak);
  return peaks;
}

}  // namespace tidelimit::cli
