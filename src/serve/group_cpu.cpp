#include "serve/group_cpu.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tidelimit::serve {
namespace {

std::optional<std::uint64_t> used_us(std::string_view cpu_stat) {
  constexpr std::string_view kKey = "usage_usec ";
  for (const std::string_view line : split(cpu_stat, '\n')) {
    if (line.starts_with(kKey)) return parse_uint(trim(line.substr(kKey.size())));
  }
  return std::nullopt;
}

/// How many CPUs the group may use at once.
std::optional<double> allowance(std::string_view cpu_max, unsigned cpus) {
  const std::string_view line = trim(cpu_max.substr(0, cpu_max.find('\n')));
  const std::size_t space = line.find(' ');
  if (line.empty() || line.substr(0, space) == "max") return cpus;
  if (space == std::string_view::npos) return std::nullopt;
  const auto quota = parse_uint(line.substr(0, space));
  const auto period = parse_uint(trim(line.substr(space + 1)));
  if (!quota || !period || *quota == 0 || *period == 0) return std::nullopt;
  return std::min(static_cast<double>(*quota) / static_cast<double>(*period),
                  static_cast<double>(cpus));
}

}  // namespace

std::optional<double> GroupCpu::take(std::string_view cpu_stat, std::string_view cpu_max,
                                     unsigned cpus, Instant at) {
  const auto used = used_us(cpu_stat);
  const auto may_use = allowance(cpu_max, cpus);
  if (!used || !may_use) return std::nullopt;
  const std::optional<Reading> before = last_;
  last_ = {*used, at};
  if (!before || at <= before->at || *used < before->used_us) return std::nullopt;
  const double busy_us = static_cast<double>(*used - before->used_us);
  const double span_us = static_cast<double>((at - before->at).count()) / 1e3;
  return std::min(busy_us / (span_us * *may_use), 1.0);
}

}  // namespace tidelimit::serve
