#pragma once

#include <cstdint>

#include "serve/net/clock.hpp"
#include "serve/notes.hpp"

namespace tidelimit::serve {

/// A count of what should not happen, and a note that stands while it grows and a minute after. One
/// thread.
class Mishaps {
 public:
  enum class Change : std::uint8_t { none, begins, ends };

  Mishaps(Notes& notes, const Clock& clock, const char* part, const char* words)
      : notes_(notes), clock_(clock), part_(part), words_(words) {}

  /// What becomes of the note by the count up to now.
  Change counted(std::uint64_t count);

 private:
  Notes& notes_;
  const Clock& clock_;
  const char* const part_;
  const char* const words_;
  std::uint64_t seen_ = 0;
  Instant last_;
};

}  // namespace tidelimit::serve
