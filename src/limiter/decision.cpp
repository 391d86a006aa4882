#include "limiter/decision.hpp"

namespace tidelimit::limiter {

const char* to_string(Reason reason) {
  switch (reason) {
    case Reason::ok:
      return "ok";
    case Reason::over_limit:
      return "over_limit";
    case Reason::client_blocked:
      return "client_blocked";
    case Reason::client_limited:
      return "client_limited";
    case Reason::reduced_capacity:
      return "reduced_capacity";
    case Reason::load_shed:
      return "load_shed";
    case Reason::override_:
      return "override";
  }
  return "unknown";
}

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::allow:
      return "allow";
    case Outcome::deny:
      return "deny";
    case Outcome::shadow_deny:
      return "shadow_deny";
  }
  return "unknown";
}

Decision on_record(Decision decision) noexcept {
  if (decision.watched.reason == Reason::ok) return decision;
  decision.limit = decision.watched.limit;
  decision.rule = decision.watched.rule;
  decision.reason = decision.watched.reason;
  decision.limit_of = decision.watched.limit_of;
  return decision;
}

}  // namespace tidelimit::limiter
