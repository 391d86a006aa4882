#include "cli/offline/steady_suspects.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <vector>

namespace tidelimit::cli {
namespace {

constexpr std::uint32_t kLeastDays = 3;  // two alike may be one attack that lasts
constexpr std::size_t kNamed = 5;

}  // namespace

void SteadySuspects::saw(WallTime time) {
  if (!std::exchange(begun_, true)) first_ = last_ = time;
  last_ = std::max(last_, time);
}

std::uint32_t SteadySuspects::day_of(WallTime time) const {
  return static_cast<std::uint32_t>(std::max(time - first_, Nanos{0}) / std::chrono::hours{24});
}

void SteadySuspects::raised(const ClientId& client, WallTime time) {
  Days& of = clients_[client];
  ++of.verdicts;
  const std::uint32_t day = day_of(time) + 1;
  if (std::exchange(of.last, day) != day) ++of.days;
}

std::string SteadySuspects::note() const {
  const std::uint32_t days = day_of(last_) + 1;
  std::vector<std::pair<ClientId, Days>> steady;
  for (const auto& [client, of] : clients_) {
    // The last day may have hardly begun. Host names are let pass by nothing.
    if (days >= kLeastDays && of.days + 1 >= days && !client.is_host_name())
      steady.emplace_back(client, of);
  }
  if (steady.empty()) return {};
  std::sort(steady.begin(), steady.end(), [](const auto& a, const auto& b) {
    return a.second.verdicts != b.second.verdicts ? a.second.verdicts > b.second.verdicts
                                                  : a.first < b.first;
  });
  std::string text =
      "note: called malicious day after day, alike; where their errors are the answers they ask "
      "for,\nlet them pass (anomaly.allow):\n";
  for (std::size_t i = 0; i < std::min(steady.size(), kNamed); ++i) {
    const auto& [client, of] = steady[i];
    text += fmt::format("    - {{ cidr: {}, reason: ... }}  # {} verdicts on {} of {} days\n",
                        format_client(client), of.verdicts, of.days, days);
  }
  if (steady.size() > kNamed) text += fmt::format("    and {} more\n", steady.size() - kNamed);
  return text;
}

}  // namespace tidelimit::cli
