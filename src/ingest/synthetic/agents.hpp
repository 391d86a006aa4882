#pragma once

#include <string_view>

#include "base/random.hpp"

namespace tidelimit::synthetic {

/// User-agent texts. All views are to constants and hold for ever.
[[nodiscard]] std::string_view desktop_browser(Random& random);
[[nodiscard]] std::string_view phone_browser(Random& random);
/// The shop's own app, on a phone.
[[nodiscard]] std::string_view shop_app(Random& random);
/// An HTTP library under its own name.
[[nodiscard]] std::string_view script(Random& random);
[[nodiscard]] std::string_view scraper_tool(Random& random);
[[nodiscard]] std::string_view scanner_tool(Random& random);
[[nodiscard]] std::string_view postman(Random& random);
/// Search crawlers that say so.
[[nodiscard]] std::string_view crawler(std::size_t index);
[[nodiscard]] std::string_view monitor(std::size_t index);
[[nodiscard]] std::string_view partner(std::size_t index);

}  // namespace tidelimit::synthetic
