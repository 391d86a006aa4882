// What each kind of attacker does: its pace, its disguise, and the requests it writes.

#include <algorithm>
#include <cmath>

#include "ingest/synthetic/agents.hpp"
#include "ingest/synthetic/attackers.hpp"
#include "ingest/synthetic/customers.hpp"
#include "ingest/synthetic/pages.hpp"

namespace tidelimit::synthetic {
namespace {

/// Uniform ranges; every attacker draws its own place in each.
struct Habits {
  double rate_low, rate_high;        ///< requests a minute; drawn on a log scale
  double minutes_low, minutes_high;  ///< of one visit
  double again;                      ///< chance of each further visit
  double failure_low, failure_high;  ///< share of refused requests
  double honest_agent;               ///< chance to come under the tool's own name
};

constexpr Habits habits_of(ClientKind kind) {
  switch (kind) {
    case ClientKind::credential_stuffing:
      return {15, 60, 8, 25, 0.3, 0.93, 0.995, 0.3};
    case ClientKind::scraper:
      return {50, 130, 4, 14, 0.4, 0.01, 0.08, 0.6};
    case ClientKind::path_scanner:
      return {40, 240, 3, 10, 0.2, 0.93, 0.99, 0.5};
    case ClientKind::card_testing:
      return {1.5, 4.0, 90, 330, 0.2, 0.80, 0.95, 0.0};
    case ClientKind::api_tool:
      return {8, 35, 8, 30, 0.4, 0.60, 0.92, 1.0};
    default:
      return {250, 900, 2, 5, 0.1, 0.02, 0.20, 0.6};  // flood
  }
}

double between(double low, double high, Random& random) {
  return low + (high - low) * random.uniform();
}

std::string_view tool_of(ClientKind kind, Random& random) {
  switch (kind) {
    case ClientKind::scraper:
      return scraper_tool(random);
    case ClientKind::path_scanner:
      return scanner_tool(random);
    case ClientKind::api_tool:
      return postman(random);
    default:
      return script(random);
  }
}

// Attackers' accounts are thrown away after use; their numbers are out of the customers' range.
constexpr std::uint32_t kFirstThrowaway = 20'000'000;

std::uint32_t throwaway(Random& random) {
  return kFirstThrowaway + static_cast<std::uint32_t>(random.below(9'000'000));
}

Endpoint draw_target(Random& random) {
  // Weighted towards the cheap, open pages.
  constexpr std::array<Endpoint, 6> kTargets{Endpoint::browse, Endpoint::browse, Endpoint::search,
                                             Endpoint::search, Endpoint::login,  Endpoint::account};
  return kTargets[random.below(kTargets.size())];
}

void write_flood(Attacker& a, bool refused, Batch& batch, traffic::Request& request) {
  // One and the same page, again and again; cache-busting in every other flood.
  Text path;
  path << "/" << name_of(a.target);
  if (a.client.id.lo % 2 == 0) path << "?r=" << a.random.below(100'000'000);
  request.method = a.target == Endpoint::login ? "POST" : "GET";
  request.path = batch.keep(path.view());
  answer(refused ? 503 : 200, refused ? 900 : 180, refused ? 300 : 5000, a.random, request);
}

void write_stuffing(Attacker& a, bool refused, Batch&, traffic::Request& request) {
  request.method = "POST";
  request.path = "/login";
  answer(refused ? 401 : 200, 150, refused ? 190 : 860, a.random, request);
}

void write_scrape(Attacker& a, bool refused, Batch& batch, traffic::Request& request) {
  // The catalogue from front to back, with a search now and then.
  Text path;
  if (a.random.chance(0.15)) {
    path << "/search?";
    append_query(path, a.random);
  } else {
    path << "/browse/item/" << 1000 + a.steps;
  }
  request.method = "GET";
  request.path = batch.keep(path.view());
  answer(refused ? 404 : 200, 40, refused ? 320 : 14'200, a.random, request);
}

void write_scan(Attacker& a, bool refused, Batch& batch, traffic::Request& request) {
  constexpr std::array<std::string_view, 40> kPaths{
      "/.env",
      "/.git/config",
      "/wp-login.php",
      "/wp-admin/setup-config.php",
      "/phpmyadmin/",
      "/admin",
      "/admin/login.php",
      "/server-status",
      "/actuator/env",
      "/actuator/heapdump",
      "/api/v1/users",
      "/api/swagger.json",
      "/v2/_catalog",
      "/cgi-bin/luci",
      "/boaform/admin/formLogin",
      "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
      "/solr/admin/info/system",
      "/payment/../../../../etc/passwd",
      "/browse/..%2f..%2f..%2fetc%2fpasswd",
      "/search?q=%27%20OR%201=1--",
      "/search?q=%3Cscript%3Ealert(1)%3C/script%3E",
      "/account/1%20UNION%20SELECT%20null--",
      "/login?next=//203.0.113.9/",
      "/.aws/credentials",
      "/backup.zip",
      "/db.sql",
      "/config.json",
      "/.DS_Store",
      "/console/",
      "/manager/html",
      "/jenkins/script",
      "/.svn/entries",
      "/id_rsa",
      "/shell.php",
      "/xmlrpc.php",
      "/owa/auth/logon.aspx",
      "/remote/login",
      "/HNAP1",
      "/telescope/requests",
      "/debug/pprof/"};
  constexpr std::array<std::string_view, 5> kMethods{"GET", "GET", "GET", "POST", "HEAD"};
  Text path;
  if (a.random.chance(0.25)) {
    // A word list: directories that may or may not be there.
    path << "/" << std::string_view("abcdefghijklmnop").substr(a.random.below(12), 4)
         << a.random.below(1000) << (a.random.chance(0.5) ? ".php" : "/");
  } else {
    path << kPaths[a.random.below(kPaths.size())];
  }
  request.method = kMethods[a.random.below(kMethods.size())];
  request.path = batch.keep(path.view());
  const double u = a.random.uniform();
  const std::uint16_t status = !refused ? 200 : u < 0.88 ? 404 : u < 0.95 ? 403 : 400;
  answer(status, 9, 320, a.random, request);
}

void write_card_test(Attacker& a, bool refused, Batch& batch, traffic::Request& request) {
  // A new account after every score of cards.
  if (a.steps % 20 == 0) a.user = throwaway(a.random);
  request.user_id = batch.keep(user_name(a.user).view());
  request.method = "POST";
  request.path = "/payment/authorize";
  const bool malformed = a.random.chance(0.07);
  answer(refused ? (malformed ? 400 : 402) : 201, 230, 410, a.random, request);
}

void write_tool(Attacker& a, bool refused, Batch& batch, traffic::Request& request) {
  // Somebody tries what the interface lets through: any endpoint, any method.
  constexpr std::array<std::string_view, 6> kMethods{"GET", "POST",   "POST",
                                                     "PUT", "DELETE", "PATCH"};
  constexpr std::array<std::uint16_t, 7> kRefusals{400, 401, 403, 404, 405, 422, 500};
  const Endpoint endpoint = kAllEndpoints[a.random.below(kEndpoints)];
  const Page page = draw_page(endpoint, a.random);
  request.user_id = batch.keep(user_name(a.user).view());
  request.method = a.random.chance(0.5) ? page.method : kMethods[a.random.below(kMethods.size())];
  request.path = batch.keep(page.path.view());
  const auto refusal = kRefusals[a.random.below(kRefusals.size())];
  answer(refused ? refusal : page.status, page.latency_ms, refused ? 280 : page.bytes, a.random,
         request);
}

}  // namespace

Attacker make_attacker(ClientKind kind, const Client& client, UnixMinute start, Random random) {
  const Habits habits = habits_of(kind);
  Attacker a;
  a.kind = kind;
  a.client = client;
  a.rate = habits.rate_low * std::pow(habits.rate_high / habits.rate_low, random.uniform());
  a.failure_ratio = between(habits.failure_low, habits.failure_high, random);
  a.target = draw_target(random);
  a.user = throwaway(random);
  if (random.chance(habits.honest_agent)) {
    a.agent = tool_of(kind, random);
  } else {
    a.agent = random.chance(0.6) ? desktop_browser(random) : phone_browser(random);
    a.rotates_agents = random.chance(0.4);
  }
  UnixMinute next = start;
  for (auto& visit : a.visits) {
    const double minutes = between(habits.minutes_low, habits.minutes_high, random);
    visit = {next, static_cast<std::int64_t>(minutes)};
    if (!random.chance(habits.again)) break;
    // Back after three to forty hours.
    next += visit.minutes + static_cast<std::int64_t>(between(180, 2400, random));
  }
  a.random = random;
  return a;
}

void write_attack(Attacker& a, Batch& batch, traffic::Request& request) {
  const bool refused = a.random.chance(a.failure_ratio);
  request.tier = "STD";
  request.user_agent = a.rotates_agents ? desktop_browser(a.random) : a.agent;
  switch (a.kind) {
    case ClientKind::credential_stuffing:
      return write_stuffing(a, refused, batch, request);
    case ClientKind::scraper:
      return write_scrape(a, refused, batch, request);
    case ClientKind::path_scanner:
      return write_scan(a, refused, batch, request);
    case ClientKind::card_testing:
      return write_card_test(a, refused, batch, request);
    case ClientKind::api_tool:
      return write_tool(a, refused, batch, request);
    default:
      return write_flood(a, refused, batch, request);
  }
}

}  // namespace tidelimit::synthetic
