#include "ingest/synthetic/services.hpp"

#include <algorithm>
#include <cmath>

#include "ingest/synthetic/agents.hpp"

namespace tidelimit::synthetic {
namespace {

constexpr std::size_t kMonitors = 2;
constexpr double kMaxServices = 60;  // crawlers, and partners
constexpr std::uint32_t kFirstCrawlerSlot = 10;
constexpr std::uint32_t kFirstPartnerSlot = 120;

// Requests a minute of all crawlers at scale 1.
constexpr double kTrickle = 0.3;
constexpr double kCrawl = 4.0;
constexpr std::int64_t kCrawlStart = 2 * 60;
constexpr std::int64_t kCrawlEnd = 4 * 60 + 30;

// 450 requests in ten minutes; the next partner starts seven minutes later.
constexpr double kPartnerPace = 45;
constexpr std::int64_t kFirstBatch = 1 * 60 + 30;
constexpr std::int64_t kBatchMinutes = 10;
constexpr std::int64_t kBatchSpacing = 7;

// The monitors ask these in turn, the first one every minute, the second every five.
constexpr std::array<Endpoint, 3> kProbed{Endpoint::browse, Endpoint::login, Endpoint::account};
constexpr std::array<std::string_view, 3> kProbePaths{"/browse", "/login", "/account/status"};

std::size_t probe_of(UnixMinute minute) {
  return static_cast<std::size_t>(minute) % kProbed.size();
}

double crawl_share(Endpoint endpoint) {
  if (endpoint == Endpoint::browse) return 0.8;
  return endpoint == Endpoint::search ? 0.2 : 0.0;
}

}  // namespace

Services::Services(double scale, const AddressBook& addresses, Random random)
    : scale_(scale), random_(random) {
  const auto count = static_cast<std::uint32_t>(std::clamp(std::round(scale), 1.0, kMaxServices));
  for (std::uint32_t i = 0; i < kMonitors; ++i) monitors_.push_back({addresses.service(i)});
  for (std::uint32_t i = 0; i < count; ++i) {
    crawlers_.push_back({addresses.service(kFirstCrawlerSlot + i)});
    partners_.push_back({addresses.service(kFirstPartnerSlot + i)});
  }
  partner_pace_ = static_cast<std::uint64_t>(std::clamp(kPartnerPace * scale, 2.0, kPartnerPace));
}

double Services::crawl_rate(Endpoint endpoint, UnixMinute minute) const {
  const auto of_day = minute % kDayMinutes;
  const bool crawl = of_day >= kCrawlStart && of_day < kCrawlEnd;
  return scale_ * crawl_share(endpoint) * (crawl ? kTrickle + kCrawl : kTrickle);
}

bool Services::batch_runs(std::size_t partner, UnixMinute minute) const {
  const auto start = kFirstBatch + static_cast<std::int64_t>(partner) * kBatchSpacing;
  const auto since = minute % kDayMinutes - start;
  return since >= 0 && since < kBatchMinutes;
}

double Services::steady(Endpoint endpoint, UnixMinute start) const {
  double sum = 0;
  for (std::int64_t m = 0; m < kWindowMinutes; ++m) sum += crawl_rate(endpoint, start + m);
  return sum;
}

double Services::fixed(Endpoint endpoint, UnixMinute start) const {
  double sum = 0;
  for (UnixMinute minute = start; minute < start + kWindowMinutes; ++minute) {
    if (kProbed[probe_of(minute)] == endpoint) sum += minute % 5 == 0 ? 2.0 : 1.0;
    if (endpoint != Endpoint::account) continue;
    for (std::size_t p = 0; p < partners_.size(); ++p) {
      if (batch_runs(p, minute)) sum += static_cast<double>(partner_pace_);
    }
  }
  return sum;
}

traffic::Request& Services::request_of(Service& service, ClientKind kind, std::uint64_t millisecond,
                                       Batch& batch, ClientLabels& fresh) {
  if (!service.seen) fresh.push_back({service.client, kind});
  service.seen = true;
  traffic::Request& request = batch.add(millisecond);
  request.client = service.client.id;
  request.client_name = service.client.name();
  request.tier = "STD";
  return request;
}

void Services::emit(UnixMinute minute, const Weather& weather, Batch& batch,
                    PerEndpoint<double>& counts, ClientLabels& fresh) {
  emit_monitors(minute, weather, batch, counts, fresh);
  emit_crawlers(minute, weather, batch, counts, fresh);
  emit_partners(minute, batch, counts, fresh);
}

void Services::emit_monitors(UnixMinute minute, const Weather& weather, Batch& batch,
                             PerEndpoint<double>& counts, ClientLabels& fresh) {
  const std::size_t probe = probe_of(minute);
  for (std::size_t i = 0; i < monitors_.size(); ++i) {
    if (i == 1 && minute % 5 != 0) continue;
    const std::uint64_t millisecond = 12'000 + 17'000 * i + random_.below(400);
    auto& request = request_of(monitors_[i], ClientKind::monitor, millisecond, batch, fresh);
    request.method = i == 0 ? "GET" : "HEAD";
    request.path = kProbePaths[probe];
    request.user_agent = monitor(i);
    const bool failed = random_.chance(weather.failure_ratio(kProbed[probe]));
    answer(failed ? 503 : 200, 30.0 * weather.slowness(kProbed[probe]), 900, random_, request);
    counts[kProbed[probe]] += 1;
  }
}

void Services::emit_crawlers(UnixMinute minute, const Weather& weather, Batch& batch,
                             PerEndpoint<double>& counts, ClientLabels& fresh) {
  for (const Endpoint e : {Endpoint::browse, Endpoint::search}) {
    const std::uint64_t asked = random_.poisson(crawl_rate(e, minute));
    for (std::uint64_t i = 0; i < asked; ++i) {
      const std::size_t which = random_.below(crawlers_.size());
      auto& request =
          request_of(crawlers_[which], ClientKind::crawler, random_.below(60'000), batch, fresh);
      ask(e, weather, random_, batch, request);
      request.method = "GET";
      request.user_agent = crawler(which);
    }
    counts[e] += static_cast<double>(asked);
  }
}

void Services::emit_partners(UnixMinute minute, Batch& batch, PerEndpoint<double>& counts,
                             ClientLabels& fresh) {
  for (std::size_t p = 0; p < partners_.size(); ++p) {
    if (!batch_runs(p, minute)) continue;
    for (std::uint64_t i = 0; i < partner_pace_; ++i) {
      const std::uint64_t millisecond = i * 60'000 / partner_pace_ + random_.below(900);
      auto& request = request_of(partners_[p], ClientKind::partner, millisecond, batch, fresh);
      request.user_id = batch.keep((Text() << "partner-" << std::uint64_t{p + 1}).view());
      request.tier = "PRM";
      const bool upload = random_.chance(0.3);
      request.method = upload ? "POST" : "GET";
      request.path =
          upload ? std::string_view("/account/orders/import")
                 : batch.keep(
                       (Text() << "/account/orders/export?page=" << random_.below(1000)).view());
      request.user_agent = partner(p);
      const bool failed = random_.chance(0.004);
      answer(failed ? 500 : 200, upload ? 140 : 85, upload ? 180 : 26'000, random_, request);
      counts[Endpoint::account] += 1;
    }
  }
}

}  // namespace tidelimit::synthetic
