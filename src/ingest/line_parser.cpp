#include "ingest/line_parser.hpp"

namespace tidelimit::ingest {

std::string_view to_string(Unreadable reason) {
  switch (reason) {
    case Unreadable::none:
      return "readable";
    case Unreadable::blank:
      return "blank line";
    case Unreadable::too_long:
      return "longer than 1 MiB";
    case Unreadable::no_client:
      return "no client address";
    case Unreadable::no_time:
      return "no readable time";
    case Unreadable::no_request:
      return "no request or path";
    case Unreadable::bad_status:
      return "no status of three digits";
    case Unreadable::columns_differ:
      return "not as many columns as the header";
    case Unreadable::bad_json:
      return "not a JSON object";
    case Unreadable::pattern_differs:
      return "does not match the pattern of --format";
    case Unreadable::bad_number:
      return "no readable number of requests";
    case Unreadable::huge_number:
      return "more than 1e12 requests in a window";
    case Unreadable::bad_ratio:
      return "an error_rate or premium_ratio that is no share from 0 to 1 (unknown: leave it "
             "empty)";
    case Unreadable::given_before:
      return "a window of an endpoint that was given before";
    case Unreadable::given_otherwise:
      return "a window of an endpoint that was given before with other numbers: the first counts";
    case Unreadable::wrong_clock:
      return "a time far from all others (a wrong clock?)";
    case Unreadable::header:
      return "header";
    case Unreadable::count_:
      break;
  }
  return "unknown";
}

}  // namespace tidelimit::ingest
