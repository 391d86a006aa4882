#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"

/// The parts of gRPC over HTTP/2 that are bytes and text, as its protocol document has them. Pure.
namespace tidelimit::serve::grpc {

/// Before every message: a flag, and the length in network order.
inline constexpr std::size_t kPrefixBytes = 5;

/// Leaves room for a prefix at the end of `out`; returns where.
std::size_t begin_message(std::string& out);
/// Fills in the prefix at `at` for what was appended since.
void end_message(std::string& out, std::size_t at);

/// Cuts the bytes of a stream, in whatever pieces they come, into messages.
class MessageReader {
 public:
  enum class Step : std::uint8_t {
    message,     ///< `message()` holds one
    starved,     ///< more bytes are needed
    too_large,   ///< the next message is larger than the limit
    compressed,  ///< the next message is compressed
    malformed,   ///< the flag is neither 0 nor 1
  };

  /// Takes from the front of `bytes` what belongs to the next message, and takes it off. After the
  /// last three there is no going on.
  Step read(std::string_view& bytes, std::size_t limit);
  /// The last message; holds until the next read.
  [[nodiscard]] std::string_view message() const { return message_; }
  /// No message has begun.
  [[nodiscard]] bool between() const { return kept_.empty(); }
  /// Bytes of a message that is not whole.
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }
  void clear();

 private:
  std::string kept_;  ///< the start of a message that is not whole, its prefix included
  std::string_view message_;
  bool taken_ = false;  ///< kept_ holds the message that was given out
};

/// A grpc-timeout field: one to eight digits and a unit (H M S m u n). nullopt: it is none.
[[nodiscard]] std::optional<Nanos> parse_timeout(std::string_view text);

/// Appends a grpc-message: percent-encoded but for printable ASCII, and cut to kMessageBytes.
inline constexpr std::size_t kMessageBytes = 1 << 10;
void append_percent_encoded(std::string& out, std::string_view message);

/// "application/grpc", or with a subtype ("+proto") or parameters.
[[nodiscard]] bool is_grpc_content_type(std::string_view text);

}  // namespace tidelimit::serve::grpc
