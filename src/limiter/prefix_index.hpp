#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.hpp"

namespace tidelimit::limiter {

/// Finds the blocks that hold a client, the longest first: one binary search for each length in
/// use. Immutable. A client is an IPv4 address or an IPv6 /64, so a longer IPv6 prefix stands for
/// its /64. Host names are in no block.
class PrefixIndex {
 public:
  PrefixIndex() = default;
  explicit PrefixIndex(const std::vector<Prefix>& prefixes);

  [[nodiscard]] bool empty() const noexcept { return items_.empty(); }

  /// The position (in the constructor's list) of the longest prefix that holds the client and that
  /// `accept(position)` takes; of equal prefixes the later one is asked first.
  template <class Accept>
  [[nodiscard]] std::optional<std::size_t> find(const ClientId& client, Accept&& accept) const {
    if (client.is_host_name()) return std::nullopt;
    for (const Range& range : ranges_) {
      const Key key = masked({client.hi, client.lo}, range.length);
      for (std::size_t i = lower_bound(range, key); i < range.end && items_[i].key == key; ++i)
        if (accept(items_[i].position)) return items_[i].position;
    }
    return std::nullopt;
  }

 private:
  struct Key {
    std::uint64_t hi = 0;
    std::uint64_t lo = 0;
    auto operator<=>(const Key&) const = default;
  };
  struct Item {
    std::uint8_t length;
    Key key;
    std::size_t position;
  };
  struct Range {
    std::uint8_t length;
    std::size_t begin;
    std::size_t end;
  };

  [[nodiscard]] static Key masked(Key key, std::uint8_t length) noexcept;
  [[nodiscard]] std::size_t lower_bound(const Range& range, const Key& key) const noexcept;

  std::vector<Item> items_;  ///< by length falling, key rising, position falling
  std::vector<Range> ranges_;
};

}  // namespace tidelimit::limiter
