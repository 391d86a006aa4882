#pragma once

#include <string>
#include <vector>

#include "ingest/byte_stream.hpp"
#include "ingest/format.hpp"

namespace tidelimit::ingest {

/// What came of inputs whose newest requests come first.
struct NewestFirst {
  std::vector<std::string> turned;  ///< will be read from their last line on
  std::vector<std::string> stuck;   ///< can't be: compressed
};

/// Finds inputs whose newest requests come first, as some tools export them, by samples of their
/// beginning, middle and end, and makes them open with the last line first; lines keep their
/// numbers. Inputs that can be read only once are not looked at.
[[nodiscard]] NewestFirst turn_newest_first(std::vector<Source>& sources,
                                            const FormatChoice& choice);

}  // namespace tidelimit::ingest
