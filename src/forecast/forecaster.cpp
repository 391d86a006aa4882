#include "forecast/forecaster.hpp"

namespace tidelimit::forecast {

const char* to_string(Source source) {
  switch (source) {
    case Source::none:
      return "none";
    case Source::last_value:
      return "last_value";
    case Source::seasonal:
      return "seasonal";
    case Source::lstm:
      return "lstm";
    case Source::yesterday:
      return "yesterday";
    case Source::week_ago:
      return "week_ago";
    case Source::typical:
      return "typical";
  }
  return "unknown";
}

}  // namespace tidelimit::forecast
