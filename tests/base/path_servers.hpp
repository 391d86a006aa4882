#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelimit::test {

/// What servers make of request targets, each by its own rules, slowly: which path its handlers
/// see, or nothing where it refuses. Fronts: what they pass on.
using Target = std::optional<std::string>;
using Segments = std::vector<std::string>;

inline std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size())
    text.replace(at, what.size(), with);
  return text;
}

/// Escapes decoded, but for those of these letters, which stay in capitals; bad ones refused.
inline Target decoded(std::string_view text, std::string_view kept = "") {
  const std::string_view hex = "0123456789ABCDEF";
  const auto digit = [&](std::size_t i) {
    return i < text.size() ? hex.find(static_cast<char>(std::toupper(text[i]))) : hex.npos;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (digit(i + 1) == hex.npos || digit(i + 2) == hex.npos) return std::nullopt;
    const char c = static_cast<char>(digit(i + 1) * 16 + digit(i + 2));
    if (kept.find(c) == kept.npos)
      out += c;
    else
      (out += '%').append({hex[digit(i + 1)], hex[digit(i + 2)]});
    i += 2;
  }
  return out;
}

inline Segments split(std::string_view path, std::string_view separators = "/") {
  Segments segments{""};
  for (const char c : path) {
    if (separators.find(c) != separators.npos)
      segments.emplace_back();
    else
      segments.back() += c;
  }
  if (!path.empty() && separators.find(path.front()) != separators.npos)
    segments.erase(segments.begin());
  return segments;
}

inline Segments without_empty(Segments segments) {
  std::erase(segments, "");
  return segments;
}

inline Segments resolved(const Segments& segments) {
  Segments out;
  for (const std::string& segment : segments) {
    if (segment == ".") continue;
    if (segment != "..")
      out.push_back(segment);
    else if (!out.empty())
      out.pop_back();
  }
  return out;
}

/// As handlers are found: empty segments and a last slash are nothing, letters may be escaped.
inline std::string routed(const Segments& segments) {
  std::string out;
  for (const std::string& segment : without_empty(segments))
    out += "/" + replaced(decoded(segment, "/\\").value_or(segment), "\\", "%5C");
  return out.empty() ? "/" : out;
}

inline std::string before(std::string_view text, std::string_view ends) {
  return std::string(text.substr(0, text.find_first_of(ends)));
}

/// http://host/path as /path.
inline Target origin_form(std::string target) {
  if (target.starts_with('/')) return target;
  const std::size_t host = target.find("://");
  if (host == target.npos || host == 0) return std::nullopt;
  const std::size_t slash = target.find('/', host + 3);
  return slash == target.npos ? "/" : target.substr(slash);
}

inline Target nginx_segments(const std::string& target, Segments& segments) {
  const Target form = origin_form(before(target, "?#"));
  const Target path = form ? decoded(*form) : std::nullopt;
  if (path) segments = resolved(without_empty(split(*path)));
  return path;
}

inline Target nginx(const std::string& target) {
  Segments segments;
  return nginx_segments(target, segments) ? Target(routed(segments)) : std::nullopt;
}

/// net/url.ParseRequestURI: the path, as written.
inline Target go_raw(const std::string& target) {
  std::string rest = before(target, "?");
  if (rest.starts_with('/')) return rest;
  const std::size_t colon = rest.find_first_of(":/\\%#;");
  if (colon == rest.npos || colon == 0 || rest[colon] != ':') return std::nullopt;
  rest = rest.substr(colon + 1);
  if (!rest.starts_with('/')) return std::nullopt;  // opaque: no handler
  if (rest.starts_with("//")) {
    const std::string host = rest.substr(2, rest.find('/', 2) - 2);
    if (host.find_first_of("#\\%") != host.npos) return std::nullopt;
    rest = rest.substr(std::min(rest.find('/', 2), rest.size()));
  }
  return rest;
}

/// path.Clean over what is decoded.
inline Target go(const std::string& target) {
  const Target raw = go_raw(target);
  const Target path = raw ? decoded(*raw) : std::nullopt;
  return path ? Target(routed(resolved(without_empty(split(*path))))) : std::nullopt;
}

inline std::string encoded(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#' || c == '\\' || c == '{')
      out += c == '%' ? "%25" : c == '?' ? "%3F" : c == '#' ? "%23" : c == '\\' ? "%5C" : "%7B";
    else
      out += c;
  }
  return out;
}

/// Caddy: as written, unless it holds what should have been escaped; then decoded and encoded anew.
inline Target go_proxy(const std::string& target) {
  const Target raw = go_raw(target);
  const Target path = raw ? decoded(*raw) : std::nullopt;
  if (!path) return std::nullopt;
  return raw->find_first_of("#\\{") == raw->npos ? raw : encoded(*path);
}

/// nginx with a path in proxy_pass.
inline Target nginx_proxy(const std::string& target) {
  Segments segments;
  if (!nginx_segments(target, segments)) return std::nullopt;
  std::string path;
  for (const std::string& segment : segments) path += "/" + segment;
  return path.empty() ? "/" : encoded(path);
}

/// new URL(target, "http://x").pathname, of what Node's HTTP parser takes.
inline Target node_url(const std::string& target) {
  std::string rest = before(target, "?#");
  const bool absolute = !rest.starts_with('/');
  if (absolute) {
    const std::size_t colon = rest.find("://");
    if (colon == rest.npos || colon == 0) return std::nullopt;
    rest = rest.substr(colon + 1);
  }
  const std::size_t slashes = std::min(rest.find_first_not_of("/\\"), rest.size());
  if (slashes >= 2) {
    rest = rest.substr(slashes);
    const std::string host = before(rest, "/\\");
    if (host.empty() || host.find_first_of("%{") != host.npos) return std::nullopt;
    rest = rest.substr(host.size());
  }
  Segments segments = split(rest, "/\\");
  for (std::string& segment : segments) {
    const std::string plain = replaced(replaced(segment, "%2e", "."), "%2E", ".");
    if (plain == "." || plain == "..") segment = plain;
  }
  return routed(resolved(segments));
}

/// parseurl, and url.parse where there is a fragment.
inline Target express(const std::string& target) {
  std::string path = before(target, "?");
  if (target.find('#') != target.npos) path = before(replaced(path, "\\", "/"), "#");
  const Target form = origin_form(path);
  return form ? Target(routed(split(*form))) : std::nullopt;
}

/// find-my-way.
inline Target fastify(const std::string& target) {
  const Target form = origin_form(before(target, "?"));
  return form ? Target(routed(split(before(*form, ";#")))) : std::nullopt;
}

inline Target wsgi(const std::string& target) {
  const Target form = origin_form(before(target, "?#"));
  const Target path = form ? decoded(*form) : std::nullopt;
  return path ? Target(routed(split(*path))) : std::nullopt;
}

/// encodedSolidusHandling decode or pass through; allowBackslash or refusal, which is no matter.
inline Target tomcat(const std::string& target, bool slash_is_letter) {
  const Target form = origin_form(before(target, "?#"));
  if (!form) return std::nullopt;
  std::string path;
  for (const std::string& segment : split(*form)) path += "/" + before(segment, ";");
  const Target plain = decoded(path, slash_is_letter ? "/\\" : "");
  if (!plain) return std::nullopt;
  return routed(resolved(without_empty(split(*plain, slash_is_letter ? "/" : "/\\"))));
}

/// ASP.NET Core's Kestrel.
inline Target kestrel(const std::string& target) {
  const Target form = origin_form(before(target, "?#"));
  const Target path = form ? decoded(*form, "/") : std::nullopt;
  return path ? Target(routed(resolved(split(*path)))) : std::nullopt;
}

inline Target iis(const std::string& target) {
  const Target form = origin_form(before(target, "?#"));
  const Target path = form ? decoded(*form) : std::nullopt;
  return path ? Target(routed(resolved(without_empty(split(*path, "/\\"))))) : std::nullopt;
}

/// Where any of them, behind any front, leads this target.
inline Segments all_served(const std::string& target) {
  Segments served;
  // No parser of HTTP takes these in the host of an absolute form.
  const std::size_t host = target.find("://");
  if (host < target.find('/') &&
      before(target.substr(host + 3), "/?").find_first_of("#\\") != target.npos)
    return served;
  const auto note = [&](const Target& path) {
    if (path) served.push_back(*path);
  };
  for (const Target& passed : {Target(target), go_proxy(target), nginx_proxy(target)}) {
    if (!passed) continue;
    for (const auto& server : {nginx, go, node_url, kestrel, iis}) note(server(*passed));
    for (const bool slash_is_letter : {false, true}) note(tomcat(*passed, slash_is_letter));
  }
  // To these dot segments are names. nginx resolves them before, all but "..;".
  for (const Target& passed : {Target(target), go_proxy(target)}) {
    if (!passed) continue;
    for (const auto& server : {express, fastify, wsgi}) note(server(*passed));
  }
  return served;
}

/// Of pieces that servers disagree about.
template <typename Random>
std::string odd_target(Random& random) {
  static constexpr std::string_view kPieces[] = {"/",   "/",   "/",  ".",   "..", "login", "a",
                                                 "%2f", "%2E", ";",  "%3b", "#",  "\\",    "%5C",
                                                 "//",  "/..", "/.", "{",   "?",  ";b",    "%6c"};
  static constexpr std::string_view kStarts[] = {"/",     "/",         "/",        "/login", "//h/",
                                                 "foo:/", "http://h/", "http:///", "/\\"};
  std::string target(kStarts[random.below(std::size(kStarts))]);
  for (std::uint64_t n = random.below(8); n > 0; --n)
    target += kPieces[random.below(std::size(kPieces))];
  return target;
}

}  // namespace tidelimit::test
