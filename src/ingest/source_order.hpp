#pragma once

#include <vector>

#include "ingest/byte_stream.hpp"
#include "ingest/format.hpp"

namespace tidelimit::ingest {

/// Puts inputs in the order of their times, as rotated files need it: by name `access.log` comes
/// before `access.log.1`, which is older; and says of each when it begins, which lets a reader
/// merge those that overlap. What counts is the earliest of the first few requests, passing over
/// those whose clock was plainly wrong. Opens each input once more and reads its beginning.
///
/// Inputs that can be read only once are not touched; they, and those whose beginning tells no time
/// (empty, garbage, ready windows, whose rows are sorted anyway), keep their places, and equal
/// times their order. True where the order changed.
bool order_by_time(std::vector<Source>& sources, const FormatChoice& format);

}  // namespace tidelimit::ingest
