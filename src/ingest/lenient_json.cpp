#include "ingest/lenient_json.hpp"

#include <charconv>
#include <optional>
#include <system_error>

#include "ingest/line_reader.hpp"

namespace tidelimit::ingest {
namespace {

static_assert(kLinePadding >= simdjson::SIMDJSON_PADDING);

/// U+E000 + byte in UTF-8: 1110'1110 10'0000bb 10'bbbbbb.
constexpr char kLead = '\xee';
constexpr std::size_t kStandInBytes = 3;

void append_stand_in(unsigned char byte, std::string& to) {
  to += kLead;
  to += static_cast<char>(0x80 | byte >> 6);
  to += static_cast<char>(0x80 | (byte & 0x3f));
}

bool is_stand_in(std::string_view text) {
  return text.size() >= kStandInBytes && text[0] == kLead &&
         static_cast<unsigned char>(text[1]) <= 0x83;
}

constexpr std::size_t kEscapeBytes = 6;

/// Of an escape that stands for what would be taken for a stand-in, \ue000 to \ue0ff, its lowest
/// byte.
std::optional<unsigned char> escaped_stand_in(std::string_view text) {
  constexpr int kHex = 16;
  if (text.size() < kEscapeBytes || !text.starts_with("\\u")) return std::nullopt;
  const char* const end = text.data() + kEscapeBytes;
  unsigned value = 0;
  const auto read = std::from_chars(text.data() + 2, end, value, kHex);
  if (read.ptr != end || read.ec != std::errc{} || value >> 8 != 0xe0) return std::nullopt;
  return static_cast<unsigned char>(value);
}

/// U+E000 + `low` in UTF-8, a stand-in for each byte.
void append_character(unsigned char low, std::string& to) {
  append_stand_in(static_cast<unsigned char>(kLead), to);
  append_stand_in(static_cast<unsigned char>(0x80 | low >> 6), to);
  append_stand_in(static_cast<unsigned char>(0x80 | (low & 0x3f)), to);
}

/// Replaces every byte that JSON may object to. Those of well-formed UTF-8 too, and escapes of what
/// stands in: then no character of the line can be taken for a stand-in. Between strings, control
/// bytes are white space.
void replace_bytes(std::string_view line, std::string& to) {
  to.clear();
  bool in_string = false;
  bool escaped = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_string && c == '\\' && !escaped) {
      if (const auto low = escaped_stand_in(line.substr(i))) {
        append_character(*low, to);
        i += kEscapeBytes - 1;
        continue;
      }
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || (in_string && byte < 0x20))
      append_stand_in(byte, to);
    else
      to += c;
    if (c == '"' && !escaped) in_string = !in_string;
    escaped = in_string && c == '\\' && !escaped;
  }
  to.reserve(to.size() + kLinePadding);
}

}  // namespace

simdjson::simdjson_result<simdjson::dom::element> LenientJson::parse(std::string_view line) {
  replaced_ = false;
  if (line.empty()) return simdjson::EMPTY;
  const auto found = parser_.parse(line.data(), line.size(), false);
  const simdjson::error_code error = found.error();
  if (error != simdjson::UTF8_ERROR && error != simdjson::UNESCAPED_CHARS) [[likely]]
    return found;
  replaced_ = true;
  replace_bytes(line, line_);
  return parser_.parse(line_.data(), line_.size(), false);
}

std::string_view LenientJson::text(std::string_view text, std::string& scratch) const {
  if (!replaced_ || text.find(kLead) == text.npos) return text;
  scratch.clear();
  while (!text.empty()) {
    if (is_stand_in(text)) {
      scratch += static_cast<char>((text[1] & 0x3) << 6 | (text[2] & 0x3f));
      text.remove_prefix(kStandInBytes);
    } else {
      scratch += text.front();
      text.remove_prefix(1);
    }
  }
  return scratch;
}

}  // namespace tidelimit::ingest
