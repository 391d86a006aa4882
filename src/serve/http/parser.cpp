#include "serve/http/parser.hpp"

#include <cstring>

#include "base/text.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::size_t kMaxChunkOverhead = 8 << 10;
constexpr int kMaxChunkDigits = 8;  // 4 GiB: more than any body limit, and it can't overflow

enum : std::uint8_t { kToken = 1, kFieldByte = 2, kTargetByte = 4 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0x20; c < 256; ++c) {
    if (c != 0x7f) classes[c] |= kFieldByte;
    if (c > 0x20 && c != 0x7f) classes[c] |= kTargetByte;
  }
  classes['\t'] |= kFieldByte;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    classes[static_cast<std::size_t>(c)] |= kToken;
  for (std::size_t c = '0'; c <= '9'; ++c) classes[c] |= kToken;
  for (std::size_t c = 'a'; c <= 'z'; ++c) classes[c] |= kToken;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) classes[c] |= kToken;
  return classes;
}
constexpr auto kClasses = make_classes();

bool in_class(char c, std::uint8_t mask) {
  return (kClasses[static_cast<unsigned char>(c)] & mask) != 0;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

/// A cursor over the bytes of one head.
struct Scanner {
  const char* at;
  const char* end;

  std::string_view take(std::uint8_t mask) {
    const char* begin = at;
    while (at != end && in_class(*at, mask)) ++at;
    return {begin, static_cast<std::size_t>(at - begin)};
  }
  [[nodiscard]] bool empty() const { return at == end; }
};

Parse refuse(Refusal& refusal, int status, const char* why) {
  refusal = {status, why};
  return Parse::refused;
}

/// CRLF at the cursor.
Parse end_of_line(Scanner& in, Refusal& refusal, const char* otherwise) {
  if (in.empty()) return Parse::incomplete;
  if (*in.at != '\r') {
    if (*in.at == '\n') return refuse(refusal, 400, "a line ends in a bare LF");
    return refuse(refusal, 400, otherwise);
  }
  if (in.at + 1 == in.end) return Parse::incomplete;
  if (in.at[1] != '\n') return refuse(refusal, 400, "a CR without its LF");
  in.at += 2;
  return Parse::complete;
}

Parse parse_version(Scanner& in, Head& head, Refusal& refusal) {
  static constexpr std::string_view kName = "HTTP/";
  const auto left = static_cast<std::size_t>(in.end - in.at);
  const std::size_t known = std::min(left, kName.size());
  if (std::memcmp(in.at, kName.data(), known) != 0)
    return refuse(refusal, 400, "the request line does not end in an HTTP version");
  if (left < kName.size() + 3) return Parse::incomplete;
  const std::string_view version(in.at + kName.size(), 3);
  if (version != "1.1" && version != "1.0")
    return refuse(refusal, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  head.http_1_1 = version == "1.1";
  in.at += kName.size() + 3;
  return end_of_line(in, refusal, "bytes after the HTTP version");
}

Parse parse_request_line(Scanner& in, Head& head, Refusal& refusal) {
  head.method = in.take(kToken);
  if (in.empty()) return Parse::incomplete;
  if (head.method.empty() || *in.at != ' ')
    return refuse(refusal, 400, "the request line does not begin with a method");
  ++in.at;
  head.target = in.take(kTargetByte);
  if (head.target.size() > Head::kMaxTarget)
    return refuse(refusal, 414, "the target is longer than 8 KiB");
  if (in.empty()) return Parse::incomplete;
  if (head.target.empty() || *in.at != ' ')
    return refuse(refusal, 400, "the request line has no target, or one with control bytes");
  ++in.at;
  return parse_version(in, head, refusal);
}

Parse parse_field(Scanner& in, Header& field, Refusal& refusal) {
  field.name = in.take(kToken);
  if (in.empty()) return Parse::incomplete;
  if (field.name.empty()) return refuse(refusal, 400, "a header line without a name, or folded");
  if (*in.at != ':') return refuse(refusal, 400, "a header name holds a byte that it must not");
  ++in.at;
  while (!in.empty() && (*in.at == ' ' || *in.at == '\t')) ++in.at;
  std::string_view value = in.take(kFieldByte);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  field.value = value;
  return end_of_line(in, refusal, "a header value holds a control byte");
}

/// What the framing headers say, gathered over all lines.
struct Framing {
  int hosts = 0;
  int lengths = 0;
  int codings = 0;
  bool close = false;
  bool keep_alive = false;
};

void read_connection_options(std::string_view value, Framing& framing) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view option = trim(value.substr(0, comma));
    if (equals_ignoring_case(option, "close")) framing.close = true;
    if (equals_ignoring_case(option, "keep-alive")) framing.keep_alive = true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

/// Notes the headers that decide where the request ends. Switching on the length first keeps the
/// many others cheap.
bool note_framing(const Header& field, Head& head, Framing& framing, Refusal& refusal) {
  switch (field.name.size()) {
    case 4:
      if (field.is("host")) ++framing.hosts;
      break;
    case 6:
      if (field.is("expect")) {
        if (!equals_ignoring_case(field.value, "100-continue")) {
          refusal = {417, "only `Expect: 100-continue` is understood"};
          return false;
        }
        head.expects_continue = true;
      }
      break;
    case 10:
      if (field.is("connection")) read_connection_options(field.value, framing);
      break;
    case 14:
      if (field.is("content-length")) {
        ++framing.lengths;
        head.content_length = parse_uint(field.value);
        if (!head.content_length) {
          refusal = {400, "Content-Length is no whole number"};
          return false;
        }
      }
      break;
    case 17:
      if (field.is("transfer-encoding")) {
        ++framing.codings;
        if (!equals_ignoring_case(field.value, "chunked")) {
          refusal = {501, "the only transfer coding understood is `chunked`"};
          return false;
        }
        head.chunked = true;
      }
      break;
    default:
      break;
  }
  return true;
}

Parse conclude(Head& head, const Framing& framing, Refusal& refusal) {
  if (framing.hosts > 1) return refuse(refusal, 400, "more than one Host");
  if (head.http_1_1 && framing.hosts == 0) return refuse(refusal, 400, "HTTP/1.1 without a Host");
  if (framing.lengths > 1) return refuse(refusal, 400, "more than one Content-Length");
  if (framing.codings > 1) return refuse(refusal, 400, "more than one Transfer-Encoding");
  if (framing.codings > 0 && framing.lengths > 0)
    return refuse(refusal, 400, "both Content-Length and Transfer-Encoding");
  if (framing.codings > 0 && !head.http_1_1)
    return refuse(refusal, 400, "Transfer-Encoding in HTTP/1.0");
  head.keep_alive = !framing.close && (head.http_1_1 || framing.keep_alive);
  if (!head.http_1_1) head.expects_continue = false;
  return Parse::complete;
}

Parse incomplete_or_too_large(std::string_view bytes, Refusal& refusal) {
  if (bytes.size() < Head::kMaxBytes) return Parse::incomplete;
  return refuse(refusal, 431, "the headers are longer than 16 KiB");
}

}  // namespace

bool Header::is(std::string_view wanted) const {
  if (name.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (lower(name[i]) != wanted[i]) return false;
  }
  return true;
}

std::optional<std::string_view> Head::header(std::string_view lower_name) const {
  for (const Header& field : headers()) {
    if (field.is(lower_name)) return field.value;
  }
  return std::nullopt;
}

Parse parse_head(std::string_view bytes, Head& head, Refusal& refusal) {
  head.count = 0;
  head.content_length.reset();
  head.chunked = head.expects_continue = false;
  Scanner in{bytes.data(), bytes.data() + std::min(bytes.size(), Head::kMaxBytes)};
  // One empty line before a request is forgiven (RFC 9112, 2.2).
  if (bytes.starts_with("\r\n")) in.at += 2;
  if (bytes == "\r") return Parse::incomplete;

  const Parse line = parse_request_line(in, head, refusal);
  if (line == Parse::incomplete) return incomplete_or_too_large(bytes, refusal);
  if (line == Parse::refused) return line;

  Framing framing;
  while (true) {
    if (in.empty()) return incomplete_or_too_large(bytes, refusal);
    if (*in.at == '\r' || *in.at == '\n') break;
    if (head.count == Head::kMaxHeaders) return refuse(refusal, 431, "more than 100 headers");
    Header& field = head.fields[head.count];
    const Parse parsed = parse_field(in, field, refusal);
    if (parsed == Parse::incomplete) return incomplete_or_too_large(bytes, refusal);
    if (parsed == Parse::refused) return parsed;
    ++head.count;
    if (!note_framing(field, head, framing, refusal)) return Parse::refused;
  }
  const Parse last = end_of_line(in, refusal, "");
  if (last == Parse::incomplete) return incomplete_or_too_large(bytes, refusal);
  if (last == Parse::refused) return last;
  head.size = static_cast<std::size_t>(in.at - bytes.data());
  return conclude(head, framing, refusal);
}

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
    case State::size: {
      const char l = lower(c);
      const int digit = c >= '0' && c <= '9' ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
      if (digit >= 0) {
        if (++digits_ > kMaxChunkDigits) return refuse(413, "a chunk is too large");
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
      } else if (digits_ > 0 && c == '\r') {
        state_ = State::size_lf;
      } else if (digits_ > 0 && (c == ';' || c == ' ' || c == '\t')) {
        state_ = c == ';' ? State::extension : State::size_blank;
      } else {
        refuse(400, "a chunk size is no hexadecimal number");
      }
      return;
    }
    case State::size_blank:
      if (++overhead_ > kMaxChunkOverhead) return refuse(431, "chunk extensions are too long");
      if (c == '\r') {
        state_ = State::size_lf;
      } else if (c == ';') {
        state_ = State::extension;
      } else if (c != ' ' && c != '\t') {
        refuse(400, "what follows a chunk size is no extension: those begin with a semicolon");
      }
      return;
    case State::extension:
      if (++overhead_ > kMaxChunkOverhead) return refuse(431, "chunk extensions are too long");
      if (c == '\r') {
        state_ = State::size_lf;
      } else if (!in_class(c, kFieldByte)) {
        refuse(400, "a chunk extension holds a control byte");
      }
      return;
    case State::size_lf:
      if (c != '\n') return refuse(400, "a CR without its LF");
      return end_of_size(body_size, body_limit);
    case State::data_cr:
      if (c != '\r') return refuse(400, "a chunk is longer than its size");
      state_ = State::data_lf;
      return;
    case State::data_lf:
      if (c != '\n') return refuse(400, "a CR without its LF");
      state_ = State::size;
      left_ = 0;
      digits_ = 0;
      return;
    case State::trailer_start:
      if (c == '\r') {
        state_ = State::end_lf;
        return;
      }
      state_ = State::trailer;
      [[fallthrough]];
    case State::trailer:
      if (++overhead_ > kMaxChunkOverhead) return refuse(431, "trailers are too long");
      if (c == '\r') {
        state_ = State::trailer_lf;
      } else if (!in_class(c, kFieldByte)) {
        refuse(400, "a trailer holds a control byte");
      }
      return;
    case State::trailer_lf:
      if (c != '\n') return refuse(400, "a CR without its LF");
      state_ = State::trailer_start;
      return;
    case State::end_lf:
      if (c != '\n') return refuse(400, "a CR without its LF");
      state_ = State::done;
      return;
    case State::data:
    case State::done:
      return;
  }
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

std::string_view origin_form(std::string_view target) {
  if (target.empty() || target.front() == '/') return target;
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return target;
  const std::size_t path = target.find_first_of("/?", scheme + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

std::optional<std::string_view> query_value(std::string_view target, std::string_view name) {
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return std::nullopt;
  std::string_view rest = target.substr(mark + 1);
  rest = rest.substr(0, rest.find('#'));
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (!pair.starts_with(name)) continue;
    if (pair.size() == name.size()) return std::string_view();
    if (pair[name.size()] == '=') return pair.substr(name.size() + 1);
  }
  return std::nullopt;
}

std::string decode_component(std::string_view text, bool plus_is_space) {
  const auto hex = [](char c) {
    const char l = lower(c);
    return c >= '0' && c <= '9' ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
  };
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      decoded.push_back(static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2])));
      i += 2;
    } else {
      decoded.push_back(plus_is_space && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return decoded;
}

}  // namespace tidelimit::serve
