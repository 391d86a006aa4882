#include "ingest/synthetic/pages.hpp"

#include <cmath>
#include <numbers>

namespace tidelimit::synthetic {
namespace {

enum class Tail : std::uint8_t { none, item, order, category, query };

struct Template {
  double share;  ///< of the endpoint's requests; the last of a list takes the rest
  std::string_view method;
  std::string_view path;
  Tail tail;
  std::uint16_t status;
  double latency_ms;
  double bytes;
};

constexpr std::array kPayment{
    Template{0.34, "POST", "/payment/authorize", Tail::none, 201, 210, 640},
    Template{0.24, "POST", "/payment/checkout", Tail::none, 200, 160, 1900},
    Template{0.24, "GET", "/payment/status/", Tail::order, 200, 45, 420},
    Template{0.12, "GET", "/payment/methods", Tail::none, 200, 38, 980},
    Template{1.00, "PUT", "/payment/address", Tail::none, 204, 70, 0},
};
constexpr std::array kBrowse{
    Template{0.48, "GET", "/browse/item/", Tail::item, 200, 34, 14200},
    Template{0.26, "GET", "/browse/category/", Tail::category, 200, 48, 21800},
    Template{0.13, "GET", "/browse", Tail::none, 200, 29, 30500},
    Template{0.09, "GET", "/browse/item/", Tail::item, 304, 12, 0},
    Template{1.00, "GET", "/browse/deals", Tail::none, 200, 40, 17600},
};
constexpr std::array kSearch{
    Template{0.62, "GET", "/search?", Tail::query, 200, 95, 9200},
    Template{0.30, "GET", "/search/suggest?", Tail::query, 200, 24, 780},
    Template{1.00, "POST", "/search/filter", Tail::none, 200, 120, 8100},
};
constexpr std::array kLogin{
    Template{0.70, "POST", "/login", Tail::none, 200, 135, 860},
    Template{0.16, "GET", "/login", Tail::none, 200, 20, 5400},
    Template{1.00, "POST", "/login/refresh", Tail::none, 200, 42, 710},
};
constexpr std::array kAccount{
    Template{0.34, "GET", "/account/profile", Tail::none, 200, 36, 1500},
    Template{0.28, "GET", "/account/orders", Tail::none, 200, 62, 5200},
    Template{0.20, "GET", "/account/orders/", Tail::order, 200, 48, 2400},
    Template{0.08, "PUT", "/account/profile", Tail::none, 200, 75, 1500},
    Template{0.04, "DELETE", "/account/wishlist/", Tail::item, 204, 40, 0},
    Template{1.00, "POST", "/account/wishlist", Tail::none, 201, 44, 210},
};

template <std::size_t N>
const Template& draw(const std::array<Template, N>& list, Random& random) {
  double u = random.uniform();
  for (const Template& t : list) {
    if (u < t.share) return t;
    u -= t.share;
  }
  return list.back();
}

const Template& draw(Endpoint endpoint, Random& random) {
  switch (endpoint) {
    case Endpoint::payment:
      return draw(kPayment, random);
    case Endpoint::browse:
      return draw(kBrowse, random);
    case Endpoint::search:
      return draw(kSearch, random);
    case Endpoint::login:
      return draw(kLogin, random);
    case Endpoint::account:
      break;
  }
  return draw(kAccount, random);
}

/// What goes wrong by the customer's doing, and how often.
struct Mistake {
  std::uint16_t status;
  double share;
};
using Mistakes = std::array<Mistake, 2>;
constexpr std::array<Mistakes, kEndpoints> kMistakes{{
    {{{402, 0.020}, {400, 0.004}}},
    {{{404, 0.012}, {400, 0.001}}},
    {{{400, 0.004}, {404, 0.003}}},
    {{{401, 0.055}, {400, 0.004}}},
    {{{403, 0.004}, {404, 0.006}}},
}};

constexpr std::array<std::string_view, 24> kWords{
    "red",    "shoes",  "lamp",  "kettle", "wool",   "jacket", "desk",  "chair",
    "garden", "hose",   "phone", "case",   "bottle", "green",  "tea",   "book",
    "run",    "winter", "glass", "bike",   "light",  "oak",    "table", "bag"};
constexpr std::array<std::string_view, 10> kCategories{"shoes",   "kitchen", "garden", "books",
                                                       "lamps",   "sports",  "toys",   "office",
                                                       "jackets", "phones"};

std::string_view category_of(Random& random) {
  return kCategories[random.below(kCategories.size())];
}

void append_tail(Text& path, Tail tail, Random& random) {
  switch (tail) {
    case Tail::none:
      return;
    case Tail::item:
      path << draw_item(random);
      return;
    case Tail::order:
      path << 10'000'000 + random.below(90'000'000);
      return;
    case Tail::category:
      path << category_of(random);
      if (random.chance(0.3)) path << "?page=" << 2 + random.below(8);
      return;
    case Tail::query:
      append_query(path, random);
      return;
  }
}

std::uint16_t draw_status(Endpoint endpoint, std::uint16_t success, const Weather& weather,
                          Random& random) {
  double u = random.uniform();
  const double failures = weather.failure_ratio(endpoint);
  if (u < failures) {
    constexpr std::array<std::uint16_t, 4> kFailures{500, 502, 503, 504};
    return kFailures[random.below(kFailures.size())];
  }
  u -= failures;
  for (const Mistake& mistake : kMistakes[static_cast<std::size_t>(endpoint)]) {
    const double share = mistake.share * weather.mistakes_factor();
    if (u < share) return mistake.status;
    u -= share;
  }
  return success;
}

}  // namespace

Weather::Weather(Random random) : random_(random) {
  load_.fill(1.0);
}

void Weather::advance(UnixMinute start) {
  constexpr double kIncidentChance = 1.0 / (10 * 96);  // one in ten days, each endpoint
  for (Incident& incident : incidents_) {
    const bool starts = random_.chance(kIncidentChance);
    const double severity = 0.04 + 0.2 * random_.uniform();
    const auto length = 2 + static_cast<int>(random_.below(5));
    if (incident.windows_left > 0) {
      --incident.windows_left;
    } else if (starts) {
      incident = {length, severity};
    }
  }
  // People mistype more at night.
  const double day = static_cast<double>(start % kDayMinutes) / double{kDayMinutes};
  mistakes_ = 1.0 + 0.35 * std::cos(2.0 * std::numbers::pi * (day - 0.1));
}

double Weather::failure_ratio(Endpoint endpoint) const {
  const Incident& incident = incidents_[endpoint];
  return 0.003 + (incident.windows_left > 0 ? incident.severity : 0.0);
}

double Weather::slowness(Endpoint endpoint) const {
  const double load = std::min(load_[endpoint], 6.0);
  const double congestion = 0.85 + 0.05 * load * load;
  return incidents_[endpoint].windows_left > 0 ? 3.0 * congestion : congestion;
}

std::uint64_t draw_item(Random& random) {
  const double u = random.uniform();
  return 1000 + static_cast<std::uint64_t>(20000.0 * u * u * u);
}

void append_query(Text& text, Random& random) {
  text << "q=" << kWords[random.below(kWords.size())];
  if (random.chance(0.6)) text << "+" << kWords[random.below(kWords.size())];
  if (random.chance(0.2)) text << "&page=" << 2 + random.below(5);
}

Page draw_page(Endpoint endpoint, Random& random) {
  const Template& t = draw(endpoint, random);
  Page page{t.method, {}, t.status, t.latency_ms, t.bytes};
  page.path << t.path;
  append_tail(page.path, t.tail, random);
  return page;
}

void answer(std::uint16_t status, double latency_ms, double bytes, Random& random,
            traffic::Request& request) {
  // One normal draw serves both: large answers take longer.
  const double z = random.normal();
  request.status = status;
  request.latency_ms = static_cast<float>(latency_ms * std::exp(0.45 * z));
  request.bytes = static_cast<std::int64_t>(bytes * (1.0 + 0.15 * std::max(-3.0, z)));
}

void ask(Endpoint endpoint, const Weather& weather, Random& random, Batch& batch,
         traffic::Request& request) {
  const Page page = draw_page(endpoint, random);
  request.method = page.method;
  request.path = batch.keep(page.path.view());
  const std::uint16_t status = draw_status(endpoint, page.status, weather, random);
  const double bytes = traffic::is_error(status) ? 320.0 : page.bytes;
  answer(status, page.latency_ms * weather.slowness(endpoint), bytes, random, request);
}

}  // namespace tidelimit::synthetic
