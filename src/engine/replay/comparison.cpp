#include "engine/replay/comparison.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "engine/replay/harm_ledger.hpp"
#include "limiter/nominal.hpp"

namespace tidelimit::engine {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::size_t kPathMax = 128;

}  // namespace

Parting Comparison::total() const {
  Parting all;
  for (const Row& row : rows_) {
    all.allow_to_deny += row.parting.allow_to_deny;
    all.deny_to_allow += row.parting.deny_to_allow;
  }
  return all;
}

std::vector<PartingExample> Comparison::examples(std::size_t of_each_row) const {
  std::vector<PartingExample> all;
  for (const Row& row : rows_) {
    const std::size_t n = std::min(of_each_row, row.examples.size());
    all.insert(all.end(), row.examples.begin(),
               row.examples.begin() + static_cast<std::ptrdiff_t>(n));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  return all;
}

void Comparison::part(const traffic::Request& request, const Answer& refusal, const Answer& now,
                      bool refused_now, WallTime time) {
  const std::uint64_t principal = hash_principal(request, 1);
  auto& principals = refused_now ? denied_ : freed_;
  if (principals.size() < kPrincipalsMax) principals.insert(principal);

  auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) {
    return r.endpoint == *now.endpoint && r.tier == *now.tier;
  });
  if (row == rows_.end()) row = rows_.insert(rows_.end(), {*now.endpoint, *now.tier, {}, {}});
  const std::uint64_t n = ++(refused_now ? row->parting.allow_to_deny : row->parting.deny_to_allow);
  if (n > kExamplesOfAKind) return;

  PartingExample example;
  example.time = time;
  example.client = client_text(request);
  example.user = printable(request.user_id, kNameMax);
  example.method = printable(request.method, kNameMax);
  example.path = printable(request.path, kPathMax);
  example.endpoint = row->endpoint;
  example.tier = row->tier;
  example.now_refused = refused_now;
  example.reason = limiter::to_string(refusal.decision.reason);
  if (refusal.rule != nullptr) example.rule = *refusal.rule;
  example.limit_per_minute = limiter::nominal_per_minute(refusal.decision.limit);
  row->examples.push_back(std::move(example));
}

}  // namespace tidelimit::engine
