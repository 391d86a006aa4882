#include "ingest/w3c_parser.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "ingest/request_line.hpp"

namespace tidelimit::ingest {
namespace {

using Use = W3cParser::Use;

constexpr std::pair<std::string_view, Use> kFields[] = {
    {"date", Use::date},
    {"time", Use::time},
    {"c-ip", Use::client},
    {"x-forwarded-for", Use::forwarded_for},
    {"cs(x-forwarded-for)", Use::forwarded_for},
    {"cs-username", Use::user},
    {"cs-method", Use::method},
    {"cs-uri-stem", Use::stem},
    {"cs-uri-query", Use::query},
    {"cs-uri", Use::uri},
    {"sc-status", Use::status},
    {"cs(user-agent)", Use::agent},
    {"sc-bytes", Use::bytes},
    {"time-taken", Use::time_taken},
};

constexpr std::string_view kFieldsDirective = "#fields:";
constexpr std::string_view kDateDirective = "#date:";

Use use_of(std::string_view field) {
  const auto* const known = std::find_if(std::begin(kFields), std::end(kFields), [&](auto& entry) {
    return equals_ignoring_case(entry.first, field);
  });
  return known == std::end(kFields) ? Use::count_ : known->second;
}

/// IIS writes a space as "+", CloudFront as "%20".
std::string_view with_spaces(std::string_view text, std::string& scratch) {
  if (text.find_first_of("+%") == text.npos) return text;
  scratch.clear();
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool escaped = text.substr(at, 3) == "%20";
    scratch += escaped || text[at] == '+' ? ' ' : text[at];
    if (escaped) at += 2;
  }
  return scratch;
}

}  // namespace

Unreadable W3cParser::parse(std::string_view line, traffic::Request& out) {
  if (line.starts_with('#')) {
    read_directive(line);
    return Unreadable::header;
  }
  split(line);
  if (uses_.empty() || fields_.size() != uses_.size()) return Unreadable::columns_differ;
  values_.fill({});
  for (std::size_t i = 0; i < uses_.size(); ++i) {
    if (uses_[i] != Use::count_) values_[static_cast<std::size_t>(uses_[i])] = fields_[i];
  }

  out = {};
  const auto time = read_time();
  if (!time) return Unreadable::no_time;
  out.time = *time;
  const std::string_view hops = text(Use::forwarded_for);
  const std::string_view client = text(Use::client);
  if (!set_client(hops.empty() ? one_client(client) : client_text(client, hops), out)) {
    return Unreadable::no_client;
  }
  set_target(out);
  if (out.path.empty()) return Unreadable::no_request;
  const auto status = parse_status(text(Use::status));
  if (!status) return Unreadable::bad_status;
  out.status = *status;
  out.method = text(Use::method);
  out.user_id = text(Use::user);
  out.user_agent = with_spaces(text(Use::agent), agent_scratch_);
  set_latency(out);
  if (const auto bytes = parse_uint(text(Use::bytes)); bytes && *bytes <= INT64_MAX) {
    out.bytes = static_cast<std::int64_t>(*bytes);
  }
  return Unreadable::none;
}

std::optional<WallTime> W3cParser::read_time() {
  const bool dated = !text(Use::date).empty();
  when_scratch_ = dated ? text(Use::date) : std::string_view(date_);
  when_scratch_ += ' ';
  when_scratch_ += text(Use::time);
  const auto time = clock_.parse(when_scratch_);
  return !time || dated ? time : after_midnight(*time);
}

/// A time without a date is of the day that brings it near the line before: a file goes on past
/// midnight, and a line that took long comes late.
WallTime W3cParser::after_midnight(WallTime time) {
  constexpr std::chrono::days kDay{1};
  constexpr std::chrono::hours kLateMost{1};
  time += days_since_date_;
  if (last_ && time < *last_ - kLateMost) {
    days_since_date_ += kDay;
    time += kDay;
  } else if (last_ && time > *last_ + kDay - kLateMost) {
    days_since_date_ -= kDay;
    time -= kDay;
  }
  last_ = time;
  return time;
}

std::string W3cParser::advice(std::string_view) {
  std::vector<std::string_view> missing;
  const auto has = [this](Use use) {
    return std::find(uses_.begin(), uses_.end(), use) != uses_.end();
  };
  if (uses_.empty()) return "no line before it names the fields (#Fields: ...)";
  if (!has(Use::time)) missing.emplace_back("time");
  if (!has(Use::date) && date_.empty()) missing.emplace_back("date");
  if (!has(Use::client) && !has(Use::forwarded_for)) missing.emplace_back("c-ip");
  if (!has(Use::stem) && !has(Use::uri)) missing.emplace_back("cs-uri-stem");
  std::string names;
  for (const std::string_view name : missing) {
    names += names.empty() ? "" : ", ";
    names += name;
  }
  return names.empty() ? "" : "its #Fields: line lacks " + names;
}

bool W3cParser::is_directive(std::string_view line) {
  const std::size_t colon = line.find(':');
  return line.size() > 1 && line[0] == '#' && line[1] != ' ' && colon < line.find(' ');
}

void W3cParser::read_directive(std::string_view line) {
  const auto begins = [line](std::string_view directive) {
    return equals_ignoring_case(line.substr(0, directive.size()), directive);
  };
  if (begins(kDateDirective)) {
    const std::string_view rest = trim(line.substr(kDateDirective.size()));
    date_ = rest.substr(0, rest.find(' '));
    days_since_date_ = {};
    last_ = clock_.parse(rest);
  }
  if (!begins(kFieldsDirective)) return;
  std::string names(line.substr(kFieldsDirective.size()));
  std::replace(names.begin(), names.end(), '\t', ' ');
  uses_.clear();
  for (const std::string_view name : tidelimit::split(names, ' ')) {
    if (!name.empty()) uses_.push_back(use_of(name));
  }
}

/// Sets fields_: between tabs where there are any, else between spaces; quoted ones whole.
void W3cParser::split(std::string_view line) {
  const char separator = line.find('\t') == line.npos ? ' ' : '\t';
  fields_.clear();
  const bool last_is_empty = separator == '\t' && line.ends_with(separator);
  while (!line.empty()) {
    const bool quoted = line.front() == '"';
    const std::size_t close = quoted ? line.find('"', 1) : line.npos;
    const std::size_t end = std::min(line.find(separator, quoted ? close : 0), line.size());
    fields_.push_back(close < end ? line.substr(1, close - 1) : line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  if (last_is_empty) fields_.emplace_back();
}

std::string_view W3cParser::text(Use use) const {
  return unless_dash(values_[static_cast<std::size_t>(use)]);
}

void W3cParser::set_target(traffic::Request& out) {
  out.path = text(Use::stem).empty() ? text(Use::uri) : text(Use::stem);
  const std::string_view query = text(Use::query);
  if (query.empty() || text(Use::stem).empty()) return;
  path_scratch_ = out.path;
  path_scratch_ += '?';
  path_scratch_ += query;
  out.path = path_scratch_;
}

void W3cParser::set_latency(traffic::Request& out) const {
  const std::string_view taken = text(Use::time_taken);
  const double unit = taken.find('.') == taken.npos ? 1 : 1e3;
  if (const auto number = parse_double(taken)) out.latency_ms = latency_of(*number * unit);
}

}  // namespace tidelimit::ingest
