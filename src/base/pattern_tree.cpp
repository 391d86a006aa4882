#include "base/pattern_tree.hpp"

#include <algorithm>
#include <bit>

#include "base/ascii.hpp"
#include "base/text.hpp"

namespace tidelimit {
namespace {

/// FNV-1a, in any case. Of names in a configuration: nobody else's make the table's chains longer.
std::size_t hash_of(std::uint32_t from, std::string_view segment) {
  std::uint64_t hash = 0xcbf29ce484222325 ^ from;
  for (const char c : segment)
    hash = (hash ^ static_cast<unsigned char>(to_lower(c))) * 0x100000001b3;
  return hash ^ hash >> 32;
}

std::size_t segments_of(std::span<const std::string> patterns) {
  std::size_t segments = 0;
  for (const std::string& pattern : patterns)
    segments += static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '/'));
  return segments;
}

}  // namespace

PatternTree::PatternTree(std::span<const std::string> patterns)
    : edges_(std::bit_ceil(2 * segments_of(patterns) + 1)) {
  std::uint32_t number = 0;
  for (const std::string& pattern : patterns) add(pattern == "/" ? "" : pattern, number++);
}

void PatternTree::add(std::string_view pattern, std::uint32_t number) {
  std::uint32_t node = kRoot;
  nodes_[node].first = std::min(nodes_[node].first, number);
  while (!pattern.empty() && pattern != "/**") {
    node = add_step(node, take_segment(pattern));
    nodes_[node].first = std::min(nodes_[node].first, number);
  }
  (pattern.empty() ? nodes_[node].ends : nodes_[node].trees).push_back(number);
}

std::uint32_t PatternTree::add_step(std::uint32_t from, std::string_view segment) {
  const auto fresh = static_cast<std::uint32_t>(nodes_.size());
  std::uint32_t* to = &nodes_[from].star;
  if (segment != "*") {
    Edge& edge = edges_[place_of(from, segment)];
    if (edge.to == kRoot) edge = {from, kRoot, std::string(segment)};
    to = &edge.to;
    nodes_[from].has_names = true;
    longest_name_ = std::max(longest_name_, segment.size());
  }
  if (*to != kRoot) return *to;
  *to = fresh;
  nodes_.emplace_back();
  return fresh;
}

std::uint32_t PatternTree::step(std::uint32_t from, std::string_view segment) const {
  if (segment.size() > longest_name_) return kRoot;
  return edges_[place_of(from, segment)].to;
}

/// Where the step stands in the table, or would.
std::size_t PatternTree::place_of(std::uint32_t from, std::string_view segment) const {
  const std::size_t mask = edges_.size() - 1;
  std::size_t place = hash_of(from, segment) & mask;
  const auto is_other = [&](const Edge& edge) {
    return edge.to != kRoot && (edge.from != from || !equals_ignoring_case(edge.name, segment));
  };
  while (is_other(edges_[place])) place = (place + 1) & mask;
  return place;
}

}  // namespace tidelimit
