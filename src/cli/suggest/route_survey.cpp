#include "cli/suggest/route_survey.hpp"

#include <algorithm>
#include <set>

#include "base/ascii.hpp"
#include "base/endpoint_name.hpp"
#include "base/path.hpp"
#include "base/text.hpp"

namespace tidelimit::cli {
namespace {

constexpr std::size_t kPrefixes = 8192;  // an error of 0.012 % of the requests, far below kShare
constexpr std::size_t kLongestName = 40;

// What stands for one thing among many, and not for a kind of thing.
bool is_identifier(std::string_view segment) {
  const auto digits =
      static_cast<std::size_t>(std::count_if(segment.begin(), segment.end(), is_digit));
  const bool version =
      segment.size() <= 4 && (segment[0] == 'v' || segment[0] == 'V') && digits > 0;
  return !version && (segment.size() > kLongestName || digits * 3 > segment.size());
}

// Segments that say nothing of what is asked for.
bool says_nothing(std::string_view segment) {
  static const std::set<std::string_view> kWords = {"api", "rest", "public", "www", "app"};
  const bool version = segment.size() >= 2 && segment.size() <= 4 && segment[0] == 'v' &&
                       std::all_of(segment.begin() + 1, segment.end(), is_digit);
  return version || kWords.contains(segment);
}

std::string name_of(std::string_view prefix) {
  std::string name;
  for (const std::string_view segment : split(prefix, '/'))
    if (!says_nothing(segment)) name += (name.empty() ? "" : "-") + std::string(segment);
  return plain_name(name.empty() ? prefix : name);
}

}  // namespace

struct RouteSurvey::Prefix {
  std::string text;
  std::size_t depth = 1;
  std::uint64_t requests = 0;
};

RouteSurvey::RouteSurvey() : by_depth_(kDepth, ingest::TopCounter(kPrefixes)) {}

void RouteSurvey::add(std::string_view target) {
  ++requests_;
  if (target.empty()) return;
  std::string_view path = without_case(normalise_path(target, scratch_), scratch_);
  if (path.starts_with('/')) path.remove_prefix(1);
  std::size_t end = 0;
  for (std::size_t depth = 0; depth < kDepth && end != path.npos; ++depth) {
    end = path.find('/', depth == 0 ? 0 : end + 1);
    by_depth_[depth].add(path.substr(0, end), {.requests = 1});
  }
}

std::vector<RouteSurvey::Prefix> RouteSurvey::below(const Prefix& prefix) const {
  std::vector<Prefix> found;
  if (prefix.depth >= kDepth) return found;
  const ingest::TopCounter& counter = by_depth_[prefix.depth];
  const std::string head = prefix.text + '/';
  for (auto& entry : counter.top(counter.size())) {
    if (static_cast<double>(entry.tally.requests) < kShare * static_cast<double>(requests_)) break;
    if (!entry.key.starts_with(head) || is_identifier(entry.key.substr(head.size())) ||
        entry.key.find('*') != entry.key.npos || entry.key.size() >= ingest::TopCounter::kMaxKey)
      continue;
    found.push_back({std::move(entry.key), prefix.depth + 1, entry.tally.requests});
  }
  return found;
}

void RouteSurvey::divide(const Prefix& prefix, std::vector<Prefix>& found) const {
  const std::string_view last = std::string_view(prefix.text).substr(prefix.text.rfind('/') + 1);
  const bool coarse = says_nothing(last) || static_cast<double>(prefix.requests) >=
                                                kCoarse * static_cast<double>(requests_);
  const std::vector<Prefix> children = coarse ? below(prefix) : std::vector<Prefix>{};
  std::uint64_t named = 0;
  for (const Prefix& child : children) named += child.requests;
  const bool divides = !children.empty() && static_cast<double>(named) >=
                                                kDivides * static_cast<double>(prefix.requests);
  Prefix rest = prefix;
  if (divides) {
    for (const Prefix& child : children) divide(child, found);
    rest.requests -= std::min(named, rest.requests);
  }
  if (static_cast<double>(rest.requests) >= kShare * static_cast<double>(requests_))
    found.push_back(std::move(rest));
}

std::vector<Route> RouteSurvey::routes(const std::vector<std::string>& tiers) const {
  std::vector<Prefix> found;
  for (auto& entry : by_depth_[0].top(kRoutes)) {
    if (static_cast<double>(entry.tally.requests) < kShare * static_cast<double>(requests_)) break;
    if (entry.key.find('*') != entry.key.npos || entry.key.size() >= ingest::TopCounter::kMaxKey)
      continue;
    divide({std::move(entry.key), 1, entry.tally.requests}, found);
  }
  if (found.size() > kRoutes) found.resize(kRoutes);
  std::stable_sort(found.begin(), found.end(), [](const Prefix& a, const Prefix& b) {
    return a.depth != b.depth ? a.depth > b.depth : a.requests > b.requests;
  });
  std::vector<Route> routes;
  FreeNames names(tiers);
  for (const Prefix& prefix : found) {
    routes.push_back({names.take(name_of(prefix.text)),
                      prefix.text.empty() ? "/" : "/" + prefix.text + "/**", prefix.requests});
  }
  return routes;
}

}  // namespace tidelimit::cli
