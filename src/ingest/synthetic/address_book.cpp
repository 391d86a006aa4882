#include "ingest/synthetic/address_book.hpp"

#include <algorithm>
#include <string>

#include "base/hash.hpp"

namespace tidelimit::synthetic {
namespace {

// One in four households has IPv6.
constexpr std::uint64_t kV6Every = 4;
// Of eight IPv4 lines of a block seven are good, one is an attacker's.
constexpr std::uint32_t kLanes = 8;
constexpr std::uint32_t kAttackLane = kLanes - 1;

/// A bijection of the numbers below 2^bits (odd multiplier, addition and shifted xor are each one).
std::uint32_t permute(std::uint32_t number, unsigned bits, std::uint32_t salt) {
  const std::uint32_t mask = bits == 32 ? ~0U : (1U << bits) - 1U;
  const unsigned half = (bits + 1) / 2;
  std::uint32_t x = number & mask;
  for (int round = 0; round < 3; ++round) {
    x = (x * 0x9e3779b1U + salt) & mask;
    x ^= x >> half;
  }
  return x;
}

Address v4(std::uint32_t host_order) {
  Address address;
  address.bytes[10] = address.bytes[11] = 0xff;
  for (std::size_t i = 0; i < 4; ++i) {
    address.bytes[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  }
  return address;
}

Address v6(std::uint32_t network, std::uint64_t host) {
  Address address;
  address.bytes = {0x20, 0x01, 0x0d, 0xb8};
  for (std::size_t i = 0; i < 4; ++i) {
    address.bytes[4 + i] = static_cast<std::uint8_t>(network >> (24 - 8 * i));
  }
  for (std::size_t i = 0; i < 8; ++i) {
    address.bytes[8 + i] = static_cast<std::uint8_t>(host >> (56 - 8 * i));
  }
  return address;
}

Client client_at(const Address& address) {
  Client client;
  client.id = client_of(address);
  const std::string text = format_address(address);
  client.length = static_cast<std::uint8_t>(std::min(text.size(), client.text.size()));
  std::copy_n(text.begin(), client.length, client.text.begin());
  return client;
}

}  // namespace

AddressBook::AddressBook(std::uint64_t seed) : salt_(static_cast<std::uint32_t>(mix(seed, 0x1b))) {}

Client AddressBook::line(std::uint32_t v4_number, std::uint32_t v6_number, bool is_v6) const {
  if (is_v6) {
    const std::uint32_t network = permute(v6_number, 32, salt_);
    return client_at(v6(network, mix(network, salt_)));
  }
  constexpr std::uint32_t kSharedSpace = 0x64400000;  // 100.64.0.0/10
  return client_at(v4(kSharedSpace | permute(v4_number, 22, salt_)));
}

Client AddressBook::household(std::uint32_t number) const {
  const std::uint32_t slot = (number / kAttackLane) * kLanes + number % kAttackLane;
  return line(slot, number * 2, mix(number, salt_) % kV6Every == 0);
}

Client AddressBook::hijacked(std::uint32_t number) const {
  return line(number * kLanes + kAttackLane, number * 2 + 1, mix(~number, salt_) % kV6Every == 0);
}

Client AddressBook::server(std::uint32_t rack, std::uint32_t slot) const {
  constexpr std::uint32_t kServers = 0xc6120000;  // 198.18.0.0/15
  const std::uint32_t host = 1 + permute(slot, 7, rack * 2 + 1) * 2;
  return client_at(v4(kServers | permute(rack, 9, salt_) << 8 | host));
}

Client AddressBook::service(std::uint32_t slot) const {
  constexpr std::uint32_t kServices = 0xc6336400;  // 198.51.100.0/24
  return client_at(v4(kServices | (1 + slot % 254)));
}

}  // namespace tidelimit::synthetic
