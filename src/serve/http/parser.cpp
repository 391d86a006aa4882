#include "serve/http/parser.hpp"

#include <cstring>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "serve/http/bytes.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::uint64_t each_byte(std::uint8_t byte) {
  return std::uint64_t{0x0101'0101'0101'0101} * byte;
}

/// Whether any of the eight bytes here is a control byte, DEL among them.
bool has_control(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  const std::uint64_t off_del = word ^ each_byte(0x7f);
  const std::uint64_t below = (word - each_byte(0x20)) & ~word;
  const std::uint64_t del = (off_del - each_byte(1)) & ~off_del;
  return ((below | del) & each_byte(0x80)) != 0;
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
  /// As take(kFieldByte): most of a head is values, and most of those are long.
  std::string_view take_value() {
    const char* begin = at;
    while (end - at >= 8 && !has_control(at)) at += 8;
    take(kFieldByte);
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
  std::string_view value = in.take_value();
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
    if (to_lower(name[i]) != wanted[i]) return false;
  }
  return true;
}

std::optional<std::string_view> Head::header(std::string_view lower_name) const {
  for (const Header& field : headers()) {
    if (field.is(lower_name)) return field.value;
  }
  return std::nullopt;
}

std::size_t empty_lines(std::string_view bytes) {
  std::size_t size = 0;
  while (bytes.substr(size).starts_with("\r\n")) size += 2;
  return size;
}

Parse parse_head(std::string_view bytes, Head& head, Refusal& refusal) {
  head.count = 0;
  head.content_length.reset();
  head.chunked = head.expects_continue = false;
  Scanner in{bytes.data(), bytes.data() + std::min(bytes.size(), Head::kMaxBytes)};
  if (bytes == kHalfLine) return Parse::incomplete;

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

}  // namespace tidelimit::serve
