#include "serve/grpc/wire.hpp"

#include <algorithm>
#include <cassert>

#include "base/ascii.hpp"
#include "base/percent_encoding.hpp"

namespace tidelimit::serve::grpc {
namespace {

constexpr std::size_t kTimeoutDigits = 8;
constexpr std::size_t kKeptCapacity = 4 << 10;  // more is given back

constexpr std::uint32_t length_of(std::string_view prefix) {
  std::uint32_t length = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i)
    length = length << 8 | static_cast<unsigned char>(prefix[i]);
  return length;
}

std::optional<Nanos> unit(char letter) {
  switch (letter) {
    case 'H':
      return std::chrono::hours{1};
    case 'M':
      return std::chrono::minutes{1};
    case 'S':
      return std::chrono::seconds{1};
    case 'm':
      return std::chrono::milliseconds{1};
    case 'u':
      return std::chrono::microseconds{1};
    case 'n':
      return Nanos{1};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::size_t begin_message(std::string& out) {
  const std::size_t at = out.size();
  out.append(kPrefixBytes, '\0');
  return at;
}

void end_message(std::string& out, std::size_t at) {
  assert(at + kPrefixBytes <= out.size());
  auto length = static_cast<std::uint32_t>(out.size() - at - kPrefixBytes);
  for (std::size_t i = kPrefixBytes - 1; i > 0; --i, length >>= 8)
    out[at + i] = static_cast<char>(length & 0xff);
}

MessageReader::Step MessageReader::read(std::string_view& bytes, std::size_t limit) {
  if (taken_) clear();
  if (kept_.size() < kPrefixBytes) {
    // The usual case copies nothing: a whole message is here.
    const std::size_t wanted = kPrefixBytes - kept_.size();
    if (!kept_.empty() || bytes.size() < wanted) {
      const std::size_t now = std::min(wanted, bytes.size());
      kept_.append(bytes.substr(0, now));
      bytes.remove_prefix(now);
      if (kept_.size() < kPrefixBytes) return Step::starved;
    }
  }
  const std::string_view prefix = kept_.empty() ? bytes : kept_;
  if (prefix[0] != '\0') return prefix[0] == '\1' ? Step::compressed : Step::malformed;
  const std::size_t length = length_of(prefix);
  if (length > limit) return Step::too_large;
  if (kept_.empty() && bytes.size() >= kPrefixBytes + length) {
    message_ = bytes.substr(kPrefixBytes, length);
    bytes.remove_prefix(kPrefixBytes + length);
    return Step::message;
  }
  const std::size_t now = std::min(kPrefixBytes + length - kept_.size(), bytes.size());
  kept_.append(bytes.substr(0, now));
  bytes.remove_prefix(now);
  if (kept_.size() < kPrefixBytes + length) return Step::starved;
  message_ = std::string_view(kept_).substr(kPrefixBytes);
  taken_ = true;
  return Step::message;
}

void MessageReader::clear() {
  if (kept_.capacity() > kKeptCapacity) kept_ = std::string();
  kept_.clear();
  message_ = {};
  taken_ = false;
}

std::optional<Nanos> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > kTimeoutDigits + 1) return std::nullopt;
  const auto one = unit(text.back());
  text.remove_suffix(1);
  std::int64_t count = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    count = count * 10 + (c - '0');
  }
  if (!one) return std::nullopt;
  // Eight digits of hours are more than 64 bits of nanoseconds hold.
  return Nanos{std::min(count, Nanos::max().count() / 4 / one->count()) * one->count()};
}

void append_percent_encoded(std::string& out, std::string_view message) {
  if (message.size() > kMessageBytes) {
    message = message.substr(0, kMessageBytes);
    // No character is cut in two.
    while (!message.empty() && (static_cast<unsigned char>(message.back()) & 0xc0) == 0x80)
      message.remove_suffix(1);
    if (!message.empty() && static_cast<unsigned char>(message.back()) >= 0xc0)
      message.remove_suffix(1);
  }
  for (const char c : message) {
    if (c >= 0x20 && c < 0x7f && c != '%') {
      out.push_back(c);
    } else {
      append_percent_escape(out, c);
    }
  }
}

bool is_grpc_content_type(std::string_view text) {
  constexpr std::string_view kType = "application/grpc";
  if (!text.starts_with(kType)) return false;
  return text.size() == kType.size() || text[kType.size()] == '+' || text[kType.size()] == ';';
}

}  // namespace tidelimit::serve::grpc
