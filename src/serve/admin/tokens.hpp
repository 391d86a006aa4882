#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "limiter/snapshot.hpp"

namespace tidelimit::serve {

/// The tokens that open the admin calls. Immutable.
class TokenTable {
 public:
  struct Token {
    std::string name;  ///< for the audit
    std::string secret;
  };
  TokenTable() = default;
  explicit TokenTable(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  /// Whose token an `Authorization: Bearer …` value holds; nullopt when it is nobody's. Takes the
  /// same time whichever token is tried and however much of it is right.
  [[nodiscard]] std::optional<std::string_view> owner(std::string_view authorization) const;
  [[nodiscard]] std::size_t size() const { return tokens_.size(); }
  [[nodiscard]] const std::vector<Token>& tokens() const { return tokens_; }

 private:
  std::vector<Token> tokens_;
};

using TokenSlot = limiter::SnapshotSlot<TokenTable>;

/// Lines `name:token`; a bare line is the token of `admin`; blank lines and those after # are
/// skipped. A token has at least 16 characters.
[[nodiscard]] Result<TokenTable> parse_tokens(std::string_view text);

enum class TokenFile : std::uint8_t {
  made_if_missing,  ///< with one fresh token, mode 0600; the log says so
  there,            ///< not_found when it is not
};

/// Reads the file. No tokens, and a warning, where no file is named.
/// Refuses a file that others may write; `warning` says when others may read it.
[[nodiscard]] Result<TokenTable> load_tokens(const std::filesystem::path& file, TokenFile must_be,
                                             std::string& warning);

}  // namespace tidelimit::serve
