#include "limiter/plan.hpp"

namespace tidelimit::limiter {

const char* to_string(Mode mode) {
  switch (mode) {
    case Mode::off:
      return "off";
    case Mode::shadow:
      return "shadow";
    case Mode::enforce:
      return "enforce";
  }
  return "unknown";
}

const char* to_string(Priority priority) {
  switch (priority) {
    case Priority::high:
      return "high";
    case Priority::normal:
      return "normal";
    case Priority::low:
      return "low";
  }
  return "unknown";
}

}  // namespace tidelimit::limiter
