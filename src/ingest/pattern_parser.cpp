#include "ingest/pattern_parser.hpp"

#include <utility>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "ingest/request_line.hpp"

namespace tidelimit::ingest {
namespace {

using Use = PatternParser::Use;

constexpr std::pair<std::string_view, Use> kVariables[] = {
    {"time_local", Use::time},
    {"time_iso8601", Use::time},
    {"msec", Use::time},
    {"date", Use::date},
    {"time", Use::time_of_day},
    {"remote_addr", Use::peer},
    {"remote_addr_port", Use::peer_and_port},
    {"realip_remote_addr", Use::nothing},
    {"http_x_forwarded_for", Use::forwarded_for},
    {"proxy_add_x_forwarded_for", Use::forwarded_for},
    {"http_x_user_id", Use::user_header},
    {"remote_user", Use::remote_user},
    {"http_x_user_tier", Use::tier},
    {"request", Use::request},
    {"request_method", Use::method},
    {"request_uri", Use::target},
    {"uri", Use::target},
    {"status", Use::status},
    {"http_user_agent", Use::agent},
    {"request_time", Use::latency},
    {"request_time_ms", Use::latency_ms},
    {"upstream_response_time", Use::upstream_latency},
    {"body_bytes_sent", Use::bytes},
    {"bytes_sent", Use::bytes},
};

Use use_of(std::string_view name) {
  for (const auto& [known, use] : kVariables) {
    if (known == name) return use;
  }
  return Use::nothing;
}

bool is_name_byte(char c) {
  return is_alphanumeric(c) || c == '_';
}

/// A variable's name behind its $ ("name" or "{name}") and how many bytes it takes; empty: none.
std::pair<std::string_view, std::size_t> read_name(std::string_view text) {
  const bool braced = text.starts_with('{');
  std::size_t end = braced ? 1 : 0;
  while (end < text.size() && is_name_byte(text[end])) ++end;
  const std::string_view name = text.substr(braced ? 1 : 0, end - (braced ? 1 : 0));
  if (braced && (end == text.size() || text[end] != '}')) return {{}, 0};
  return {name, braced ? end + 1 : end};
}

/// Where `literal` begins in `text`; a leading quote counts only where it is not escaped.
std::size_t find_literal(std::string_view text, std::string_view literal) {
  std::size_t at = text.find(literal);
  while (at != text.npos && literal.front() == '"' && is_escaped(text, at)) {
    at = text.find(literal, at + 1);
  }
  return at;
}

/// Seconds of $request_time; $upstream_response_time lists one per try ("0.010, 0.020 : -").
std::optional<double> total_seconds(std::string_view text) {
  std::optional<double> total;
  while (!text.empty()) {
    const std::size_t separator = text.find_first_of(",: ");
    if (const auto seconds = parse_double(text.substr(0, separator))) {
      total = total.value_or(0) + *seconds;
    }
    text = separator == text.npos ? std::string_view{} : text.substr(separator + 1);
  }
  return total;
}

}  // namespace

Result<std::unique_ptr<PatternParser>> PatternParser::from_pattern(std::string_view pattern,
                                                                   std::string_view name) {
  std::unique_ptr<PatternParser> parser(new PatternParser(name));
  while (!pattern.empty()) {
    const std::size_t dollar = pattern.find('$');
    std::string& literal = parser->pieces_.empty() ? parser->head_ : parser->pieces_.back().literal;
    literal += pattern.substr(0, dollar);
    if (dollar == pattern.npos) break;
    const auto [variable, size] = read_name(pattern.substr(dollar + 1));
    if (variable.empty()) {
      return fail(Code::invalid_argument, "--format: no variable name behind the $ at \"" +
                                              printable(pattern.substr(dollar), 40) + "\"");
    }
    if (auto added = parser->add_variable(variable); !added) {
      return tl::unexpected(added.error());
    }
    pattern.remove_prefix(dollar + 1 + size);
  }
  if (auto checked = parser->check(); !checked) return tl::unexpected(checked.error());
  return parser;
}

Result<void> PatternParser::add_variable(std::string_view name) {
  if (!pieces_.empty() && pieces_.back().literal.empty()) {
    return fail(Code::invalid_argument, "--format: nothing stands before $" + std::string(name) +
                                            ", so where the variable before it ends can't be told");
  }
  const Use use = use_of(name);
  has_[static_cast<std::size_t>(use)] = true;
  pieces_.push_back({use, {}});
  return {};
}

Result<void> PatternParser::check() const {
  const auto has = [this](Use use) { return has_[static_cast<std::size_t>(use)]; };
  std::string missing;
  if (!has(Use::time) && !(has(Use::date) && has(Use::time_of_day))) {
    missing += "\n  a time: $time_local, $time_iso8601, $msec, or $date and $time";
  }
  if (!has(Use::peer) && !has(Use::peer_and_port) && !has(Use::forwarded_for)) {
    missing += "\n  a client: $remote_addr or $http_x_forwarded_for";
  }
  if (!has(Use::request) && !has(Use::target)) {
    missing += "\n  a path: $request, $request_uri or $uri";
  }
  if (missing.empty()) return {};
  return fail(Code::invalid_argument, "--format: the pattern lacks" + missing);
}

/// Sets values_ from a line; false where the literal text differs.
bool PatternParser::cut(std::string_view line) {
  values_.fill({});
  if (!line.starts_with(head_)) return false;
  line.remove_prefix(head_.size());
  for (const Piece& piece : pieces_) {
    std::size_t end = line.size();
    if (!piece.literal.empty()) end = find_literal(line, piece.literal);
    if (end == line.npos) return false;
    std::string_view& value = values_[static_cast<std::size_t>(piece.use)];
    if (value.empty()) value = unless_dash(line.substr(0, end));
    line.remove_prefix(end + piece.literal.size());
  }
  return true;
}

std::string_view PatternParser::value(Use use, std::string& scratch) const {
  return unescape(text(use), scratch);
}

Unreadable PatternParser::parse(std::string_view line, traffic::Request& out) {
  return read_behind_head(line, [&](std::string_view text) { return parse_bare(text, out); });
}

/// The time's text: a variable's, or the two of $date and $time together.
std::string_view PatternParser::time_text() {
  if (!text(Use::time).empty() || text(Use::date).empty()) return text(Use::time);
  time_scratch_ = text(Use::date);
  time_scratch_ += ' ';
  time_scratch_ += text(Use::time_of_day);
  return time_scratch_;
}

std::string_view PatternParser::peer() const {
  if (!text(Use::peer).empty()) return text(Use::peer);
  const std::string_view both = text(Use::peer_and_port);
  return both.substr(0, both.rfind(':'));
}

std::optional<double> PatternParser::latency_ms() const {
  std::string_view ms = text(Use::latency_ms);
  if (ms.starts_with('+')) ms.remove_prefix(1);  // HAProxy's, of a response that was under way
  if (const auto whole = parse_double(ms)) return whole;
  auto seconds = total_seconds(text(Use::latency));
  if (!seconds) seconds = total_seconds(text(Use::upstream_latency));
  return seconds ? std::optional(*seconds * 1e3) : std::nullopt;
}

std::string PatternParser::advice(std::string_view line) {
  if (!cut(line)) return {};
  const std::string_view time = time_text();
  if (clock_.parse(time)) return {};
  return "its time reads \"" + printable(time, 40) + "\"; the forms that are read: " + kTimeForms +
         " (a date and a time apart are $date and $time)";
}

Unreadable PatternParser::parse_bare(std::string_view line, traffic::Request& out) {
  if (!cut(line)) return Unreadable::pattern_differs;
  out = {};
  const auto time = clock_.parse(time_text());
  if (!time) return Unreadable::no_time;
  out.time = *time;
  const std::string_view hops = text(Use::forwarded_for);
  const std::string_view client = hops.empty() ? one_client(peer()) : client_text(peer(), hops);
  if (!set_client(client, out)) return Unreadable::no_client;
  const auto status = parse_status(text(Use::status));
  if (!status) return Unreadable::bad_status;
  out.status = *status;

  if (has_[static_cast<std::size_t>(Use::request)]) {
    set_request_line(value(Use::request, request_scratch_), out);
  } else {
    out.path = value(Use::target, request_scratch_);
  }
  if (out.method.empty()) out.method = text(Use::method);
  out.user_agent = value(Use::agent, agent_scratch_);
  out.user_id = value(Use::user_header, user_scratch_);
  if (out.user_id.empty()) out.user_id = value(Use::remote_user, user_scratch_);
  out.tier = value(Use::tier, tier_scratch_);

  out.latency_ms = latency_of(latency_ms());
  if (const auto bytes = parse_uint(text(Use::bytes)); bytes && *bytes <= INT64_MAX) {
    out.bytes = static_cast<std::int64_t>(*bytes);
  }
  return Unreadable::none;
}

}  // namespace tidelimit::ingest
