#include "serve/http/chunked_decoder.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "serve/http/bytes.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::size_t kMaxChunkOverhead = 8 << 10;
constexpr int kMaxChunkDigits = 8;  // 4 GiB: more than any body limit, and it can't overflow

}  // namespace

std::size_t ChunkedDecoder::feed(std::string_view bytes, std::string& body,
                                 std::size_t body_limit) {
  std::size_t at = 0;
  while (at < bytes.size() && !done() && !bad_) {
    if (state_ == State::data) {
      const std::size_t take = std::min<std::size_t>(left_, bytes.size() - at);
      body.append(bytes.substr(at, take));
      left_ -= take;
      at += take;
      if (left_ == 0) state_ = State::data_cr;
    } else {
      step(bytes[at++], body.size(), body_limit);
    }
  }
  return at;
}

void ChunkedDecoder::step(char c, std::size_t body_size, std::size_t body_limit) {
  switch (state_) {
    case State::size:
      return read_size(c);
    case State::size_blank:
    case State::extension:
      return skip_extension(c);
    case State::size_lf:
      end_of_line(c, State::data);
      if (!bad_) end_of_size(body_size, body_limit);
      return;
    case State::data_cr:
      if (c != '\r') return refuse(400, "a chunk is longer than its size");
      state_ = State::data_lf;
      return;
    case State::data_lf:
      left_ = 0;
      digits_ = 0;
      return end_of_line(c, State::size);
    case State::trailer_start:
    case State::trailer:
      return skip_trailer(c);
    case State::trailer_lf:
      return end_of_line(c, State::trailer_start);
    case State::end_lf:
      return end_of_line(c, State::done);
    case State::data:
    case State::done:
      return;
  }
}

void ChunkedDecoder::read_size(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (++digits_ > kMaxChunkDigits) return refuse(413, "a chunk is too large");
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
  } else if (digits_ > 0 && c == '\r') {
    state_ = State::size_lf;
  } else if (digits_ > 0 && (c == ';' || c == ' ' || c == '\t')) {
    state_ = c == ';' ? State::extension : State::size_blank;
  } else {
    refuse(400, "a chunk size is no hexadecimal number");
  }
}

void ChunkedDecoder::skip_extension(char c) {
  if (++overhead_ > kMaxChunkOverhead) return refuse(431, "chunk extensions are too long");
  const bool blank = state_ == State::size_blank;
  if (c == '\r') {
    state_ = State::size_lf;
  } else if (blank && c == ';') {
    state_ = State::extension;
  } else if (blank && c != ' ' && c != '\t') {
    refuse(400, "what follows a chunk size is no extension: those begin with a semicolon");
  } else if (!in_class(c, kFieldByte)) {
    refuse(400, "a chunk extension holds a control byte");
  }
}

void ChunkedDecoder::skip_trailer(char c) {
  if (state_ == State::trailer_start && c == '\r') {
    state_ = State::end_lf;
    return;
  }
  if (++overhead_ > kMaxChunkOverhead) return refuse(431, "trailers are too long");
  state_ = c == '\r' ? State::trailer_lf : State::trailer;
  if (c != '\r' && !in_class(c, kFieldByte)) refuse(400, "a trailer holds a control byte");
}

void ChunkedDecoder::end_of_line(char c, State next) {
  if (c != '\n') return refuse(400, "a CR without its LF");
  state_ = next;
}

void ChunkedDecoder::end_of_size(std::size_t body_size, std::size_t body_limit) {
  if (left_ == 0) {
    state_ = State::trailer_start;
  } else if (left_ > body_limit || body_size > body_limit - left_) {
    refuse(413, "the body is larger than this call takes");
  } else {
    state_ = State::data;
  }
}

}  // namespace tidelimit::serve
