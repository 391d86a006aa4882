#include "ingest/record_reader.hpp"

namespace tidelimit::ingest {

void RecordReader::hold(const traffic::Request& request, const Line& line) {
  guard_.hold(request, lines_.put_aside(line, Unreadable::wrong_clock));
}

void RecordReader::take_refused() {
  for (UnreadableLine& line : guard_.take_refused()) lines_.refuse_aside(std::move(line));
}

bool RecordReader::next_merged(traffic::Request& request) {
  while (Strand* strand = merge_->next(lines_)) {
    request = strand->request;
    if (guard_.passes(request.time)) [[likely]] {
      if (strand->aside) {
        lines_.accept_aside();
      } else {
        lines_.accept();
      }
      note(request);
      return true;
    }
    if (strand->aside) {
      guard_.hold(request, *std::move(strand->aside));
    } else {
      hold(request, strand->line);
    }
    if (take_free(request)) return true;
  }
  if (!lines_.failure()) lines_.finish();
  return at_end(request);
}

/// Lets go what was held to the last.
bool RecordReader::at_end(traffic::Request& request) {
  if (!lines_.failure()) guard_.finish();
  return take_free(request);
}

}  // namespace tidelimit::ingest
