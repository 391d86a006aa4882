#include "ingest/line_head.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace tidelimit::ingest {
namespace {

constexpr auto npos = std::string_view::npos;
constexpr std::size_t kBsdTime = std::string_view("Nov 24 10:00:00").size();

/// Whether `text` begins as `shape` says: 0 stands for a digit, anything else for itself.
bool has_shape(std::string_view text, std::string_view shape) {
  return text.size() >= shape.size() &&
         std::equal(shape.begin(), shape.end(), text.begin(),
                    [](char s, char c) { return s == '0' ? is_digit(c) : c == s; });
}

bool is_month(std::string_view name) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t at = name.size() == 3 ? kMonths.find(name) : npos;
  return at != npos && at % 3 == 0;
}

bool starts_with_bsd_time(std::string_view text) {
  return text.size() > kBsdTime && is_month(text.substr(0, 3)) && text[kBsdTime] == ' ' &&
         (has_shape(text.substr(3), " 00 00:00:00") || has_shape(text.substr(3), "  0 00:00:00"));
}

bool starts_with_date(std::string_view text) {
  return has_shape(text, "0000-00-00") && (text.size() == 10 || text[10] == 'T');
}

/// Drops `count` words and the space behind each.
std::string_view after_words(std::string_view text, int count) {
  for (; count > 0; --count) {
    const std::size_t space = text.find(' ');
    if (space == npos) return {};
    text.remove_prefix(space + 1);
  }
  return text;
}

/// What follows the structured data of RFC 5424: "-" or "[id a=\"b\"]...".
std::string_view after_structured_data(std::string_view text) {
  if (!text.starts_with('[')) return after_words(text, 1);
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ']' && !quoted && (i + 1 == text.size() || text[i + 1] != '[')) {
      return text.substr(std::min(i + 2, text.size()));
    }
  }
  return {};
}

/// Whether a word is "nginx:" or "nginx[7]:"; an IPv6 address may end in two colons.
bool is_tag(std::string_view word) {
  return word.size() > 1 && word.ends_with(':') && !word.ends_with("::");
}

/// What follows "[HOST] [TAG:] ". The tag is the first word or the second; without one, what is a
/// host and what the line's own can't be told, and all stays, but for a host in front of JSON.
std::string_view after_tag(std::string_view text) {
  std::string_view rest = text;
  for (int word = 0; word < 2; ++word) {
    const std::size_t space = rest.find(' ');
    if (space == npos || rest.starts_with('{')) break;
    const bool tag = is_tag(rest.substr(0, space));
    rest.remove_prefix(space + 1);
    if (tag) return rest;
  }
  return rest.starts_with('{') ? rest : text;
}

/// What follows "<PRI>", or all of it.
std::string_view after_priority(std::string_view text) {
  const std::size_t end = text.find('>');
  const bool priority = text.starts_with('<') && end > 1 && end <= 4 &&
                        text.substr(1, end - 1).find_first_not_of("0123456789") == npos;
  return priority ? text.substr(end + 1) : text;
}

/// VERSION TIMESTAMP HOST APP PROCID MSGID SD MESSAGE, from the version on.
std::string_view after_rfc5424(std::string_view text) {
  std::string_view message = after_structured_data(after_words(text, 6));
  if (message.starts_with("\xef\xbb\xbf")) message.remove_prefix(3);
  return message;
}

/// TIME stdout F MESSAGE, TIME HOST TAG: MESSAGE or TIME MESSAGE.
std::string_view after_iso_time(std::string_view text) {
  text = after_words(text, 1);
  if (has_shape(text, "stdout ") || has_shape(text, "stderr ")) return after_words(text, 2);
  return after_tag(text);
}

/// "NAME  | MESSAGE" and "[pod/NAME/CONTAINER] MESSAGE".
std::string_view after_container(std::string_view text) {
  const std::size_t word = text.find(' ');
  if (word == npos || word == 0) return text;
  if (text.starts_with("[pod/") && text[word - 1] == ']') return text.substr(word + 1);
  const std::size_t bar = text.find_first_not_of(' ', word);
  if (bar == npos || text[bar] != '|') return text;
  return text.substr(std::min(bar + 2, text.size()));
}

}  // namespace

std::size_t line_head(std::string_view line) {
  std::string_view rest = after_container(line);
  const std::string_view message = after_priority(rest);
  const bool has_priority = message.size() < rest.size();
  if (has_priority && message.starts_with("1 "))
    rest = after_rfc5424(message);
  else if (starts_with_bsd_time(message))
    rest = after_tag(message.substr(kBsdTime + 1));
  else if (starts_with_date(message) && message.size() > 10)
    rest = after_iso_time(message);
  else
    rest = message;
  return line.size() - rest.size();
}

bool is_head_time(std::string_view text) {
  return starts_with_date(text) || has_shape(text, "00:00:00") || is_month(text);
}

}  // namespace tidelimit::ingest
