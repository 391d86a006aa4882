#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http/parser.hpp"

namespace tidelimit::serve {

/// Decodes a chunked body as it arrives (RFC 9112, 7.1). Extensions and trailers are skipped, their
/// length bounded.
class ChunkedDecoder {
 public:
  /// Appends what is decoded to `body`. Returns how many bytes were eaten; after `done` or `bad`,
  /// no more.
  std::size_t feed(std::string_view bytes, std::string& body, std::size_t body_limit);
  [[nodiscard]] bool done() const { return state_ == State::done; }
  [[nodiscard]] const std::optional<Refusal>& bad() const { return bad_; }

 private:
  enum class State : std::uint8_t {
    size,
    size_blank,  ///< blanks after it, that some senders pad with
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,
    trailer,
    trailer_lf,
    end_lf,
    done,
  };
  void step(char c, std::size_t body_size, std::size_t body_limit);
  void read_size(char c);
  void skip_extension(char c);
  void skip_trailer(char c);
  void end_of_line(char c, State next);
  void end_of_size(std::size_t body_size, std::size_t body_limit);
  void refuse(int status, const char* why) { bad_ = Refusal{status, why}; }

  State state_ = State::size;
  std::uint64_t left_ = 0;  ///< of the chunk, or its size while it is read
  int digits_ = 0;
  std::size_t overhead_ = 0;  ///< bytes of extensions and trailers so far
  std::optional<Refusal> bad_;
};

}  // namespace tidelimit::serve
