#include "ingest/request_line.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "base/address.hpp"
#include "base/ascii.hpp"
#include "base/text.hpp"
#include "ingest/line_head.hpp"

namespace tidelimit::ingest {
namespace {

constexpr std::size_t kMaxMethod = 32;     // the longest registered one has 17 (UPDATEREDIRECTREF)
constexpr std::size_t kMaxHostName = 253;  // RFC 1035 as text

using ByteSet = std::array<bool, 256>;

constexpr ByteSet bytes_that(bool (*belong)(char)) {
  ByteSet set{};
  for (std::size_t c = 0; c < set.size(); ++c) set[c] = belong(static_cast<char>(c));
  return set;
}

constexpr ByteSet kTokenBytes = bytes_that(is_token_byte);
constexpr ByteSet kClientBytes = bytes_that([](char c) {
  return is_alphanumeric(c) || std::string_view("-._:%").find(c) != std::string_view::npos;
});

bool all_of(std::string_view text, const ByteSet& set) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return set[static_cast<unsigned char>(c)]; });
}

/// The byte that the escape at text[at] (a backslash) stands for, and where the text goes on.
struct Escape {
  char byte;
  std::size_t next;
};

Escape read_escape(std::string_view text, std::size_t at) {
  if (at + 1 == text.size()) return {'\\', at + 1};
  switch (text[at + 1]) {
    case '"':
      return {'"', at + 2};
    case '\\':
      return {'\\', at + 2};
    case 'n':
      return {'\n', at + 2};
    case 'r':
      return {'\r', at + 2};
    case 't':
      return {'\t', at + 2};
    case 'b':
      return {'\b', at + 2};
    case 'v':
      return {'\v', at + 2};
    case 'f':
      return {'\f', at + 2};
    case 'x':
      if (at + 3 < text.size()) {
        const int high = hex_digit(text[at + 2]);
        const int low = hex_digit(text[at + 3]);
        if (high >= 0 && low >= 0) return {static_cast<char>(high * 16 + low), at + 4};
      }
      break;
    default:
      break;
  }
  return {'\\', at + 1};
}

enum class Reach { loopback, local, open };  ///< how far an address can be from its proxy

Reach reach_of(std::string_view text) {
  const auto address = parse_address(text);
  if (!address) return Reach::open;  // a name
  const auto& b = address->bytes;
  if (address->is_v4()) {
    if (b[12] == 127) return Reach::loopback;
    const bool local = b[12] == 10 || (b[12] == 172 && (b[13] & 0xf0) == 16) ||
                       (b[12] == 192 && b[13] == 168) || (b[12] == 169 && b[13] == 254) ||
                       (b[12] == 100 && (b[13] & 0xc0) == 64);  // RFC 1918, 3927, 6598
    return local ? Reach::local : Reach::open;
  }
  if (std::all_of(b.begin(), b.end() - 1, [](auto byte) { return byte == 0; }) && b[15] == 1) {
    return Reach::loopback;
  }
  const bool local = (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
  return local ? Reach::local : Reach::open;  // RFC 4193, 4291
}

std::string_view strip_spaces(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

void set_request_line(std::string_view text, traffic::Request& out) {
  out.method = out.path = {};
  const std::size_t space = text.find(' ');
  if (space == 0 || space > kMaxMethod || space == std::string_view::npos) return;
  const std::string_view method = text.substr(0, space);
  std::string_view target = text.substr(space + 1);
  const std::size_t last_space = target.rfind(' ');
  const bool has_version =
      last_space != std::string_view::npos && target.substr(last_space + 1).starts_with("HTTP/");
  if (has_version) target = target.substr(0, last_space);
  if (target.empty() || (!has_version && target.front() != '/')) return;
  if (!all_of(method, kTokenBytes)) return;
  out.method = method;
  out.path = target;
}

std::string_view unescape(std::string_view text, std::string& scratch) {
  std::size_t at = text.find('\\');
  if (at == std::string_view::npos) return text;
  scratch.assign(text.substr(0, at));
  while (at < text.size()) {
    if (text[at] != '\\') {
      scratch += text[at++];
      continue;
    }
    const Escape escape = read_escape(text, at);
    scratch += escape.byte;
    at = escape.next;
  }
  return scratch;
}

bool is_escaped(std::string_view text, std::size_t at) {
  std::size_t backslashes = 0;
  while (backslashes < at && text[at - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

std::string_view without_port(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    return close == std::string_view::npos ? text : text.substr(1, close - 1);
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return text;  // no port, or bare IPv6
  }
  return text.substr(0, colon);
}

std::string_view client_text(std::string_view peer, std::string_view forwarded_for) {
  peer = without_port(strip_spaces(peer));
  if (forwarded_for.empty() || (!peer.empty() && reach_of(peer) == Reach::open)) return peer;
  std::string_view last_local;
  for (std::string_view rest = forwarded_for; !rest.empty();) {
    const std::size_t comma = rest.rfind(',');
    const std::string_view hop =
        without_port(strip_spaces(comma == rest.npos ? rest : rest.substr(comma + 1)));
    rest = comma == rest.npos ? std::string_view{} : rest.substr(0, comma);
    if (!parse_address(hop)) continue;  // "unknown", or what a client made up
    const Reach reach = reach_of(hop);
    if (reach == Reach::open) return hop;
    if (reach == Reach::local && last_local.empty()) last_local = hop;
  }
  return last_local.empty() ? peer : last_local;
}

std::string_view one_client(std::string_view text) {
  return text.find(',') == text.npos ? client_text(text, {}) : client_text({}, text);
}

bool set_client(std::string_view text, traffic::Request& out) {
  if (text.empty() || text == "-" || text.size() > kMaxHostName || !all_of(text, kClientBytes)) {
    return false;
  }
  out.client_name = text;
  out.client = client_of(text);
  // What stands in front of lines that were collected (times, tags) looks much like a name.
  return !out.client.is_host_name() || !(text.ends_with(':') || is_head_time(text));
}

std::optional<std::uint16_t> parse_status(std::string_view text) {
  if (text.empty() || text == "-") return std::uint16_t{0};
  if (text.ends_with(".0")) text.remove_suffix(2);  // a column of numbers, some of them missing
  if (text == "0" || text == "-1") return std::uint16_t{0};  // HAProxy's, of no response
  if (text.size() != 3) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return static_cast<std::uint16_t>(value);
}

float latency_of(std::optional<double> ms) {
  constexpr double kMost = 366 * 86'400e3;
  const bool sound = ms && *ms >= 0 && *ms <= kMost;
  return sound ? static_cast<float>(*ms) : std::numeric_limits<float>::quiet_NaN();
}

std::optional<double> milliseconds_of(std::string_view text) {
  constexpr std::pair<std::string_view, double> kUnits[] = {
      {"ms", 1}, {"us", 1e-3}, {"\u00b5s", 1e-3}, {"\u03bcs", 1e-3}, {"ns", 1e-6}, {"s", 1e3}};
  for (const auto& [unit, factor] : kUnits) {
    if (!text.ends_with(unit)) continue;
    const auto number = parse_double(strip_spaces(text.substr(0, text.size() - unit.size())));
    return number ? std::optional(*number * factor) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<double> decimal_comma(std::string_view text) {
  const std::size_t comma = text.find(',');
  if (comma == text.npos || text.size() - comma == 4) return std::nullopt;  // "1,522": thousands?
  std::string pointed(text);
  pointed[comma] = '.';
  return parse_double(pointed);
}

}  // namespace tidelimit::ingest
