#pragma once

#include <cstddef>

namespace tidelimit::anomaly {

/// c(n), the mean path length of an unsuccessful search in a binary search tree of n values, by
/// which path lengths are normalised (Liu, Ting and Zhou 2008, eq. 1).
[[nodiscard]] double mean_path_length(std::size_t n);

/// Levels of a tree over `sample` rows: ceil(log2(sample)), at least 1. What is deeper is left to
/// c(n).
[[nodiscard]] std::size_t tree_height(std::size_t sample);

}  // namespace tidelimit::anomaly
