#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "ingest/input_lines.hpp"
#include "ingest/time_guard.hpp"
#include "traffic/request.hpp"

namespace tidelimit::ingest {

/// One input among several.
struct Strand {
  std::size_t input = 0;
  TimeGuard guard;                      ///< knows this input's times only
  traffic::Request request;             ///< the next one, while it is not taken
  Line line;                            ///< that it stands in,
  std::optional<UnreadableLine> aside;  ///< or what is known of it, if it was put aside
};

/// Takes the requests of several inputs in the order of their times, equal times in the order of
/// the inputs. An input is opened when the time comes at which it begins, so inputs that do not
/// overlap are read one after the other. Within an input requests keep their order: one that is
/// older than one before it comes at once.
///   Each input has a guard of its own, so that a line of the year 2099 does not keep back the rest
/// of its input until all others are through.
/// Memory: a line reader and a parser for each input that is open. One thread.
class TimeMerge {
 public:
  /// The strand that has the next request, its input current in `lines`; what it holds is valid
  /// until the next call. nullptr: at the end of all inputs, or on failure.
  [[nodiscard]] Strand* next(InputLines& lines);

 private:
  bool fetch(Strand& strand, InputLines& lines);
  static bool take_free(Strand& strand, InputLines& lines);
  [[nodiscard]] Strand* earliest() const;
  void drop(const Strand* strand);

  std::vector<std::unique_ptr<Strand>> strands_;  ///< in the order of their inputs
  Strand* given_ = nullptr;                       ///< by the last call
  bool begun_ = false;
};

}  // namespace tidelimit::ingest
