#include "serve/admin/tokens.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"
#include "serve/net/socket.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::size_t kShortestToken = 16;
constexpr std::size_t kTokenBytes = 24;

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest digest(std::string_view text) {
  Digest made;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), made.data());
  return made;
}

Result<std::string> fresh_token() {
  std::array<unsigned char, kTokenBytes> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    return fail(Code::internal, "no random bytes for the admin token");
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

/// Creates the file; already_exists when another process was faster.
Result<void> make_token_file(const std::filesystem::path& file) {
  const auto token = fresh_token();
  if (!token) return tl::unexpected(token.error());
  std::error_code error;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), error);
  const Fd fd(open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) {
    return fail(errno == EEXIST ? Code::already_exists : Code::permission_denied,
                fmt::format("can't make the token file {}: {}; set admin.token_file to a place "
                            "that is writable",
                            file.string(), std::strerror(errno)));
  }
  const std::string line = *token + "\n";
  if (write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      fsync(fd.get()) != 0) {
    (void)unlink(file.c_str());
    return fail(Code::resource_exhausted,
                fmt::format("can't write the token file {}", file.string()));
  }
  spdlog::info("made the token file {} with one fresh token", file.string());
  return {};
}

/// Makes the file where it is missing and may be made.
Result<void> provide_token_file(const std::filesystem::path& file, TokenFile must_be) {
  if (must_be == TokenFile::there)
    return fail(Code::not_found, fmt::format("the token file {} is gone; put it back, or restart "
                                             "to have one made with a fresh token",
                                             file.string()));
  auto made = make_token_file(file);
  if (!made && made.error().code == Code::already_exists) return {};
  return made;
}

}  // namespace

std::optional<std::string_view> TokenTable::owner(std::string_view authorization) const {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size() ||
      !equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  const Digest given = digest(trim(authorization.substr(kScheme.size())));
  std::optional<std::string_view> found;
  for (const Token& token : tokens_) {
    const Digest known = digest(token.secret);
    if (CRYPTO_memcmp(given.data(), known.data(), known.size()) == 0) found = token.name;
  }
  return found;
}

Result<TokenTable> parse_tokens(std::string_view text) {
  std::vector<TokenTable::Token> tokens;
  int number = 0;
  for (const std::string_view raw : split(text, '\n')) {
    ++number;
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    TokenTable::Token token;
    token.name =
        colon == std::string_view::npos ? "admin" : std::string(trim(line.substr(0, colon)));
    token.secret = trim(colon == std::string_view::npos ? line : line.substr(colon + 1));
    if (token.name.empty())
      return fail(Code::invalid_argument,
                  fmt::format("line {}: no name before the colon; write name:token", number));
    if (token.secret.size() < kShortestToken)
      return fail(
          Code::invalid_argument,
          fmt::format("line {}: a token must have at least {} characters", number, kShortestToken));
    tokens.push_back(std::move(token));
  }
  if (tokens.empty())
    return fail(
        Code::invalid_argument,
        "no token in it; write one a line, or remove the file and restart to have one made");
  return TokenTable(std::move(tokens));
}

Result<TokenTable> load_tokens(const std::filesystem::path& file, TokenFile must_be,
                               std::string& warning) {
  if (file.empty()) {
    warning = "no admin.token_file is configured: calls that need a token are refused";
    return TokenTable();
  }
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) {
    if (errno != ENOENT)
      return fail(Code::permission_denied, fmt::format("can't read the token file {}: {}",
                                                       file.string(), std::strerror(errno)));
    if (auto there = provide_token_file(file, must_be); !there)
      return tl::unexpected(there.error());
    if (stat(file.c_str(), &status) != 0)
      return fail(Code::internal, fmt::format("the token file {} vanished", file.string()));
  }
  // Whoever opens a pipe waits for its other end.
  if (!S_ISREG(status.st_mode))
    return fail(Code::invalid_argument,
                fmt::format("the token file {} is no regular file", file.string()));
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(
        Code::permission_denied,
        fmt::format("the token file {} may be written by others; chmod 600 it", file.string()));
  if ((status.st_mode & (S_IRGRP | S_IROTH)) != 0)
    warning = fmt::format("the token file {} may be read by others; chmod 600 it", file.string());
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in && !in.eof())
    return fail(Code::permission_denied,
                fmt::format("can't read the token file {}", file.string()));
  auto tokens = parse_tokens(text);
  if (!tokens) return fail_in(file.string(), tokens.error());
  return tokens;
}

}  // namespace tidelimit::serve
