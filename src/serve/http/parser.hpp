#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tidelimit::serve {

struct Header {
  std::string_view name;   ///< as sent; compare with `is`
  std::string_view value;  ///< without the white space around it
  /// `lower` is in lower case.
  [[nodiscard]] bool is(std::string_view lower) const;
};

/// The head of an HTTP/1.x request. Views point into the bytes that were parsed.
struct Head {
  static constexpr std::size_t kMaxHeaders = 100;
  static constexpr std::size_t kMaxBytes = 16 << 10;
  static constexpr std::size_t kMaxTarget = 8 << 10;

  std::string_view method;
  std::string_view target;
  bool http_1_1 = true;
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  std::size_t size = 0;  ///< bytes of the head, its empty line included

  [[nodiscard]] std::span<const Header> headers() const { return {fields.data(), count}; }
  /// The value of the first header of that name (in lower case); nullopt when there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view lower) const;

  std::array<Header, kMaxHeaders> fields;
  std::size_t count = 0;
};

/// Why a request is refused: a status to answer and a sentence. The connection ends with it, since
/// the two sides no longer agree on where a request begins.
struct Refusal {
  int status = 400;
  const char* why = "";
};

enum class Parse : std::uint8_t { complete, incomplete, refused };

/// The bytes of the empty lines at the start of `bytes`: before a request they mean nothing (RFC
/// 9112, 2.2).
[[nodiscard]] std::size_t empty_lines(std::string_view bytes);
/// What may become an empty line.
inline constexpr std::string_view kHalfLine = "\r";

/// Reads one head from the start of `bytes` (RFC 9112), which no empty lines precede. Strict where
/// leniency allows smuggling: bare LF, folded lines, space before the colon, control bytes, two
/// lengths, a length beside a transfer coding, repeated Host are refused. Pure; allocates nothing;
/// time is linear. `refusal` is set when refused, `head` when complete.
[[nodiscard]] Parse parse_head(std::string_view bytes, Head& head, Refusal& refusal);

}  // namespace tidelimit::serve
