#include "ingest/lenient_json.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <system_error>

#include "base/ascii.hpp"
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

/// Whether what is read byte by byte stands in a string.
class Strings {
 public:
  void pass(char c) {
    if (c == '"' && !escaped_) inside_ = !inside_;
    escaped_ = inside_ && c == '\\' && !escaped_;
  }
  [[nodiscard]] bool inside() const { return inside_; }
  [[nodiscard]] bool escaped() const { return escaped_; }  ///< the next byte

 private:
  bool inside_ = false;
  bool escaped_ = false;
};

/// Replaces every byte that JSON may object to. Those of well-formed UTF-8 too, and escapes of what
/// stands in: then no character of the line can be taken for a stand-in. Between strings, control
/// bytes are white space.
void replace_bytes(std::string_view line, std::string& to) {
  to.clear();
  Strings strings;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (strings.inside() && c == '\\' && !strings.escaped()) {
      if (const auto low = escaped_stand_in(line.substr(i))) {
        append_character(*low, to);
        i += kEscapeBytes - 1;
        continue;
      }
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80 || (strings.inside() && byte < 0x20))
      append_stand_in(byte, to);
    else
      to += c;
    strings.pass(c);
  }
  to.reserve(to.size() + kLinePadding);
}

std::size_t digits_at(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && is_digit(text[count])) ++count;
  return count;
}

/// How long the number at the front of `text` is, by JSON's grammar; 0: there is none.
std::size_t number_length(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = digits_at(text.substr(at));
  if (whole == 0 || (whole > 1 && text[at] == '0')) return 0;
  at += whole;
  if (text.substr(at).starts_with('.')) {
    const std::size_t part = digits_at(text.substr(at + 1));
    if (part == 0) return 0;
    at += 1 + part;
  }
  if (at == text.size() || (text[at] | 0x20) != 'e') return at;
  const bool sign = at + 1 < text.size() && (text[at + 1] == '+' || text[at + 1] == '-');
  const std::size_t exponent = digits_at(text.substr(std::min(at + (sign ? 2 : 1), text.size())));
  return exponent == 0 ? 0 : at + (sign ? 2 : 1) + exponent;
}

template <class Number>
bool beyond(std::string_view text) {
  Number value{};
  return std::from_chars(text.data(), text.data() + text.size(), value).ec ==
         std::errc::result_out_of_range;
}

/// Whether a number is more than 64 bits or a double hold.
bool is_beyond_range(std::string_view number) {
  if (number.find_first_of(".eE") != number.npos) return beyond<double>(number);
  return number.starts_with('-') ? beyond<std::int64_t>(number) : beyond<std::uint64_t>(number);
}

/// Puts quotes around each number beyond all range: as a text it stays what it is.
void quote_numbers(std::string_view line, std::string& to) {
  to.clear();
  Strings strings;
  for (std::size_t i = 0; i < line.size();) {
    const bool begins = !strings.inside() && (line[i] == '-' || is_digit(line[i]));
    const std::string_view number = line.substr(i, begins ? number_length(line.substr(i)) : 0);
    if (number.empty()) {
      strings.pass(line[i]);
      to += line[i++];
      continue;
    }
    const std::string_view quote = is_beyond_range(number) ? "\"" : "";
    to += quote;
    to += number;
    to += quote;
    i += number.size();
  }
  to.reserve(to.size() + kLinePadding);
}

bool is_about_bytes(simdjson::error_code error) {
  return error == simdjson::UTF8_ERROR || error == simdjson::UNESCAPED_CHARS;
}

}  // namespace

simdjson::simdjson_result<simdjson::dom::element> LenientJson::parse(std::string_view line) {
  replaced_ = false;
  if (line.empty()) return simdjson::EMPTY;
  auto found = parser_.parse(line.data(), line.size(), false);
  if (found.error() == simdjson::SUCCESS) [[likely]]
    return found;
  if (is_about_bytes(found.error())) {
    replaced_ = true;
    replace_bytes(line, replaced_line_);
    line = replaced_line_;
    found = parser_.parse(line.data(), line.size(), false);
  }
  if (found.error() != simdjson::NUMBER_ERROR) return found;
  quote_numbers(line, quoted_line_);
  return parser_.parse(quoted_line_.data(), quoted_line_.size(), false);
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
