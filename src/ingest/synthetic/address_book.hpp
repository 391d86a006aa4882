#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/address.hpp"

namespace tidelimit::synthetic {

/// An address as it stands in the log, and the client it names.
struct Client {
  ClientId id;
  std::array<char, 40> text{};
  std::uint8_t length = 0;

  [[nodiscard]] std::string_view name() const { return {text.data(), length}; }
};

/// Addresses for everybody, all in blocks that are nobody's on the Internet: households in
/// 100.64.0.0/10 and 2001:db8::/32 (attackers on hijacked lines live among them), rented servers in
/// 198.18.0.0/15, well-known services in 198.51.100.0/24. A number is permuted over its block, so
/// neighbours in number are none in address, and no two share one, until a block is used up
/// (3.6 million good IPv4 households, half a million attackers, 512 server racks): then it starts
/// over, within the same kind.
class AddressBook {
 public:
  explicit AddressBook(std::uint64_t seed);

  /// The same client for the same number, at any time.
  [[nodiscard]] Client household(std::uint32_t number) const;
  /// A line used for an attack; never one of `household`.
  [[nodiscard]] Client hijacked(std::uint32_t number) const;
  /// A server in a rented /24 that holds nothing but one campaign of attackers.
  [[nodiscard]] Client server(std::uint32_t rack, std::uint32_t slot) const;
  /// A monitor, crawler or partner; slot < 254.
  [[nodiscard]] Client service(std::uint32_t slot) const;

 private:
  [[nodiscard]] Client line(std::uint32_t v4_number, std::uint32_t v6_number, bool v6) const;

  std::uint32_t salt_;
};

}  // namespace tidelimit::synthetic
