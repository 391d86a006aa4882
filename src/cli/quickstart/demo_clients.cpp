#include "cli/quickstart/demo_clients.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace tidelimit::cli::quickstart {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::size_t kReportsTogether = 50;
// One call in twenty of a malicious client succeeds, as it would.
constexpr double kLuck = 0.05;

Url loopback(std::uint16_t port) {
  return {.host = "127.0.0.1", .port = std::to_string(port), .prefix = ""};
}

/// The fields of a request that check and report share.
json fields_of(const traffic::Request& request) {
  json fields{{"client_ip", request.client_name},
              {"method", request.method},
              {"path", request.path},
              {"user_agent", request.user_agent}};
  if (!request.user_id.empty()) fields["user_id"] = request.user_id;
  if (!request.tier.empty()) fields["tier"] = request.tier;
  return fields;
}

}  // namespace

DemoClients::DemoClients(const Scenario& scenario, Past past, const Places& places,
                         const serve::Clock& clock)
    : scenario_(scenario),
      customers_(std::move(past.traffic)),
      attackers_(std::move(past.malicious)),
      clock_(clock),
      gate_(loopback(places.gate), kPatience),
      shop_(loopback(places.shop), kPatience) {
  std::uint64_t stream = 0;
  for (const CastMember& member : scenario_.cast()) {
    const WallTime first = scenario_.begin() + member.first;
    parts_.push_back({&member, Random(scenario_.traffic().seed).fork(++stream), first, first});
  }
}

DemoClients::~DemoClients() {
  stop();
}

void DemoClients::start() {
  thread_ = std::thread([this] { run(); });
}

void DemoClients::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

std::map<std::string, Account> DemoClients::accounts() const {
  std::lock_guard lock(mutex_);
  return accounts_;
}

std::optional<std::string> DemoClients::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

void DemoClients::run() {
  traffic::Request request;
  bool more = next_customer(request);
  while (!stopping_) {
    Part& part = *std::min_element(parts_.begin(), parts_.end(),
                                   [](const Part& a, const Part& b) { return a.next < b.next; });
    const bool customer = more && request.time + scenario_.shift() <= part.next;
    if (!wait_until(customer ? request.time + scenario_.shift() : part.next)) break;
    if (customer) {
      send(request, who_is(request));
      more = next_customer(request);
    } else {
      play(part);
    }
  }
  flush_reports();
}

bool DemoClients::next_customer(traffic::Request& request) {
  if (!customers_.next(request)) return false;
  for (const auto& label : customers_.take_labels()) {
    if (synthetic::is_malicious(label.kind)) attackers_.insert(label.client.id);
  }
  return true;
}

std::string DemoClients::who_is(const traffic::Request& request) const {
  if (attackers_.count(request.client) > 0) return kOtherAttackers;
  return "customers " + std::string(request.tier);
}

void DemoClients::play(Part& part) {
  const CastMember& member = *part.member;
  traffic::Request request;
  request.client_name = member.address;
  request.user_id = member.user;
  request.tier = member.tier;
  request.method = member.method;
  request.path = member.paths[part.calls % member.paths.size()];
  request.user_agent = member.user_agent;
  const bool lucky = member.malicious && part.random.chance(kLuck);
  request.status = static_cast<std::uint16_t>(lucky ? 200 : member.status);
  send(request, std::string(member.name));
  ++part.calls;
  advance(part);
}

/// Sets the time of the next call: evenly within a spree, unevenly for those who never stop.
void DemoClients::advance(Part& part) const {
  const CastMember& member = *part.member;
  const auto pace =
      std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(60.0 / member.per_minute));
  if (member.every.count() == 0) {
    part.next += std::chrono::duration_cast<Nanos>(pace * part.random.exponential());
    return;
  }
  part.next += pace;
  if (part.next - part.spree_began >= member.length) {
    part.spree_began += member.every;
    part.next = part.spree_began;
  }
}

void DemoClients::send(const traffic::Request& request, const std::string& who) {
  const auto checked = gate_.call("POST", "/v1/check", "", fields_of(request).dump());
  if (!checked) return note_trouble(checked.error());
  const json answer = json::parse(checked->body, nullptr, false);
  if (checked->status != 200 || !answer.is_object())
    return note_trouble({Code::internal, fmt::format("POST /v1/check answered {}: {}",
                                                     checked->status, checked->body)});
  const bool allowed = answer.value("allowed", true);
  {
    std::lock_guard lock(mutex_);
    Account& account = accounts_[who];
    ++account.asked;
    if (allowed)
      ++account.served;
    else
      ++account.denied[answer.value("reason", "unknown")];
  }
  if (!allowed) return;
  const auto served = shop_.call(request.method, request.path,
                                 fmt::format("x-demo-status: {}\r\n", request.status));
  if (!served) return note_trouble(served.error());
  report(request, served->status);
}

void DemoClients::report(const traffic::Request& request, int status) {
  json fields = fields_of(request);
  fields["status"] = status;
  fields["latency_ms"] = std::isnan(request.latency_ms) ? 20.0 : double{request.latency_ms};
  reports_ += (reports_.empty() ? "[" : ",") + fields.dump();
  if (++report_count_ >= kReportsTogether) flush_reports();
}

void DemoClients::flush_reports() {
  if (reports_.empty()) return;
  const auto taken = gate_.call("POST", "/v1/report", "", reports_ + "]");
  reports_.clear();
  report_count_ = 0;
  if (!taken) return note_trouble(taken.error());
  if (taken->status >= 300)
    note_trouble({Code::internal,
                  fmt::format("POST /v1/report answered {}: {}", taken->status, taken->body)});
}

void DemoClients::note_trouble(const Error& error) {
  std::lock_guard lock(mutex_);
  if (!trouble_) trouble_ = error.message;
}

/// False: it is to stop.
bool DemoClients::wait_until(WallTime time) {
  constexpr Nanos kLongestNap = std::chrono::milliseconds{50};
  while (!stopping_) {
    const Nanos left = clock_.real(time - clock_.now().wall);
    if (left <= Nanos{0}) return true;
    if (left > kLongestNap) flush_reports();
    std::this_thread::sleep_for(std::min(left, kLongestNap));
  }
  return false;
}

}  // namespace tidelimit::cli::quickstart
