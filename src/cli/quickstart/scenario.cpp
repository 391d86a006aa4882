#include "cli/quickstart/scenario.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace tidelimit::cli::quickstart {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kWindow = minutes{15};
// The traffic begins on a Monday. Its fifth Wednesday sees the play; four have taught the model.
constexpr auto kDays = days{31};
constexpr auto kPlay = days{30} + hours{10} + minutes{55};
constexpr auto kTrained = days{23};
constexpr int kWednesday = 2;
constexpr auto kRush = hours{11} + minutes{30};
// The forecast of eleven o'clock sees half of the rush: about twice the usual hour.
constexpr double kRushFactor = 3.4;

std::vector<synthetic::ScheduledSpike> schedule() {
  auto spikes = synthetic::usual_schedule();
  std::erase_if(spikes, [](const auto& spike) { return spike.weekday == kWednesday; });
  spikes.push_back({synthetic::Endpoint::payment, kWednesday, kRush, hours{1}, kRushFactor, false});
  return spikes;
}

constexpr std::string_view kBrowser =
    "Mozilla/5.0 (X11; Linux x86_64; rv:134.0) Gecko/20100101 Firefox/134.0";

// The malicious stay below a fifth of all traffic: an address with more could be a proxy that the
// whole world comes through, and is reported instead of blocked.
std::vector<CastMember> make_cast() {
  return {
      {.name = "Ana (STD) browses fast",
       .address = "203.0.113.10",
       .user = "ana",
       .tier = "STD",
       .method = "GET",
       .paths = {"/browse/deals", "/browse/item/17", "/browse/item/4711"},
       .user_agent = kBrowser,
       .per_minute = 85,
       .first = minutes{1},
       .every = minutes{10},
       .length = minutes{3}},
      {.name = "Ben (PRM) pays many bills",
       .address = "203.0.113.20",
       .user = "ben",
       .tier = "PRM",
       .method = "POST",
       .paths = {"/payment/transfer"},
       .user_agent = kBrowser,
       .per_minute = 80,
       .first = minutes{7},
       .every = minutes{12}},
      {.name = "card testing",
       .address = "198.51.100.66",
       .user = "",
       .tier = "STD",
       .method = "POST",
       .paths = {"/payment/authorize"},
       .user_agent = "Go-http-client/1.1",
       .status = 402,
       .per_minute = 40,
       .first = minutes{12},
       .malicious = true},
      {.name = "credential stuffing",
       .address = "192.0.2.77",
       .user = "",
       .tier = "STD",
       .method = "POST",
       .paths = {"/login"},
       .user_agent = "python-requests/2.32.3",
       .status = 401,
       .per_minute = 45,
       .first = minutes{14},
       .malicious = true},
      {.name = "path scanner",
       .address = "198.51.100.99",
       .user = "",
       .tier = "STD",
       .method = "GET",
       .paths = {"/wp-login.php", "/.env", "/admin/config.bak", "/cgi-bin/test", "/.git/config"},
       .user_agent = "Mozilla/5.0 (compatible; Nmap Scripting Engine)",
       .status = 404,
       .per_minute = 35,
       .first = minutes{16},
       .malicious = true},
  };
}

}  // namespace

Scenario::Scenario(WallTime now, std::uint64_t seed) : cast_(make_cast()) {
  traffic_.days = static_cast<double>(kDays.count());
  traffic_.seed = seed;
  traffic_.scale = 4;
  traffic_.schedule = schedule();
  shift_ = floor_to(now, kWindow) - floor_to(traffic_.start + kPlay, kWindow);
}

WallTime Scenario::trained_until() const {
  return traffic_.start + kTrained + shift_;
}

WallTime Scenario::begin() const {
  return traffic_.start + kPlay + shift_;
}

WallTime Scenario::rush() const {
  return traffic_.start + days{30} + kRush + shift_;
}

std::string configuration(std::uint16_t port) {
  return fmt::format(R"({1} docs/configuration.md explains every key.
mode: enforce
listen: {{ http: "127.0.0.1:{0}" }}
identity:
  trusted_proxies: [127.0.0.0/8]
  user_header: x-user-id
  tier_header: x-user-tier
  default_tier: STD
tiers: [PRM, STD]
endpoints:
  - {{ name: payment, match: "/payment/**", priority: high, limits: {{ PRM: 300/min, STD: 100/min }} }}
  - {{ name: browse,  match: "/browse/**",  priority: low,  limits: {{ PRM: 300/min, STD: 100/min }} }}
  - {{ name: search,  match: "/search/**",  limits: {{ PRM: 300/min, STD: 100/min }} }}
  - {{ name: login,   match: "/login/**",   limits: {{ PRM: 100/min, STD: 100/min }} }}
  - {{ name: account, match: "/account/**", limits: {{ PRM: 300/min, STD: 100/min }} }}
forecast: {{ window: 15m, history: 24h, horizon: 1h, model: model }}
anomaly:  {{ model: model, scan: 5s }}
rules:
  - {{ name: shield-payment, when: {{ forecast: payment, spike: 1.5 }}, then: {{ endpoints: [browse], tiers: [STD], scale: 0.5 }} }}
  - {{ name: hot-endpoint,   when: {{ forecast: any,     spike: 1.5 }}, then: {{ endpoints: same,     tiers: [STD], scale: 0.5 }} }}
  - {{ name: attacker,       when: {{ verdict: malicious }},            then: {{ action: block, for: 15m }} }}
  - {{ name: odd-tool,       when: {{ user_agent: "Postman*", error_rate: 0.5, requests: 20 }}, then: {{ verdict: suspicious, limit: 10/min, for: 10m }} }}
adapt: {{ floor: {{ default: 0.2, PRM: 0.5 }}, tighten: 0.5, relax: 0.1/min, hold: 15m, plan_ttl: 30m }}
admin: {{ token_file: admin.token }}
state: tidelimit.db
)",
                     port, kConfigurationMark);
}

}  // namespace tidelimit::cli::quickstart
