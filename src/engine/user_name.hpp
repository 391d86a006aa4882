#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/siphash.hpp"

namespace tidelimit::engine {

/// Text cut to a fixed length, kept in place.
template <std::size_t N>
struct ShortText {
  static_assert(N < 256);
  std::uint8_t size;
  std::array<char, N> bytes;

  void set(std::string_view text) noexcept {
    size = static_cast<std::uint8_t>(text.size() < N ? text.size() : N);
    text.copy(bytes.data(), size);
  }
  [[nodiscard]] std::string_view view() const noexcept { return {bytes.data(), size}; }
};

/// A user id as records name it: itself, or, beyond 64 bytes (subjects of certificates are), its
/// first 64 or up to three fewer that end with a whole character, "…" and a keyed hash of all of
/// it. One name is one user, so that records are compared and looked up by it; nobody without the
/// key makes an id whose name is another's.
struct UserName {
  static constexpr std::size_t kWhole = 64;  ///< bytes of an id that is not cut

  void set(std::string_view user_id, const SipKey& key) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return text.view(); }

  static constexpr std::string_view kCut = "…";
  static constexpr std::size_t kDigits = 16;
  ShortText<kWhole + kCut.size() + kDigits> text;
};

[[nodiscard]] std::string user_name(std::string_view user_id, const SipKey& key);

/// The name of whom a question means: an id, or a name as an answer gave it.
[[nodiscard]] std::string user_asked_for(std::string_view text, const SipKey& key);

}  // namespace tidelimit::engine
