#pragma once

#include <string>
#include <string_view>

namespace tidelimit {

/// Where servers differ in what they make of a path, so that one spelling of it reaches different
/// handlers of theirs. Each is what some do, and normalise_path() by itself does not.
enum PathRule : unsigned {
  kEscapedSlashIsLetter = 1u << 0,  ///< and `%5C` too: Node's URL, Express, ASP.NET Core
  kDotsAreNames = 1u << 1,          ///< `..` is a segment like others: Express, Fastify, WSGI
  kEmptyIsSegment = 1u << 2,        ///< that `..` takes back: Node's URL, ASP.NET Core, RFC 3986
  kParametersStay = 1u << 3,        ///< `;` is a letter: most servers that are not of Java
  kParametersEndPath = 1u << 4,     ///< `;` ends it as `?` does: Fastify
  kDecodedBefore = 1u << 5,         ///< `%3B` is `;`: behind a proxy that decodes and encodes anew
  kFragmentStays = 1u << 6,         ///< `#` is a letter: Go, which passes `%23` on
  kBackslashIsSlash = 1u << 7,      ///< Node's URL, Envoy, IIS
  kSlashesBeginHost = 1u << 8,      ///< `//host/path`, with two slashes or more: Node's URL
};

/// What one server makes of paths: a set of PathRules. The first reading is the empty set.
using PathReading = unsigned;

/// The path of a request target, decoded and normalised, so that no spelling of a path escapes its
/// limit: query and fragment cut, an absolute form reduced to its path (`http:/path` too),
/// `;parameters` cut from every segment (Tomcat, Jetty and Spring drop them before they route;
/// `%3B` stays a letter, as there), then percent-escapes decoded once (%2F too), `//` and `/./`
/// folded, `/../` resolved, never above the root, a trailing slash cut (but for the root). Bad
/// escapes stay as they are; where a `%2F` or `%5C` is a letter, it stays in capitals.
/// `buffer` is the caller's scratch; the view points into it or into `target` and lives as long as
/// both.
[[nodiscard]] std::string_view normalise_path(std::string_view target, std::string& buffer,
                                              PathReading reading = 0);

/// The rules that can make a difference to this target: none for nearly all. Its other readings are
/// the subsets of them.
[[nodiscard]] PathReading differing_rules(std::string_view target);

/// The next subset of these rules; the empty one after the last.
[[nodiscard]] constexpr PathReading next_reading(PathReading reading, PathReading rules) {
  return (reading - rules) & rules;
}

/// Whether servers one behind another may make of such a target what none of them makes alone: one
/// that resolves `..`, and leaves a `%2F`, `;` or `\` that gives the next one other segments.
[[nodiscard]] constexpr bool readings_compose(PathReading rules) {
  constexpr PathReading kLeft = kEscapedSlashIsLetter | kParametersEndPath | kBackslashIsSlash;
  return (rules & kDotsAreNames) != 0 && (rules & kLeft) != 0;
}

/// The path in lower case: itself where it has no capitals, else in `buffer`, where it may stand.
[[nodiscard]] std::string_view without_case(std::string_view path, std::string& buffer);

/// Cuts the first segment off a normalised path or pattern that is not empty.
[[nodiscard]] std::string_view take_segment(std::string_view& path);

/// A route pattern: literal segments (in any ASCII case: Express, ASP.NET and IIS take them so),
/// `*` for one segment, a trailing `**` for any rest, none included
/// ("/payment/**" matches "/payment" and "/payment/x/y"). Both sides normalised.
[[nodiscard]] bool path_matches(std::string_view pattern, std::string_view path);

}  // namespace tidelimit
