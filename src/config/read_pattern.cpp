#include <algorithm>
#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/path.hpp"
#include "base/text.hpp"
#include "config/endpoint_parts.hpp"

namespace tidelimit::config {
namespace {

bool holds_pair(std::string_view text, char open, char close) {
  const auto begin = text.find(open);
  return begin != text.npos && text.find(close, begin + 1) != text.npos;
}

/// What is a parameter elsewhere ({id}, :id, <id>, [id]) or a regular expression, and hardly stands
/// in a path. Parentheses, dots, colons and dollars by themselves do.
bool is_of_other_routers(std::string_view segment) {
  return holds_pair(segment, '{', '}') || holds_pair(segment, '[', ']') ||
         holds_pair(segment, '<', '>') ||
         (segment.size() > 1 && segment[0] == ':' && is_letter(segment[1])) ||
         (holds_pair(segment, '(', ')') && segment.find('|') != segment.npos) ||
         segment.find('\\') != segment.npos;
}

/// The segment as it is to be written here.
std::string_view meant_by(std::string_view segment, bool last) {
  if (segment.starts_with('^')) segment.remove_prefix(1);
  if (last && segment.ends_with('$')) segment.remove_suffix(1);
  return is_of_other_routers(segment) ? "*" : segment;
}

/// The pattern is taken at its word all the same: who means the letters themselves writes %7B.
void warn_of_other_syntax(const Field& field, const std::string& pattern, Report& report) {
  const auto segments = split(pattern, '/');
  std::string_view found;
  std::string mend;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto meant = meant_by(segments[i], i + 1 == segments.size());
    if (found.empty() && meant != segments[i]) found = segments[i];
    mend.append(i > 0 ? "/" : "").append(meant);
  }
  if (found.empty()) return;
  report.warning(
      field.line,
      fmt::format("{}: \"{}\" hardly matches a path, since {} is taken letter by letter: "
                  "write {} (* is any one segment, /** at the end any rest)",
                  field.where, printable(pattern), printable(found), printable(mend)));
}

}  // namespace

std::optional<std::string> read_pattern(const Field& field, Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const auto refuse = [&](std::string_view why) {
    report.mistake(field.line, fmt::format("{}: \"{}\" {}", field.where, printable(*text), why));
    return std::nullopt;
  };
  if (text->front() != '/') return refuse("is no path: it must begin with /");
  if (text->find_first_of("?#") != std::string::npos) {
    return refuse("has a query or fragment: only paths are matched, remove it");
  }
  const auto rest = text->find("**");
  if (rest != std::string::npos && (rest + 2 != text->size() || (*text)[rest - 1] != '/')) {
    return refuse(
        "has ** inside: it stands for any rest and must be the last segment, as in /a/**");
  }
  for (const auto segment : split(*text, '/')) {
    if (segment.size() > 1 && segment != "**" && segment.find('*') != std::string_view::npos) {
      return refuse("has * within a segment: it stands for one whole segment, as in /a/*/b");
    }
  }
  warn_of_other_syntax(field, *text, report);
  std::string buffer;
  const std::string_view path = normalise_path(*text, buffer);
  if (std::count(path.begin(), path.end(), '*') != std::count(text->begin(), text->end(), '*')) {
    return refuse("has an encoded *: no request is told from others by it, write * for a segment");
  }
  return std::string(path);
}

}  // namespace tidelimit::config
