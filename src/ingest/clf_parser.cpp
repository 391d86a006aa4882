#include "ingest/clf_parser.hpp"

#include <cstring>
#include <optional>

#include "base/address.hpp"
#include "base/ascii.hpp"
#include "ingest/request_line.hpp"

namespace tidelimit::ingest {
namespace {

constexpr auto npos = std::string_view::npos;

/// What stands before the [time].
struct Who {
  std::string_view client;
  std::string_view user;
};

/// Whether `text` is an address, with a port or in brackets too.
bool is_address(std::string_view text) {
  return parse_address(without_port(text)).has_value();
}

/// Takes the client's field off the front of `rest`, with the space behind it: a word, or an
/// X-Forwarded-For list of several.
std::string_view take_client(std::string_view& rest) {
  std::size_t end = rest.find(' ');
  while (end != npos && end > 0 && rest[end - 1] == ',') end = rest.find(' ', end + 1);
  const std::string_view client = rest.substr(0, end);
  rest = end == npos ? std::string_view{} : rest.substr(end + 1);
  return client;
}

bool names_virtual_host(std::string_view token, std::string_view next) {
  const std::size_t colon = token.rfind(':');
  const bool has_port = colon != npos && colon + 1 < token.size() &&
                        token.find_first_not_of("0123456789", colon + 1) == npos &&
                        !is_head_time(token);  // "...T10:05:03+02:00" of a collector
  if (has_port && !parse_address(token) && !(next == "-" && is_address(token))) return true;
  return is_address(next.substr(0, next.find(',')));
}

bool holds_address(std::string_view text) {
  if (text.empty()) return false;
  const bool name = !is_digit(text.front()) && text.find(' ') == npos && text.find(':') == npos;
  if (name) [[likely]]
    return false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (is_address(text.substr(0, end))) return true;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return false;
}

/// "CLIENT IDENT USER" or "VHOST CLIENT IDENT USER"; a user may contain spaces (Apache's %u).
std::optional<Who> read_who(std::string_view text) {
  std::string_view rest = text;
  std::string_view client = take_client(rest);
  if (client.empty()) return std::nullopt;
  if (rest == "- -") return Who{.client = client, .user = {}};

  std::size_t second = rest.find(' ');
  if (second != npos && rest.find(' ', second + 1) != npos &&
      names_virtual_host(client, rest.substr(0, second))) {
    client = take_client(rest);
    second = rest.find(' ');
  }
  if (rest.starts_with(' ') || rest.starts_with('|')) [[unlikely]] {
    const std::size_t word = std::min(rest.find_first_not_of(' '), rest.size());
    if (rest.substr(word).starts_with("| ")) return std::nullopt;  // docker compose's "NAME  | "
  }
  if (second == npos) return Who{.client = client, .user = {}};
  const std::string_view user = unless_dash(rest.substr(second + 1));
  if (!holds_address(user)) return Who{.client = client, .user = user};
  // Whoever logs in writes what they like there, but not in front of it; words in front of a
  // client that is no address are a head that is not known.
  if (user.find(' ') != npos && !is_address(client)) return std::nullopt;
  return Who{.client = client, .user = {}};
}

/// Sets the client from its field, which may hold more than a name.
bool set_who(std::string_view text, traffic::Request& out) {
  const bool usual = set_client(text, out);
  if (usual && (!out.client.is_host_name() || text.find(':') == npos)) [[likely]]
    return true;
  if (text.find(',') != npos || is_address(text)) return set_client(one_client(text), out);
  return usual;
}

/// Whether ` 200`, ` -` or the line's end in status position follows a closing quote.
bool status_follows(std::string_view after) {
  if (!after.starts_with(' ')) return false;
  after.remove_prefix(1);
  if (after.starts_with("- ") || after == "-") return true;
  return after.size() >= 3 && is_digit(after[0]) && is_digit(after[1]) && is_digit(after[2]) &&
         (after.size() == 3 || after[3] == ' ');
}

/// The end of a quoted request that starts at `text`: the first unescaped quote with a status
/// behind it, since some servers write quotes in requests as they came.
std::size_t request_end(std::string_view text) {
  for (std::size_t quote = text.find('"'); quote != npos; quote = text.find('"', quote + 1)) {
    if (status_follows(text.substr(quote + 1)) && !is_escaped(text, quote)) return quote;
  }
  return npos;
}

std::size_t quoted_end(std::string_view text) {
  std::size_t quote = text.find('"');
  while (quote != npos && is_escaped(text, quote)) quote = text.find('"', quote + 1);
  return quote;
}

/// The field up to the next space, taken off the front of `rest`.
std::string_view take_word(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest = space == npos ? std::string_view{} : rest.substr(space + 1);
  return word;
}

std::int64_t parse_bytes(std::string_view text) {
  if (text.empty() || text.size() > 18) return -1;
  std::int64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

Unreadable ClfParser::parse(std::string_view line, traffic::Request& out) {
  return read_behind_head(line, [&](std::string_view text) { return parse_bare(text, out); });
}

Unreadable ClfParser::parse_bare(std::string_view line, traffic::Request& out) {
  out = {};
  // The time's bracket is the first one behind a space: IPv6 clients may stand in brackets too.
  std::size_t open = line.find(" [");
  const auto close_of = [&] { return open == npos ? npos : line.find(']', open); };
  std::size_t close = close_of();
  const bool usual = close != npos && close > open + 4 && line[open + 4] == '/';  // "17/May/..."
  if (!usual && close != npos && parse_address(line.substr(open + 2, close - open - 2))) {
    open = line.find(" [", close);
    close = close_of();
  }
  const auto who = read_who(line.substr(0, open));
  if (!who || !set_who(who->client, out)) return Unreadable::no_client;
  out.user_id = who->user;

  if (close == npos) return Unreadable::no_time;
  const auto time = clock_.parse(line.substr(open + 2, close - open - 2));
  if (!time) return Unreadable::no_time;
  out.time = *time;
  return read_request(line.substr(close + 1), out);
}

/// What stands behind the time.
Unreadable ClfParser::read_request(std::string_view rest, traffic::Request& out) {
  if (!rest.starts_with(" \"")) return Unreadable::no_request;
  rest.remove_prefix(2);
  const std::size_t end = request_end(rest);
  if (end == npos) return Unreadable::bad_status;
  set_request_line(unescape(rest.substr(0, end), request_scratch_), out);
  rest.remove_prefix(std::min(end + 2, rest.size()));

  const auto status = parse_status(take_word(rest));
  if (!status) return Unreadable::bad_status;
  out.status = *status;
  out.bytes = parse_bytes(take_word(rest));
  read_agent(rest, out);
  return Unreadable::none;
}

/// Sets the agent from `"REFERER" "AGENT" ...`, if that is what `rest` is.
void ClfParser::read_agent(std::string_view rest, traffic::Request& out) {
  if (!rest.starts_with('"')) return;
  const std::size_t referer_end = quoted_end(rest.substr(1));
  if (referer_end == npos) return;
  rest.remove_prefix(referer_end + 2);
  if (!rest.starts_with(" \"")) return;
  rest.remove_prefix(2);
  saw_agent_ = true;
  const std::string_view agent = unless_dash(rest.substr(0, quoted_end(rest)));
  out.user_agent = unescape(agent, agent_scratch_);
}

}  // namespace tidelimit::ingest
