#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "limiter/verdict.hpp"
#include "policy/settings.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::policy {

/// A verdict with everything a person needs.
struct VerdictRecord {
  ClientId client;
  std::string client_name;
  limiter::VerdictKind kind = limiter::VerdictKind::normal;
  limiter::Action action = limiter::Action::none;
  std::optional<Rate> limit;
  double score = 0;  ///< the model's; 0 for rules
  std::string rule;  ///< the rule that acts; "model" where the default does
  limiter::Part part = limiter::Part::anomaly;
  Mode mode = Mode::enforce;  ///< shadow: reported, not enforced (budget spent, protected address)
  std::vector<std::string> reasons;  ///< in plain words and numbers
  WallTime from{};
  WallTime until{};
};

/// Evidence in, verdicts out: repeated evidence, expiry after the last fresh evidence, the budget
/// of new verdicts, protected addresses. Deterministic; one thread. Bounded: at most `kMaxVerdicts`
/// at a time, the oldest go first.
class VerdictBook {
 public:
  explicit VerdictBook(PolicySettings settings);
  void reconfigure(PolicySettings settings);

  /// One scan's result for a client that was scored. `evidence` as anomaly::is_evidence says.
  /// `reasons` is called only when a verdict is raised or renewed.
  /// `protected_reason`: non-empty for trusted proxies and crowded addresses, which are reported
  /// and never blocked.
  template <class Reasons>  // std::vector<std::string>()
  void scanned(const ClientId& client, double score, bool evidence,
               std::string_view protected_reason, Reasons&& reasons, Now now);

  /// Rules on a client's own figures: the first rule that matches acts at once. `class_of_rule`
  /// maps patterns to classes.
  void figures(const ClientId& client, const traffic::ClientFigures& figures,
               std::string_view protected_reason, Now now);

  /// User-agent patterns of the rules, by class index (at most limiter::kAgentClasses).
  [[nodiscard]] const std::vector<std::string>& agent_patterns() const;

  /// Ends what is past its time. True when the table to publish changed since the last call of
  /// table().
  bool expire(Now now);
  void forget(const ClientId& client);  ///< by hand ("not malicious")

  [[nodiscard]] std::shared_ptr<const limiter::VerdictTable> table();
  [[nodiscard]] std::vector<VerdictRecord> all() const;
  /// Raised or renewed since the last call, for the log and the store.
  [[nodiscard]] std::vector<VerdictRecord> take_news();
  /// After a restart. Expired ones are dropped.
  void restore(const std::vector<VerdictRecord>& records, Now now);
};

}  // namespace tidelimit::policy
