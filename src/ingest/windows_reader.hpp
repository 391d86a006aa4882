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
  /// The rows can be added up to the windows that were asked for; else the grid keeps their step.
  bool fit = true;
};

/// Reads all rows of a reader whose is_windows() is true. The step is found by find_step(): rows
/// may be missing, and be a twentieth of a window early or late. A row that is further off, and one
/// that falls into a window which its endpoint has a row for already, are an error. Rows finer than
/// `step` are added up to it, where it is a multiple of theirs. A window that an endpoint has no
/// row of, or not all of the finer ones, is a gap of that endpoint (observed = false): nobody knows
/// whether the export left a zero out or lost the row. Windows that are gaps of all endpoints are
/// left out at the ends. A row of a time and endpoint that an earlier one had (a file named twice,
/// exports that overlap) counts among the unreadable ones, and so do one of more than kMostRequests
/// and one whose error_rate or premium_ratio is neither empty nor a share from 0 to 1. Rows may
/// come in any order. Memory grows with the number of windows, as the result does; at most ten
/// million are taken.
[[nodiscard]] Result<Windows> read_windows(RecordReader& reader, Nanos step);

}  // namespace tidelimit::ingest
