#include "cli/import/key_words.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace tidelimit::cli {
namespace {

constexpr std::array<const char*, kWords> kNames{
    "path", "method", "user_id", "tier", "remote_address", "masked_remote_address", "user_agent"};

struct Usual {
  const char* key;
  Word word;
};
// Keys that mean one thing wherever they are seen. `plan`, `type` and the like are left out: they
// may be anything.
constexpr std::array kUsual{
    Usual{"path", Word::path},
    Usual{":path", Word::path},
    Usual{"request_path", Word::path},
    Usual{"uri", Word::path},
    Usual{"method", Word::method},
    Usual{":method", Word::method},
    Usual{"request_method", Word::method},
    Usual{"http_method", Word::method},
    Usual{"user_id", Word::user_id},
    Usual{"user", Word::user_id},
    Usual{"user-id", Word::user_id},
    Usual{"userid", Word::user_id},
    Usual{"x-user-id", Word::user_id},
    Usual{"account_id", Word::user_id},
    Usual{"customer_id", Word::user_id},
    Usual{"client_id", Word::user_id},
    Usual{"api_key", Word::user_id},
    Usual{"x-api-key", Word::user_id},
    Usual{"sub", Word::user_id},
    Usual{"tier", Word::tier},
    Usual{"user_tier", Word::tier},
    Usual{"x-user-tier", Word::tier},
    Usual{"account_type", Word::tier},
    Usual{"remote_address", Word::remote_address},
    Usual{"client_ip", Word::remote_address},
    Usual{"masked_remote_address", Word::masked_remote_address},
    Usual{"user_agent", Word::user_agent},
    Usual{"user-agent", Word::user_agent},
};

}  // namespace

const char* to_string(Word word) {
  return kNames[static_cast<std::size_t>(word)];
}

KeyWords::KeyWords() {
  for (const Usual& usual : kUsual) words_.emplace(usual.key, usual.word);
}

Result<void> KeyWords::name(std::string_view word_and_key) {
  const auto equals = word_and_key.find('=');
  const std::string_view word = word_and_key.substr(0, equals);
  for (std::size_t i = 0; i < kWords; ++i) {
    if (word != kNames[i] || equals == std::string_view::npos) continue;
    const std::string_view key = word_and_key.substr(equals + 1);
    if (key.empty()) break;
    words_[std::string(key)] = static_cast<Word>(i);
    return {};
  }
  return fail(Code::invalid_argument,
              fmt::format("--word \"{}\": write WORD=KEY, like path=uri; words are {}",
                          printable(word_and_key), fmt::join(kNames, ", ")));
}

std::optional<Word> KeyWords::word_of(std::string_view key) const {
  const auto found = words_.find(key);
  if (found == words_.end()) return std::nullopt;
  return found->second;
}

}  // namespace tidelimit::cli
