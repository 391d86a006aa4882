#pragma once

#include "base/error.hpp"
#include "base/time.hpp"
#include "ingest/record_reader.hpp"
#include "traffic/window.hpp"

namespace tidelimit::ingest {

/// The endpoint of a series `timestamp,value`, which names none.
inline constexpr const char* kOnlyEndpoint = "all";

/// No window has more; numbers beyond it are no counts, and no model could learn from them.
inline constexpr double kMostRequests = 1e12;

/// A series of ready windows on one grid.
struct Windows {
  traffic::WindowGrid grid;
  Nanos input_step{};  ///< of the rows as they came
  /// The rows are further apart than the windows that were asked for; the grid keeps their step.
  bool coarser = false;
};

/// Reads all rows of a reader whose is_windows() is true. The step is found by find_step(): rows
/// may be missing, and be a twentieth of a window early or late. A row that is further off, and one
/// that falls into a window which its endpoint has a row for already, are an error. Rows finer than
/// `step` are added up to it (`step` must be a multiple of theirs), a window of which a part is
/// missing is a gap (observed = false), at the ends it is left out. A row of a time and endpoint
/// that an earlier one had (a file named twice, exports that overlap) counts among the unreadable
/// ones, and so does one of more than kMostRequests. Where some endpoint has a row and another has
/// none, that one had no requests: exports leave zeros out. Rows may come in any order. Memory
/// grows with the number of windows, as the result does; at most ten million are taken.
[[nodiscard]] Result<Windows> read_windows(RecordReader& reader, Nanos step);

}  // namespace tidelimit::ingest
