#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit::cli {

/// What an entry of a descriptor can say about a request: the words of the domain `tidelimit`.
enum class Word : std::uint8_t {
  path,
  method,
  user_id,
  tier,
  remote_address,
  masked_remote_address,
  user_agent,
};
inline constexpr std::size_t kWords = 7;
/// As `ratelimit.entries` names it.
[[nodiscard]] const char* to_string(Word word);

/// Which keys of descriptors mean which word: the usual ones, and those that the user names.
class KeyWords {
 public:
  KeyWords();
  /// "path=uri". Errors name the mend.
  [[nodiscard]] Result<void> name(std::string_view word_and_key);
  /// Nothing: the key describes no request (generic_key and its like).
  [[nodiscard]] std::optional<Word> word_of(std::string_view key) const;

 private:
  std::map<std::string, Word, std::less<>> words_;
};

}  // namespace tidelimit::cli
