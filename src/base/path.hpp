#pragma once

#include <array>
#include <string>
#include <string_view>

namespace tidelimit {

/// Where servers differ in what they make of a path, so that one spelling of it reaches different
/// handlers of theirs. What is not set is read as normalise_path() says.
struct PathReading {
  bool escaped_slash_is_letter = false;  ///< Express, ASP.NET, what reads targets by RFC 3986
  bool dots_are_names = false;           ///< Express, WSGI: `..` is a segment like others
  bool keeps_parameters = false;         ///< most that are not of Java
};

/// The path of a request target, decoded and normalised, so that no spelling of a path escapes its
/// limit: query and fragment cut, an absolute form reduced to its path, `;parameters` cut from
/// every segment (Tomcat, Jetty and Spring drop them before they route; `%3B` stays a letter, as
/// there), then percent-escapes decoded once (%2F too), `//` and `/./` folded, `/../` resolved,
/// never above the root, a trailing slash cut (but for the root). Bad escapes stay as they are.
/// `buffer` is the caller's scratch; the view points into it or into `target` and lives as long as
/// both.
[[nodiscard]] std::string_view normalise_path(std::string_view target, std::string& buffer,
                                              PathReading reading = {});

/// All readings but the one above.
[[nodiscard]] constexpr std::array<PathReading, 7> other_readings() {
  std::array<PathReading, 7> readings;
  for (unsigned i = 1; i <= readings.size(); ++i)
    readings[i - 1] = {(i & 1) != 0, (i & 2) != 0, (i & 4) != 0};
  return readings;
}
/// Whether they can differ from it at all. False for nearly all targets.
[[nodiscard]] bool has_other_readings(std::string_view target);

/// The path in lower case: itself where it has no capitals, else in `buffer`, where it may stand.
[[nodiscard]] std::string_view without_case(std::string_view path, std::string& buffer);

/// A route pattern: literal segments (in any ASCII case: Express, ASP.NET and IIS take them so),
/// `*` for one segment, a trailing `**` for any rest, none included
/// ("/payment/**" matches "/payment" and "/payment/x/y"). Both sides normalised.
[[nodiscard]] bool path_matches(std::string_view pattern, std::string_view path);

}  // namespace tidelimit
