#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit {

/// An IP address as 16 bytes in network order; IPv4 as ::ffff:a.b.c.d.
struct Address {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Address&) const = default;
  [[nodiscard]] bool is_v4() const;
};

/// Dotted IPv4 or IPv6 text (zone ids and brackets refused). nullopt when it is neither. Never
/// resolves names.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);
[[nodiscard]] std::string format_address(const Address& address);

/// A block of addresses; `length` counts bits of the 128 (IPv4 /24 is 120).
struct Prefix {
  Address address;
  std::uint8_t length = 128;

  bool operator==(const Prefix&) const = default;
  [[nodiscard]] bool contains(const Address& candidate) const;
};

/// "10.0.0.0/8", "2001:db8::/32", or a bare address. Host bits must be zero; the error names the
/// mend.
[[nodiscard]] Result<Prefix> parse_prefix(std::string_view text);
[[nodiscard]] std::string format_prefix(const Prefix& prefix);

/// Who is judged for abuse: an IPv4 address, an IPv6 /64, or a host name of a log, taken literally.
/// 16 bytes in two words. Host names live as a 120-bit hash in 0100::/8, which is no routed address
/// space, so all three compare and hash alike.
struct ClientId {
  std::uint64_t hi = 0;
  std::uint64_t lo = 0;

  auto operator<=>(const ClientId&) const = default;
  [[nodiscard]] bool is_host_name() const { return (hi >> 56) == 0x01; }
  [[nodiscard]] bool is_v4() const { return hi == 0 && (lo >> 32) == 0xffff; }
  /// No client: all zero (the unspecified address).
  [[nodiscard]] bool empty() const { return hi == 0 && lo == 0; }
};

/// The client of an address: IPv6 is cut to its /64, and what a translator writes (64:ff9b::/96,
/// RFC 6052) is the IPv4 address in it: else all callers behind one translator were one client.
[[nodiscard]] ClientId client_of(const Address& address);

/// The client that a log's text names: an address where it parses as one, else the literal host
/// name (case folded).
[[nodiscard]] ClientId client_of(std::string_view text);

/// The address (for IPv6: the first of its /64). Meaningless for host names.
[[nodiscard]] Address address_of(const ClientId& client);

/// "203.0.113.7", "2001:db8:1:2::/64"; a host name as "host#<hash>" (its text is not kept here).
[[nodiscard]] std::string format_client(const ClientId& client);

/// What format_client writes, but for host names; or any address of the client.
[[nodiscard]] std::optional<ClientId> parse_client(std::string_view text);

/// The neighbourhood that newcomers share when memory is full: IPv4 /24, IPv6 /48, host names one
/// by one.
[[nodiscard]] ClientId neighbourhood_of(const ClientId& client);

}  // namespace tidelimit
