#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidelimit::serve {

/// What became of the lines of a text: "-old" and "+new", in order; common lines are left out. By
/// the longest common subsequence (Wagner and Fischer 1974) between the first and the last line
/// that differ; where that part has more than a few thousand lines on each side, all of it counts
/// as replaced.
[[nodiscard]] std::vector<std::string> line_changes(std::string_view before,
                                                    std::string_view after);

}  // namespace tidelimit::serve
