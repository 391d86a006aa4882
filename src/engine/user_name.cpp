#include "engine/user_name.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace tidelimit::engine {
namespace {

/// Bytes of the beginning: it does not end within a character of UTF-8.
std::size_t cut_at(std::string_view user_id) noexcept {
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(user_id[at]) & 0xc0) == 0x80;
  };
  std::size_t at = UserName::kWhole;
  while (at > UserName::kWhole - 3 && continues(at)) --at;
  return continues(at) ? UserName::kWhole : at;  // no UTF-8
}

bool is_cut_name(std::string_view text) noexcept {
  constexpr std::size_t kEnd = UserName::kCut.size() + UserName::kDigits;
  if (text.size() > UserName::kWhole + kEnd || text.size() < UserName::kWhole - 3 + kEnd)
    return false;
  const std::string_view end = text.substr(text.size() - kEnd);
  return end.starts_with(UserName::kCut) &&
         end.find_first_not_of(kHexDigits, UserName::kCut.size()) == std::string_view::npos;
}

}  // namespace

void UserName::set(std::string_view user_id, const SipKey& key) noexcept {
  if (user_id.size() <= kWhole) return text.set(user_id);
  text.set(user_id.substr(0, cut_at(user_id)));
  char* to = std::copy(kCut.begin(), kCut.end(), text.bytes.data() + text.size);
  const std::uint64_t hash = siphash(key, user_id);
  for (std::size_t i = kDigits; i-- > 0;) *to++ = kHexDigits[hash >> (4 * i) & 15];
  text.size = static_cast<std::uint8_t>(to - text.bytes.data());
}

std::string user_name(std::string_view user_id, const SipKey& key) {
  UserName name;
  name.set(user_id, key);
  return std::string(name.view());
}

std::string user_asked_for(std::string_view text, const SipKey& key) {
  return is_cut_name(text) ? std::string(text) : user_name(text, key);
}

}  // namespace tidelimit::engine
