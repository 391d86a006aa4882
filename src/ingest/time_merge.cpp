#include "ingest/time_merge.hpp"

namespace tidelimit::ingest {

Strand* TimeMerge::next(InputLines& lines) {
  if (given_ != nullptr) {
    lines.select(given_->input);
    if (!fetch(*given_, lines)) drop(given_);
    given_ = nullptr;
  }
  while (!lines.failure()) {
    Strand* first = earliest();
    const auto begins = lines.next_begins();
    // The first input was opened already, to see what it is.
    const bool opens = begun_ && begins && (first == nullptr || *begins <= first->request.time);
    if (!begun_ || opens) {
      if (opens && !lines.open_more()) continue;
      begun_ = true;
      Strand& strand = *strands_.emplace_back(std::make_unique<Strand>());
      strand.input = lines.current();
      if (!fetch(strand, lines)) drop(&strand);
      continue;
    }
    if (first == nullptr) break;
    lines.select(first->input);
    return given_ = first;
  }
  return nullptr;
}

/// The strand's next request. False at its end. Its input is current.
bool TimeMerge::fetch(Strand& strand, InputLines& lines) {
  strand.aside.reset();
  if (take_free(strand, lines)) return true;
  while (lines.next_here(strand.line)) {
    const Unreadable reason = strand.line.too_long
                                  ? Unreadable::too_long
                                  : lines.format().parser->parse(strand.line.text, strand.request);
    if (reason != Unreadable::none) {
      lines.refuse(strand.line, reason);
    } else if (strand.guard.passes(strand.request.time)) [[likely]] {
      return true;
    } else {
      strand.guard.hold(strand.request, lines.put_aside(strand.line, Unreadable::wrong_clock));
      if (take_free(strand, lines)) return true;
    }
  }
  if (lines.failure()) return false;
  strand.guard.free_all();  // the whole log's guard knows more
  return take_free(strand, lines);
}

bool TimeMerge::take_free(Strand& strand, InputLines& lines) {
  if (strand.guard.any_refused()) {
    for (UnreadableLine& line : strand.guard.take_refused()) lines.refuse_aside(std::move(line));
  }
  if (!strand.guard.any_free() || lines.failure()) return false;
  strand.request = strand.guard.take_free();
  strand.aside = strand.guard.taken_line();
  return true;
}

Strand* TimeMerge::earliest() const {
  Strand* first = nullptr;
  for (const auto& strand : strands_) {
    if (first == nullptr || strand->request.time < first->request.time) first = strand.get();
  }
  return first;
}

void TimeMerge::drop(const Strand* strand) {
  std::erase_if(strands_, [&](const auto& other) { return other.get() == strand; });
}

}  // namespace tidelimit::ingest
