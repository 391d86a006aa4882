#include "ingest/clf_parser.hpp"

#include <cstring>
#include <optional>

#include "base/address.hpp"
#include "ingest/request_line.hpp"

namespace tidelimit::ingest {
namespace {

constexpr auto npos = std::string_view::npos;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// What stands before the [time].
struct Who {
  std::string_view client;
  std::string_view user;
};

bool names_virtual_host(std::string_view token, std::string_view next) {
  const std::size_t colon = token.rfind(':');
  const bool has_port = colon != npos && colon + 1 < token.size() &&
                        token.find_first_not_of("0123456789", colon + 1) == npos;
  return (has_port && !parse_address(token)) || parse_address(next).has_value();
}

/// "CLIENT IDENT USER" or "VHOST CLIENT IDENT USER"; a user may contain spaces (Apache's %u).
std::optional<Who> read_who(std::string_view text) {
  const std::size_t first = text.find(' ');
  if (first == 0) return std::nullopt;
  if (first == npos) return Who{.client = text, .user = {}};
  std::string_view client = text.substr(0, first);
  std::string_view rest = text.substr(first + 1);
  if (rest == "- -") return Who{.client = client, .user = {}};

  std::size_t second = rest.find(' ');
  if (second != npos && rest.find(' ', second + 1) != npos &&
      names_virtual_host(client, rest.substr(0, second))) {
    client = rest.substr(0, second);
    rest = rest.substr(second + 1);
    second = rest.find(' ');
  }
  if (second == npos) return Who{.client = client, .user = {}};
  return Who{.client = client, .user = unless_dash(rest.substr(second + 1))};
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
  out = {};
  // The time's bracket is the first one behind a space: IPv6 clients may stand in brackets too.
  const std::size_t open = line.find(" [");
  const auto who = read_who(line.substr(0, open));
  if (!who || !set_client(who->client, out)) return Unreadable::no_client;
  out.user_id = who->user;

  if (open == npos) return Unreadable::no_time;
  const std::size_t close = line.find(']', open);
  if (close == npos) return Unreadable::no_time;
  const auto time = clock_.parse(line.substr(open + 2, close - open - 2));
  if (!time) return Unreadable::no_time;
  out.time = *time;

  std::string_view rest = line.substr(close + 1);
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
