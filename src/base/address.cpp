#include "base/address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <bit>
#include <cstring>
#include <sys/socket.h>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"

namespace tidelimit {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedV4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::uint64_t kMappedWord = std::uint64_t{0xffff} << 32;
// 64:ff9b::/96, under which translators write all of IPv4 (RFC 6052).
constexpr std::uint64_t kTranslatedWord = std::uint64_t{0x64'ff9b} << 32;
/// Host names live in 0100::/8.
constexpr std::uint64_t kHostNameTag = std::uint64_t{0x01} << 56;
/// Names hash alike in every process: a log's client is the same one tomorrow.
constexpr std::uint64_t kHostNameSeed = 0x686f73746e616d65ULL;
/// ::/64 as a client: zero is taken by "no client".
constexpr ClientId kLowestV6{0, 1};

std::uint64_t load_word(const std::uint8_t* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

void store_word(std::uint64_t word, std::uint8_t* bytes) {
  if (std::endian::native == std::endian::little) word = __builtin_bswap64(word);
  std::memcpy(bytes, &word, sizeof word);
}

/// Four decimal numbers of 0 to 255 without leading zeros (which some readers take for octal).
std::optional<std::uint32_t> parse_v4(std::string_view text) {
  std::uint32_t address = 0;
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && (at >= text.size() || text[at++] != '.')) return std::nullopt;
    const std::size_t first = at;
    std::uint32_t value = 0;
    while (at < text.size() && at - first < 3 && is_digit(text[at]))
      value = value * 10 + static_cast<std::uint32_t>(text[at++] - '0');
    const std::size_t digits = at - first;
    if (digits == 0 || value > 255 || (digits > 1 && text[first] == '0')) return std::nullopt;
    address = address << 8 | value;
  }
  return at == text.size() ? std::optional(address) : std::nullopt;
}

Address mapped(std::uint32_t v4) {
  Address address;
  std::copy(kMappedV4.begin(), kMappedV4.end(), address.bytes.begin());
  for (std::size_t i = 0; i < 4; ++i)
    address.bytes[12 + i] = static_cast<std::uint8_t>(v4 >> (24 - 8 * i));
  return address;
}

/// The address with all bits from `length` on cleared.
Address masked(Address address, std::uint8_t length) {
  for (std::size_t i = 0; i < address.bytes.size(); ++i) {
    const int kept = std::clamp(static_cast<int>(length) - static_cast<int>(8 * i), 0, 8);
    address.bytes[i] &= static_cast<std::uint8_t>(0xff00 >> kept);
  }
  return address;
}

ClientId host_name(std::string_view text) {
  const std::string folded = to_lower(text);
  const XXH128_hash_t hash = XXH3_128bits_withSeed(folded.data(), folded.size(), kHostNameSeed);
  return {kHostNameTag | (hash.high64 >> 8), hash.low64};
}

}  // namespace

bool Address::is_v4() const {
  return std::equal(kMappedV4.begin(), kMappedV4.end(), bytes.begin());
}

std::optional<Address> parse_address(std::string_view text) {
  if (const auto v4 = parse_v4(text)) return mapped(*v4);
  // The longest IPv6 text, with a dotted tail, has 45 characters. inet_pton knows no zones.
  std::array<char, 46> terminated{};
  if (text.size() < 2 || text.size() >= terminated.size() || text.find(':') == text.npos)
    return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  Address address;
  if (inet_pton(AF_INET6, terminated.data(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

std::string format_address(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.is_v4())
    inet_ntop(AF_INET, address.bytes.data() + 12, text.data(), text.size());
  else
    inet_ntop(AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

bool Prefix::contains(const Address& candidate) const {
  const std::size_t whole = length / 8;
  if (!std::equal(address.bytes.begin(), address.bytes.begin() + whole, candidate.bytes.begin()))
    return false;
  const int rest = length % 8;
  return rest == 0 || (address.bytes[whole] ^ candidate.bytes[whole]) >> (8 - rest) == 0;
}

Result<Prefix> parse_prefix(std::string_view text) {
  const auto bad = [&](std::string_view mend) {
    return fail(Code::invalid_argument,
                "\"" + printable(text, 60) + "\" is no address block: " + std::string(mend));
  };
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return bad("write it like 10.0.0.0/8, 2001:db8::/32 or 203.0.113.7");
  if (slash == text.npos) return Prefix{*address, 128};

  // A dotted address counts its bits from the start of the dotted part.
  const bool dotted = address->is_v4() && text.substr(0, slash).find(':') == text.npos;
  const std::uint64_t bits = dotted ? 32 : 128;
  const auto length = parse_uint(text.substr(slash + 1));
  if (!length || *length > bits)
    return bad("the length after / goes from 0 to " + std::to_string(bits));
  const Prefix prefix{*address, static_cast<std::uint8_t>(*length + (dotted ? 96 : 0))};
  const Address network = masked(prefix.address, prefix.length);
  if (network != prefix.address)
    return bad("bits are set beyond its length; write " + format_prefix({network, prefix.length}));
  return prefix;
}

std::string format_prefix(const Prefix& prefix) {
  if (prefix.length == 128) return format_address(prefix.address);
  const bool v4 = prefix.address.is_v4() && prefix.length >= 96;
  const int length = v4 ? prefix.length - 96 : prefix.length;
  return format_address(prefix.address) + "/" + std::to_string(length);
}

ClientId client_of(const Address& address) {
  const std::uint64_t hi = load_word(address.bytes.data());
  const std::uint64_t lo = load_word(address.bytes.data() + 8);
  if (hi == kTranslatedWord && lo >> 32 == 0) return {0, kMappedWord | lo};
  if (address.is_v4() || (hi == 0 && lo == 0)) return {hi, lo};
  return hi == 0 ? kLowestV6 : ClientId{hi, 0};
}

ClientId client_of(std::string_view text) {
  if (text.empty()) return {};
  const auto address = parse_address(text);
  return address ? client_of(*address) : host_name(text);
}

Address address_of(const ClientId& client) {
  Address address;
  store_word(client.hi, address.bytes.data());
  store_word(client == kLowestV6 ? 0 : client.lo, address.bytes.data() + 8);
  return address;
}

std::string format_client(const ClientId& client) {
  if (client.is_host_name()) {
    std::string text = "host#";
    for (int shift = 60; shift >= 0; shift -= 4) text += kHexDigits[client.lo >> shift & 0xf];
    return text;
  }
  const std::string text = format_address(address_of(client));
  return client.is_v4() || client.empty() ? text : text + "/64";
}

std::optional<ClientId> parse_client(std::string_view text) {
  const bool block = text.ends_with("/64");
  if (block) text.remove_suffix(3);
  const auto address = parse_address(text);
  if (!address) return std::nullopt;
  const ClientId client = client_of(*address);
  return block && client.empty() ? kLowestV6 : client;
}

ClientId neighbourhood_of(const ClientId& client) {
  if (client.is_host_name()) return client;
  if (client.is_v4()) return {0, kMappedWord | (client.lo & 0xffffff00)};
  return {client.hi & ~std::uint64_t{0xffff}, client.hi == 0 ? client.lo : 0};
}

}  // namespace tidelimit
