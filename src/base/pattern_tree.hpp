#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/path.hpp"

namespace tidelimit {

/// Route patterns (see path_matches) as a tree of their segments: of a thousand, the first that
/// matches a path is found about as fast as of one. Immutable.
class PatternTree {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  explicit PatternTree(std::span<const std::string> patterns);

  /// The number of the first pattern that matches the path, which is normalised, and of which
  /// `bool takes(number)` is true; kNone where there is none.
  template <class Takes>
  [[nodiscard]] std::uint32_t first(std::string_view path, Takes&& takes) const {
    std::uint32_t found = kNone;
    search(kRoot, path == "/" ? std::string_view() : path, takes, found);
    return found;
  }

 private:
  static constexpr std::uint32_t kRoot = 0;
  struct Node {
    std::uint32_t first = kNone;       // of all patterns that lead here or further
    std::uint32_t star = kRoot;        // where any one segment leads; kRoot: nowhere
    bool has_names = false;            // some segments by name lead on
    std::vector<std::uint32_t> trees;  // patterns that end here with "/**", in their order
    std::vector<std::uint32_t> ends;   // those that end here without
  };
  /// A segment by name leads from one node to another. `to` is kRoot in a free place.
  struct Edge {
    std::uint32_t from = kRoot;
    std::uint32_t to = kRoot;
    std::string name;
  };

  template <class Takes>
  static void take_first(const std::vector<std::uint32_t>& patterns, Takes& takes,
                         std::uint32_t& found) {
    for (const std::uint32_t pattern : patterns) {
      if (pattern >= found) return;
      if (takes(pattern)) found = pattern;
    }
  }
  // Each node is reached by one way only, so the search is bounded by their number.
  template <class Takes>
  void search(std::uint32_t node, std::string_view rest, Takes& takes, std::uint32_t& found) const {
    const Node& at = nodes_[node];
    if (at.first >= found) return;
    take_first(at.trees, takes, found);
    if (rest.empty()) return take_first(at.ends, takes, found);
    if (!at.has_names && at.star == kRoot) return;
    const std::string_view segment = take_segment(rest);
    const std::uint32_t named = at.has_names ? step(node, segment) : kRoot;
    if (named != kRoot) search(named, rest, takes, found);
    if (at.star != kRoot) search(at.star, rest, takes, found);
  }

  [[nodiscard]] std::uint32_t step(std::uint32_t from, std::string_view segment) const;
  [[nodiscard]] std::size_t place_of(std::uint32_t from, std::string_view segment) const;
  void add(std::string_view pattern, std::uint32_t number);
  [[nodiscard]] std::uint32_t add_step(std::uint32_t from, std::string_view segment);

  std::vector<Node> nodes_{1};
  std::vector<Edge> edges_;       // open addressing, at most half full
  std::size_t longest_name_ = 0;  // no other segment is looked up
};

}  // namespace tidelimit
