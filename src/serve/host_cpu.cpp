#include "serve/host_cpu.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tidelimit::serve {

std::optional<double> HostCpu::take(std::string_view proc_stat) {
  // cpu  user nice system idle iowait irq softirq steal guest guest_nice (guest is in user)
  const std::string_view line = proc_stat.substr(0, proc_stat.find('\n'));
  if (!line.starts_with("cpu ")) return std::nullopt;
  Times now;
  int column = 0;
  for (const std::string_view word : split(line.substr(4), ' ')) {
    if (word.empty()) continue;
    const auto ticks = parse_uint(word);
    if (!ticks) return std::nullopt;
    const bool idle = column == 3 || column == 4;
    if (column < 8) now.all += *ticks;
    if (column < 8 && !idle) now.busy += *ticks;
    ++column;
  }
  if (column < 4) return std::nullopt;
  const std::optional<Times> before = last_;
  last_ = now;
  if (!before || now.all <= before->all || now.busy < before->busy) return std::nullopt;
  const double busy = static_cast<double>(now.busy - before->busy);
  return std::min(busy / static_cast<double>(now.all - before->all), 1.0);
}

}  // namespace tidelimit::serve
