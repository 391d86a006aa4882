#include "ingest/record_reader.hpp"

namespace tidelimit::ingest {

void RecordReader::hold(const traffic::Request& request, const Line& line) {
  guard_.hold(request, lines_.put_aside(line, Unreadable::wrong_clock));
}

void RecordReader::take_refused() {
  for (UnreadableLine& line : guard_.take_refused()) lines_.refuse_aside(std::move(line));
}

/// Lets go what was held to the last.
bool RecordReader::at_end(traffic::Request& request) {
  if (!lines_.failure()) guard_.finish();
  return take_free(request);
}

}  // namespace tidelimit::ingest
