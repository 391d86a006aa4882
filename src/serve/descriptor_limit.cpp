#include "serve/descriptor_limit.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

namespace tidelimit::serve {
namespace {

constexpr std::size_t kOwn = 128;   // files, listeners, libraries, before they are counted
constexpr std::size_t kSpare = 32;  // for files that are opened later: bundles, polls
constexpr std::size_t kLeastConnections = 16;  // fewer are no gate

/// How many descriptors this process may open, raised to `need` where the system lets it.
std::size_t raise_limit(std::size_t need) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return need;
  if (limit.rlim_cur < need) {
    limit.rlim_cur = std::min<rlim_t>(need, limit.rlim_max);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur;
}

std::size_t open_descriptors() {
  std::error_code error;
  const std::filesystem::directory_iterator all("/proc/self/fd", error);
  if (error) return kOwn;
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

void raise_descriptor_limit_for(std::size_t connections) {
  (void)raise_limit(connections + kOwn);
}

Result<std::size_t> connections_with_descriptors(std::size_t most) {
  const std::size_t own = open_descriptors() + kSpare;
  const std::size_t limit = raise_limit(own + most);
  const std::size_t room = limit > own ? limit - own : 0;
  if (room < kLeastConnections)
    return fail(Code::failed_precondition,
                fmt::format("this process may open {} descriptors (ulimit -n) and needs {} itself, "
                            "so that there are too few for connections: allow it {} at least, {} "
                            "for as many connections as it takes",
                            limit, own, own + kLeastConnections, own + most));
  const std::size_t connections = std::min(room, most);
  if (connections < most)
    spdlog::warn(
        "this process may open {} descriptors (ulimit -n): {} connections at most in place of {}",
        limit, connections, most);
  return connections;
}

}  // namespace tidelimit::serve
