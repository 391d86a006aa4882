#include "cli/suggest/limit_draw.hpp"

#include <algorithm>
#include <cmath>

namespace tidelimit::cli {
namespace {

constexpr std::size_t kNamed = 3;
constexpr double kNearlyAll = 0.99;

// How many of so many, in order, make up that share.
std::size_t rank(std::size_t count, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(count)));
  return std::clamp<std::size_t>(rank, 1, count);
}

// The well-behaved at one endpoint in one tier, the least busy first.
void draw_limit(LimitProposal& limit, const std::vector<const Peak*>& good,
                const SuggestOptions& options) {
  limit.principals = good.size();
  if (!good.empty()) {
    const auto needed = [&](double share) { return good[rank(good.size(), share) - 1]->peak; };
    limit.needed_at_99 = needed(kNearlyAll);
    limit.needed = needed(options.share);
    limit.busiest = good.back()->peak;
    limit.set_by_busiest = rank(good.size(), options.share) == good.size();
  }
  limit.per_minute = handy_limit(static_cast<double>(limit.needed) * options.headroom);
  const std::uint64_t of_most =
      handy_limit(static_cast<double>(limit.needed_at_99) * options.headroom);
  if (limit.per_minute < kSetByFew * of_most) return;
  for (auto one = good.rbegin(); one != good.rend() && limit.set_by.size() < kNamed; ++one)
    if ((*one)->peak > of_most) limit.set_by.push_back({(*one)->principal, {}, (*one)->peak});
}

bool busier(const Peak* a, const Peak* b) {
  return a->peak != b->peak ? a->peak < b->peak : a->principal < b->principal;
}

// Everybody, and the heavy ones of the well-behaved.
void count_principals(Proposal& proposal, const std::vector<Peak>& peaks, const Clients& odd) {
  std::unordered_map<std::uint64_t, std::uint64_t> good;
  std::unordered_map<std::uint64_t, std::uint64_t> bad;
  for (const Peak& peak : peaks)
    (odd.contains(peak.client) ? bad : good)[peak.principal] += peak.total;
  proposal.good.principals = good.size();
  proposal.odd.principals = bad.size();
  for (const auto& [principal, requests] : bad) proposal.odd.requests += requests;
  for (const auto& [principal, requests] : good) {
    proposal.good.requests += requests;
    if (static_cast<double>(requests) >= kHeavy * static_cast<double>(proposal.requests))
      proposal.heavy.push_back({principal, {}, requests, 0});
  }
  std::sort(proposal.heavy.begin(), proposal.heavy.end(), [](const auto& a, const auto& b) {
    return a.requests != b.requests ? a.requests > b.requests : a.principal < b.principal;
  });
}

}  // namespace

std::uint64_t handy_limit(double needed) {
  for (double unit = 1; unit <= 1e8; unit *= 10)
    for (const double step : {1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0})
      if (step * unit >= std::max<double>(needed, kLeastLimit))
        return static_cast<std::uint64_t>(std::llround(step * unit));
  return 1'000'000'000;
}

void draw_limits(Proposal& proposal, const std::vector<Peak>& peaks, const Clients& odd) {
  const std::size_t tiers = proposal.tiers.size();
  std::vector<std::vector<const Peak*>> good(proposal.endpoints.size() * tiers);
  std::vector<bool> anybody(good.size());
  for (const Peak& peak : peaks) {
    for (std::size_t tier = 0; tier < tiers; ++tier) {
      if (!peak.came_in(tier)) continue;
      const std::size_t cell = peak.endpoint * tiers + tier;
      anybody[cell] = true;
      if (!odd.contains(peak.client)) good[cell].push_back(&peak);
    }
  }
  for (std::size_t cell = 0; cell < good.size(); ++cell) {
    std::sort(good[cell].begin(), good[cell].end(), busier);
    LimitProposal limit;
    limit.tier = proposal.tiers[cell % tiers];
    if (anybody[cell]) draw_limit(limit, good[cell], proposal.options);
    proposal.endpoints[cell / tiers].limits.push_back(std::move(limit));
  }
  count_principals(proposal, peaks, odd);
}

std::vector<std::uint64_t> limits_per_minute(const Proposal& proposal) {
  std::vector<std::uint64_t> limits;
  for (const EndpointProposal& endpoint : proposal.endpoints)
    for (const LimitProposal& limit : endpoint.limits) limits.push_back(limit.per_minute);
  return limits;
}

void judge_limits(Proposal& proposal, const std::vector<Refusals>& refusals, const Clients& odd) {
  std::unordered_map<std::uint64_t, std::uint64_t> good;
  std::unordered_set<std::uint64_t> bad;
  for (const Refusals& one : refusals) {
    const bool is_odd = odd.contains(one.peak.client);
    for (const auto& [tier, requests] : one.by_tier) {
      LimitProposal& limit = proposal.endpoints[one.peak.endpoint].limits[tier];
      ++(is_odd ? limit.odd_touched : limit.touched);
      (is_odd ? limit.odd_refused : limit.refused) += requests;
      (is_odd ? proposal.odd : proposal.good).refused += requests;
      if (!is_odd) good[one.peak.principal] += requests;
    }
    if (is_odd) bad.insert(one.peak.principal);
  }
  proposal.good.touched = good.size();
  proposal.odd.touched = bad.size();
  for (HeavyPrincipal& heavy : proposal.heavy)
    if (const auto found = good.find(heavy.principal); found != good.end())
      heavy.refused = found->second;
  std::erase_if(proposal.heavy, [](const HeavyPrincipal& heavy) { return heavy.refused == 0; });
}

Names to_be_named(const Proposal& proposal) {
  Names names;
  for (const HeavyPrincipal& heavy : proposal.heavy) names[heavy.principal];
  for (const EndpointProposal& endpoint : proposal.endpoints)
    for (const LimitProposal& limit : endpoint.limits)
      for (const NamedPrincipal& one : limit.set_by) names[one.principal];
  return names;
}

void give_names(Proposal& proposal, const Names& names) {
  for (HeavyPrincipal& heavy : proposal.heavy) heavy.name = names.at(heavy.principal);
  for (EndpointProposal& endpoint : proposal.endpoints)
    for (LimitProposal& limit : endpoint.limits)
      for (NamedPrincipal& one : limit.set_by) one.name = names.at(one.principal);
}

}  // namespace tidelimit::cli
