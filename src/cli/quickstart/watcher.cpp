#include "cli/quickstart/watcher.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iostream>

#include "engine/window_book.hpp"
#include "policy/words.hpp"

namespace tidelimit::cli::quickstart {
namespace {

constexpr double kHalfOfBase = 50;      // of browse/STD's 100 a minute
constexpr double kPremiumBase = 300;    // of payment/PRM
constexpr double kRoundingSlack = 0.5;  // emission intervals are whole nanoseconds

std::string hour_of(WallTime time) {
  return format_time(std::chrono::floor<std::chrono::seconds>(time)).substr(11, 8);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

/// What is only reported may well be a good client: no word of guilt.
std::string judgement(const policy::VerdictRecord& verdict) {
  if (verdict.mode != limiter::Mode::enforce) return "looks odd, only reported";
  return fmt::format("is {}, {}", to_string(verdict.kind),
                     verdict.action == limiter::Action::block ? "blocked" : "limited");
}

std::uint64_t denied_by(const Account& account, const std::string& reason) {
  const auto found = account.denied.find(reason);
  return found == account.denied.end() ? 0 : found->second;
}

}  // namespace

Watcher::Watcher(const engine::Engine& engine, const DemoClients& clients, const Scenario& scenario)
    : engine_(engine),
      clients_(clients),
      scenario_(scenario),
      told_until_(scenario.begin()),
      last_change_(scenario.begin()) {}

void Watcher::look() {
  const auto status = engine_.status();
  if (!status) return;
  look_at_forecasts(*status);
  look_at_plan(*status);
  look_at_verdicts(*status);
  print_story();
}

/// In the order of time, also where something is learnt of a moment that was told already.
void Watcher::print_story() {
  std::stable_sort(story_.begin(), story_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [time, words] : story_) {
    told_until_ = std::max(told_until_, time);
    std::cout << fmt::format("  {}  {}\n", hour_of(told_until_), words) << std::flush;
  }
  story_.clear();
}

void Watcher::look_at_forecasts(const engine::Status& status) {
  for (const auto& forecast : status.forecasts) {
    if (forecast.endpoint != "payment" || forecast.made_at <= last_forecast_) continue;
    last_forecast_ = forecast.made_at;
    const auto spike = forecast.spike();
    // It was made once its window's grace was over, before the changes that it led to.
    tell(forecast.made_at + engine::kGrace,
         fmt::format("forecast of /payment from {}: {} requests in the next hour{}",
                     hour_of(forecast.made_at).substr(0, 5),
                     policy::count_in_words(forecast.median()),
                     spike ? fmt::format(", {:.1f} times the usual {}", *spike,
                                         policy::count_in_words(*forecast.usual))
                           : ""));
  }
}

void Watcher::look_at_plan(const engine::Status& status) {
  WallTime newest = last_change_;
  for (const policy::PlanChange& change : status.recent_changes) {
    if (change.time <= last_change_ || change.shadow) continue;
    if (change.of != policy::PlanChange::Of::limit) continue;
    newest = std::max(newest, change.time);
    tell(change.time,
         fmt::format("{} for {}: {:.0f} -> {:.0f} requests a minute ({}{})", change.endpoint,
                     change.tier, change.before_per_minute, change.after_per_minute,
                     change.rule.empty() ? "back at base" : "rule " + change.rule,
                     change.cause.empty() ? "" : ": " + change.cause));
    if (change.endpoint == "browse" && change.tier == "STD" &&
        change.after_per_minute < browse_std_least_) {
      browse_std_least_ = change.after_per_minute;
      browse_std_cause_ = change.rule;
    }
    if (change.endpoint == "payment" && change.tier == "PRM")
      payment_prm_least_ = std::min(payment_prm_least_, change.after_per_minute);
  }
  last_change_ = newest;
}

std::string Watcher::name_of(const ClientId& client) const {
  const auto& cast = scenario_.cast();
  const auto member = std::find_if(cast.begin(), cast.end(), [&](const CastMember& one) {
    return client_of(one.address) == client;
  });
  return member == cast.end() ? "" : fmt::format(" ({})", member->name);
}

void Watcher::look_at_verdicts(const engine::Status& status) {
  for (const policy::VerdictRecord& verdict : status.verdicts) {
    if (verdict.action == limiter::Action::block && verdict.mode == limiter::Mode::enforce)
      blocked_.insert(verdict.client);
    if (!verdicts_told_.insert(verdict.client).second) continue;
    tell(verdict.from,
         fmt::format("{}{} {} until {}: {}", format_client(verdict.client), name_of(verdict.client),
                     judgement(verdict), hour_of(verdict.until), joined(verdict.reasons)));
  }
}

std::vector<Sight> Watcher::verdict_sights(const std::map<std::string, Account>& accounts) const {
  std::vector<Sight> sights;
  std::uint64_t wrongly = 0;
  for (const auto& [who, account] : accounts) {
    const bool malicious =
        std::any_of(scenario_.cast().begin(), scenario_.cast().end(),
                    [&](const CastMember& one) { return one.malicious && one.name == who; });
    if (!malicious && who != kOtherAttackers) wrongly += denied_by(account, "client_blocked");
  }
  for (const CastMember& member : scenario_.cast()) {
    if (!member.malicious) continue;
    const auto account = accounts.find(std::string(member.name));
    const std::uint64_t stopped =
        account == accounts.end() ? 0 : denied_by(account->second, "client_blocked");
    sights.push_back({fmt::format("{} ({}) is blocked", member.address, member.name),
                      blocked_.count(client_of(member.address)) > 0 && stopped > 0,
                      fmt::format("{} of its {} requests refused for it", stopped,
                                  account == accounts.end() ? 0 : account->second.asked)});
  }
  sights.push_back({"no good client is blocked", wrongly == 0,
                    fmt::format("{} requests refused by mistake", wrongly)});
  return sights;
}

std::vector<Sight> Watcher::sights() const {
  const auto accounts = clients_.accounts();
  Account ana;
  Account ben;
  for (const CastMember& member : scenario_.cast()) {
    const auto found = accounts.find(std::string(member.name));
    if (found == accounts.end()) continue;
    if (member.user == "ana") ana = found->second;
    if (member.user == "ben") ben = found->second;
  }
  const std::uint64_t made_room = denied_by(ana, "reduced_capacity");
  std::uint64_t ben_denied = 0;
  for (const auto& [reason, count] : ben.denied) ben_denied += count;
  const auto premium = accounts.find("customers PRM");
  std::vector<Sight> sights{
      {"STD on /browse falls from 100 to 50 a minute, by the forecast of /payment",
       browse_std_cause_ == "shield-payment" &&
           std::abs(browse_std_least_ - kHalfOfBase) < kRoundingSlack,
       fmt::format("{:.0f} a minute", browse_std_least_)},
      {"an STD user who browses fast makes room", made_room > 0,
       fmt::format("{} of Ana's {} requests refused as reduced_capacity", made_room, ana.asked)},
      {"PRM on /payment is untouched",
       ben.asked > 0 && ben_denied == 0 && payment_prm_least_ >= kPremiumBase - kRoundingSlack &&
           premium != accounts.end() && premium->second.denied.empty(),
       fmt::format("{:.0f} a minute, {} of Ben's {} requests refused", payment_prm_least_,
                   ben_denied, ben.asked)},
  };
  for (Sight& sight : verdict_sights(accounts)) sights.push_back(std::move(sight));
  return sights;
}

bool Watcher::all_seen() const {
  const auto all = sights();
  return std::all_of(all.begin(), all.end(), [](const Sight& sight) { return sight.seen; });
}

}  // namespace tidelimit::cli::quickstart
