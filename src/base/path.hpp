#pragma once

#include <string>
#include <string_view>

namespace tidelimit {

/// The path of a request target, decoded and normalised, so that no spelling of a path escapes its
/// limit: query and fragment cut, an absolute form reduced to its path, `;parameters` cut from
/// every segment (Tomcat, Jetty and Spring drop them before they route; `%3B` stays a letter, as
/// there), then percent-escapes decoded once (%2F too), `//` and `/./` folded, `/../` resolved,
/// never above the root, a trailing slash cut (but for the root). Bad escapes stay as they are.
/// `buffer` is the caller's scratch; the view points into it or into `target` and lives as long as
/// both.
[[nodiscard]] std::string_view normalise_path(std::string_view target, std::string& buffer);

/// A route pattern: literal segments, `*` for one segment, a trailing `**` for any rest, none
/// included
/// ("/payment/**" matches "/payment" and "/payment/x/y"). Both sides normalised.
[[nodiscard]] bool path_matches(std::string_view pattern, std::string_view path);

}  // namespace tidelimit
