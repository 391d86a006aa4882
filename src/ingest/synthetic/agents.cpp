#include "ingest/synthetic/agents.hpp"

#include <array>

namespace tidelimit::synthetic {
namespace {

#define WINDOWS "Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
#define MAC "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) "
#define LINUX "Mozilla/5.0 (X11; Linux x86_64) "
#define WEBKIT "AppleWebKit/537.36 (KHTML, like Gecko) "
#define SAFARI "AppleWebKit/605.1.15 (KHTML, like Gecko) "

// The common ones stand first: draws are skewed towards the front.
constexpr std::array<std::string_view, 14> kDesktop{
    WINDOWS WEBKIT "Chrome/131.0.0.0 Safari/537.36",
    MAC SAFARI "Version/18.1 Safari/605.1.15",
    WINDOWS WEBKIT "Chrome/130.0.0.0 Safari/537.36",
    WINDOWS WEBKIT "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
    MAC WEBKIT "Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
    LINUX WEBKIT "Chrome/131.0.0.0 Safari/537.36",
    MAC SAFARI "Version/17.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    WINDOWS WEBKIT "Chrome/129.0.0.0 Safari/537.36 OPR/115.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:132.0) Gecko/20100101 Firefox/132.0",
    WINDOWS WEBKIT "Chrome/124.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:115.0) Gecko/20100101 Firefox/115.0",
    WINDOWS WEBKIT "Chrome/109.0.0.0 Safari/537.36",
};

constexpr std::array<std::string_view, 10> kPhone{
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) " SAFARI
    "Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) " WEBKIT "Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_7 like Mac OS X) " SAFARI
    "Version/17.7 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) " WEBKIT
    "SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; K) " WEBKIT "Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) " SAFARI
    "Version/17.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0",
    "Mozilla/5.0 (Linux; Android 13; Pixel 7) " WEBKIT "Chrome/124.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_7 like Mac OS X) " SAFARI
    "CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 12; moto g(60)) " WEBKIT "Chrome/119.0.0.0 Mobile Safari/537.36",
};

constexpr std::array<std::string_view, 4> kApp{
    "ShopApp/7.4.1 (iOS 18.1; iPhone15,3)",
    "ShopApp/7.4.0 (Android 14; SM-S921B) okhttp/4.12.0",
    "ShopApp/7.3.2 (iOS 17.7; iPhone13,2)",
    "ShopApp/7.2.9 (Android 12; moto g60) okhttp/4.11.0",
};

constexpr std::array<std::string_view, 6> kScript{
    "python-requests/2.32.3",    "Go-http-client/1.1", "curl/8.5.0",
    "Python/3.11 aiohttp/3.9.5", "okhttp/4.9.3",       "",
};

constexpr std::array<std::string_view, 5> kScraper{
    "Scrapy/2.11.2 (+https://scrapy.org)",
    LINUX WEBKIT "HeadlessChrome/126.0.0.0 Safari/537.36",
    "python-httpx/0.27.0",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "colly - https://github.com/gocolly/colly/v2",
};

constexpr std::array<std::string_view, 6> kScanner{
    "Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:Port Check)",
    "Mozilla/5.0 zgrab/0.x",
    "gobuster/3.6",
    "Fuzz Faster U Fool v2.1.0",
    "Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)",
    "Wfuzz/3.1.0",
};

constexpr std::array<std::string_view, 3> kPostman{
    "PostmanRuntime/7.42.0",
    "PostmanRuntime/7.37.3",
    "PostmanRuntime/7.29.2",
};

constexpr std::array<std::string_view, 3> kCrawlers{
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)",
};

constexpr std::array<std::string_view, 2> kMonitors{
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
};

constexpr std::array<std::string_view, 3> kPartners{
    "partner-sync/3.1 Java/17.0.11",
    "Apache-HttpClient/5.3.1 (Java/21.0.3)",
    "nightly-export/1.8 python-requests/2.31.0",
};

#undef WINDOWS
#undef MAC
#undef LINUX
#undef WEBKIT
#undef SAFARI

template <std::size_t N>
std::string_view common_first(const std::array<std::string_view, N>& list, Random& random) {
  const double u = random.uniform();
  return list[static_cast<std::size_t>(u * u * static_cast<double>(N))];
}

template <std::size_t N>
std::string_view any_of(const std::array<std::string_view, N>& list, Random& random) {
  return list[random.below(N)];
}

}  // namespace

std::string_view desktop_browser(Random& random) {
  return common_first(kDesktop, random);
}
std::string_view phone_browser(Random& random) {
  return common_first(kPhone, random);
}
std::string_view shop_app(Random& random) {
  return common_first(kApp, random);
}
std::string_view script(Random& random) {
  return any_of(kScript, random);
}
std::string_view scraper_tool(Random& random) {
  return any_of(kScraper, random);
}
std::string_view scanner_tool(Random& random) {
  return any_of(kScanner, random);
}
std::string_view postman(Random& random) {
  return any_of(kPostman, random);
}
std::string_view crawler(std::size_t index) {
  return kCrawlers[index % kCrawlers.size()];
}
std::string_view monitor(std::size_t index) {
  return kMonitors[index % kMonitors.size()];
}
std::string_view partner(std::size_t index) {
  return kPartners[index % kPartners.size()];
}

}  // namespace tidelimit::synthetic
