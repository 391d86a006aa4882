#include "impact/traffic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace tidelimit::impact {
namespace {

/// So many customers of a tier are about at a time; each stays for a while and makes way for the
/// next. Some do much more than others: the k-th of n draws in proportion to (k/n)^(-1/3), so that
/// the busiest, with some forty calls a minute, stays below the limits.
constexpr std::array<std::uint64_t, kTiers> kAbout{250, 700};
constexpr double kSkew = 1.5;

constexpr double kDayDeviation = 0.03;
constexpr double kCardTestingPerSecond = 1.5;
constexpr double kScrapingPerSecond = 7;
constexpr double kScanningPerSecond = 1.5;

constexpr std::array<std::string_view, 4> kBrowsers{
    "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
    "ShopApp/7.2 (Android 15)"};
constexpr std::array<std::string_view, 5> kProbed{"/wp-login.php", "/.env", "/admin/config.bak",
                                                  "/cgi-bin/test", "/.git/config"};

ClientId v4(std::uint32_t address) {
  return ClientId{0, 0xffff'0000'0000ULL | address};
}

Nanos nanos(double seconds) {
  return Nanos{static_cast<Nanos::rep>(seconds * 1e9)};
}

/// Log-normal of the given mean and coefficient of variation.
double log_normal(Random& random, double mean, double cv) {
  const double variance = std::log1p(cv * cv);
  return mean * std::exp(std::sqrt(variance) * random.normal() - variance / 2);
}

}  // namespace

traffic::Request Arrival::request(WallTime midnight) const {
  traffic::Request out;
  out.time = midnight + at;
  out.client = client;
  out.user_id = user;
  out.tier = kTierNames[tier];
  out.method = offer == kPayment ? "POST" : "GET";
  out.path = path;
  out.user_agent = user_agent;
  return out;
}

Traffic::Traffic(Span span, std::uint64_t seed, bool attacks, const Staging& staging)
    : span_(span), staging_(staging) {
  const Random root(seed);
  Random day = root.fork(0);
  busy_today_ = std::exp(kDayDeviation * day.normal());
  const double begin = static_cast<double>(span.from.count()) * 1e-9;
  std::uint64_t stream = 1;
  const auto add = [&](Who who, std::size_t offer, std::size_t tier, double most) {
    sources_.push_back({who, offer, tier, most, root.fork(stream++), begin});
    advance(sources_.back());
  };
  for (std::size_t offer = 0; offer < kOffers.size(); ++offer) {
    for (std::size_t tier = 0; tier < kTiers; ++tier) {
      const double most = kOffers[offer].per_second_at_peak[tier] * busy_today_;
      add(Who::customers, offer, tier, offer == kPayment ? kSpikeFactor * most : most);
    }
  }
  if (!attacks) return;
  add(Who::card_testing, kPayment, kStd, kCardTestingPerSecond);
  add(Who::scraping, kSearch, kStd, kScrapingPerSecond);
  add(Who::scanning, kOffers.size(), kStd, kScanningPerSecond);
  add(Who::flood, kBrowse, kStd, staging_.flood.per_second);
}

double Traffic::rate(std::size_t offer, std::size_t tier, Nanos at) {
  constexpr int kPlayed = 1;  // a Tuesday
  const double usual = kOffers[offer].per_second_at_peak[tier] * share_of_peak(at);
  return offer == kPayment ? usual * spike_factor(kPlayed, at) : usual;
}

double Traffic::rate_of(const Source& source, Nanos at) const {
  switch (source.who) {
    case Who::customers:
      return busy_today_ * rate(source.offer, source.tier, at);
    case Who::flood:
      return staging_.flood.span.holds(at) ? source.most_per_second : 0;
    default:
      return kAttack.holds(at) ? source.most_per_second : 0;
  }
}

/// To the next call that is made: candidates come at the highest rate, and stay with the
/// probability that the rate of their moment has in it (Lewis and Shedler 1979).
void Traffic::advance(Source& source) {
  const double end = static_cast<double>(span_.until.count()) * 1e-9;
  const Span active = source.who == Who::customers ? span_
                      : source.who == Who::flood   ? staging_.flood.span
                                                   : kAttack;
  source.at_s = std::max(source.at_s, static_cast<double>(active.from.count()) * 1e-9);
  do {
    source.at_s += source.random.exponential() / source.most_per_second * staging_.pace;
  } while (source.at_s < end &&
           !source.random.chance(rate_of(source, nanos(source.at_s)) / source.most_per_second));
}

bool Traffic::next(Arrival& arrival) {
  Source& first = *std::min_element(sources_.begin(), sources_.end(),
                                    [](const auto& a, const auto& b) { return a.at_s < b.at_s; });
  arrival.at = nanos(first.at_s);
  if (arrival.at >= span_.until) return false;
  fill(first, arrival);
  advance(first);
  return true;
}

void Traffic::fill(Source& source, Arrival& arrival) {
  arrival.offer = source.offer;
  arrival.tier = source.tier;
  arrival.attack = source.who != Who::customers;
  arrival.status = 200;
  if (source.offer < kOffers.size()) {
    const Offer& offer = kOffers[source.offer];
    arrival.service_ms = log_normal(source.random, offer.service_ms, offer.service_cv);
  } else {
    arrival.service_ms = kOtherServiceMs;
    arrival.status = 404;
  }
  if (arrival.attack) {
    fill_attack(source, arrival);
  } else {
    fill_customer(source, arrival);
  }
}

void Traffic::fill_customer(Source& source, Arrival& arrival) {
  Random& random = source.random;
  const std::uint64_t about = kAbout[arrival.tier];
  const auto place =
      static_cast<std::uint64_t>(static_cast<double>(about) * std::pow(random.uniform(), kSkew));
  // Every second one place changes hands.
  const std::uint64_t number =
      (static_cast<std::uint64_t>(source.at_s / staging_.pace) + place) / about;
  const std::uint64_t who = number * about + place;
  arrival.user = fmt::format("{}{}", arrival.tier == kPrm ? 'p' : 's', who);
  arrival.client = v4((arrival.tier == kPrm ? 0x0a40'0000U : 0x0a80'0000U) +
                      static_cast<std::uint32_t>(who % 0x40'0000U));
  arrival.user_agent = kBrowsers[who % kBrowsers.size()];
  const Offer& offer = kOffers[arrival.offer];
  if (random.chance(offer.error_ratio)) arrival.status = offer.error_status;
  switch (arrival.offer) {
    case kPayment:
      arrival.path = "/payment/authorize";
      break;
    case kBrowse:
      arrival.path = fmt::format("/browse/item/{}", random.below(400));
      break;
    default:
      arrival.path = fmt::format("/search/items?q={}", random.below(400));
      break;
  }
}

void Traffic::fill_attack(Source& source, Arrival& arrival) {
  Random& random = source.random;
  arrival.user.clear();
  switch (source.who) {
    case Who::card_testing:
      arrival.client = v4(0xc633'6442);  // 198.51.100.66
      arrival.path = "/payment/authorize";
      arrival.user_agent = "Go-http-client/1.1";
      arrival.status = random.chance(0.95) ? 402 : 200;
      break;
    case Who::scraping:
      arrival.client = v4(0xc000'024d);  // 192.0.2.77
      arrival.path = fmt::format("/search/items?q={}", random.below(100'000));
      arrival.user_agent = "python-requests/2.32.3";
      break;
    case Who::scanning:
      arrival.client = v4(0xc633'6463);  // 198.51.100.99
      arrival.path = kProbed[random.below(kProbed.size())];
      arrival.user_agent = "Mozilla/5.0 (compatible; Nmap Scripting Engine)";
      break;
    default:
      arrival.client = v4(0xcb00'7100U + 100 +
                          static_cast<std::uint32_t>(random.below(staging_.flood.addresses)));
      arrival.path = fmt::format("/browse/item/{}", random.below(400));
      arrival.user_agent = "Mozilla/5.0";
      break;
  }
}

}  // namespace tidelimit::impact
