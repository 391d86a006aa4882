#include "limiter/prefix_index.hpp"

#include <algorithm>
#include <tuple>

namespace tidelimit::limiter {

PrefixIndex::PrefixIndex(const std::vector<Prefix>& prefixes) {
  items_.reserve(prefixes.size());
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    Key key;
    for (std::size_t byte = 0; byte < 8; ++byte) {
      key.hi = key.hi << 8 | prefixes[i].address.bytes[byte];
      key.lo = key.lo << 8 | prefixes[i].address.bytes[byte + 8];
    }
    const bool v4 = key.hi == 0 && key.lo >> 32 == 0xffff;
    std::uint8_t length = v4 ? prefixes[i].length : std::min<std::uint8_t>(prefixes[i].length, 64);
    // All of IPv4 lies within ::/64, whose own client is one value: ::1 must not stand for IPv4.
    if (!v4 && length == 64 && key.hi == 0) {
      const ClientId lowest = client_of("::1");
      key = {lowest.hi, lowest.lo};
      length = 128;
    }
    items_.push_back({length, masked(key, length), i});
  }
  std::sort(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
    return std::tie(b.length, a.key, b.position) < std::tie(a.length, b.key, a.position);
  });
  for (std::size_t i = 0; i < items_.size(); ++i) {
    if (ranges_.empty() || ranges_.back().length != items_[i].length)
      ranges_.push_back({items_[i].length, i, i});
    ranges_.back().end = i + 1;
  }
}

PrefixIndex::Key PrefixIndex::masked(Key key, std::uint8_t length) noexcept {
  const auto top = [](unsigned bits) { return bits == 0 ? 0 : ~std::uint64_t{0} << (64 - bits); };
  key.hi &= top(std::min<unsigned>(length, 64));
  key.lo &= top(length > 64 ? length - 64u : 0u);
  return key;
}

std::size_t PrefixIndex::lower_bound(const Range& range, const Key& key) const noexcept {
  const auto first = items_.begin() + static_cast<std::ptrdiff_t>(range.begin);
  const auto last = items_.begin() + static_cast<std::ptrdiff_t>(range.end);
  const auto found = std::lower_bound(
      first, last, key, [](const Item& item, const Key& wanted) { return item.key < wanted; });
  return static_cast<std::size_t>(found - items_.begin());
}

}  // namespace tidelimit::limiter
