#include "poison.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tidelimit::bench {

Poison::Poison(PoisonPlan plan, std::uint64_t seed)
    : plan_(std::move(plan)), random_(seed), minute_(plan_.from) {
  // Blocks that the generator gives nobody.
  for (std::size_t i = 0; i < plan_.addresses; ++i) {
    addresses_.push_back(plan_.one_prefix ? fmt::format("203.0.113.{}", i % 256)
                                          : fmt::format("172.{}.{}.9", 16 + i / 256, i % 256));
  }
}

double Poison::progress(WallTime time) const {
  const double share = std::chrono::duration<double>(time - plan_.from) /
                       std::chrono::duration<double>(plan_.until - plan_.from);
  return std::clamp(share, 0.0, 1.0);
}

double Poison::rate(WallTime time) const {
  return plan_.rate_first * std::pow(plan_.rate_last / plan_.rate_first, progress(time));
}

bool Poison::present(std::size_t address, WallTime minute) const {
  if (plan_.each.count() == 0) return true;
  const Nanos room = plan_.until - plan_.from - plan_.each;
  const auto place = static_cast<Nanos::rep>(address);
  const auto gaps = static_cast<Nanos::rep>(std::max<std::size_t>(plan_.addresses, 2) - 1);
  const WallTime first = plan_.from + room / gaps * place;
  return first <= minute && minute < first + plan_.each;
}

void Poison::fill(WallTime minute) {
  arrivals_.clear();
  next_ = 0;
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    if (!present(i, minute)) continue;
    const std::uint64_t asked = random_.poisson(rate(minute));
    for (std::uint64_t n = 0; n < asked; ++n) {
      const auto after = std::chrono::milliseconds{random_.below(60'000)};
      arrivals_.push_back({minute + after, i});
    }
  }
  std::sort(arrivals_.begin(), arrivals_.end(),
            [](const Arrival& a, const Arrival& b) { return a.time < b.time; });
}

bool Poison::next(WallTime time, traffic::Request& request) {
  while (next_ == arrivals_.size()) {
    if (minute_ >= time || minute_ >= plan_.until) return false;
    fill(minute_);
    minute_ += std::chrono::minutes{1};
  }
  const Arrival& arrival = arrivals_[next_];
  if (arrival.time >= time) return false;
  ++next_;
  const double failing =
      plan_.failing_first + (plan_.failing_last - plan_.failing_first) * progress(arrival.time);
  path_ = fmt::format("/browse/item/{}", 1000 + item_++ % 5000);
  request = {};
  request.time = arrival.time;
  request.client_name = addresses_[arrival.address];
  request.client = client_of(request.client_name);
  request.tier = "STD";
  request.method = "GET";
  request.path = path_;
  request.user_agent = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
  request.status = random_.chance(failing) ? 404 : 200;
  request.latency_ms = 40;
  request.bytes = 14'200;
  return true;
}

}  // namespace tidelimit::bench
