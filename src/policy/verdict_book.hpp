#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "anomaly/contribution.hpp"
#include "base/address.hpp"
#include "base/hash.hpp"
#include "limiter/prefix_index.hpp"
#include "limiter/verdict.hpp"
#include "policy/settings.hpp"
#include "policy/verdict_budget.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::policy {

struct Consequence;

/// Why a verdict is only reported, whatever its mode: nothing, a protection of its client, the
/// spent budget of new verdicts, or the allow-list over a label.
enum class Withheld : std::uint8_t { no, protection, budget, allow_list };

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
  Mode mode = Mode::enforce;  ///< shadow: reported, not enforced
  Withheld withheld = Withheld::no;
  double enforced = 1;               ///< share of the principals for whom `enforce` holds
  std::vector<std::string> reasons;  ///< in plain words and numbers
  /// The model's: every feature's part in the score, the largest first; empty for rules and labels.
  std::vector<anomaly::Contribution> features;
  WallTime from{};
  WallTime until{};
  bool renewed = false;  ///< in take_news(): there before, now longer or otherwise
  WallTime told{};       ///< in take_news(): when it came to that
  std::string source{};  ///< the rule on figures that raised it; empty: none did

  /// Whether it holds anybody back.
  [[nodiscard]] bool is_enforced() const {
    return mode == Mode::enforce && action != limiter::Action::none;
  }
};

/// What a model's verdict rests on.
struct Grounds {
  std::vector<std::string> reasons;
  std::vector<anomaly::Contribution> features = {};
  bool loud = false;  ///< it asks faster than the model's level
};

/// The operator's word on a client, which overrules the model's.
struct Label {
  ClientId client;
  bool malicious = false;  ///< else: not malicious
  std::string by;          ///< the token's name
  std::string reason;
  WallTime made_at{};
  std::optional<WallTime> until;  ///< empty: until it is taken back
};

/// At most so many clients are under a verdict at a time, and four times as many under suspicion.
inline constexpr std::size_t kMaxVerdicts = 50'000;

/// Evidence in, verdicts out: repeated evidence, expiry after the last fresh evidence, the budget
/// of new verdicts (VerdictBudget), protected addresses. Deterministic; one thread. Bounded: at
/// most `kMaxVerdicts` at a time. Those that are only reported go first, the oldest of them before
/// others, then the oldest that are enforced; those with a label never.
class VerdictBook {
 public:
  using Neighbourhood = std::optional<traffic::FailingNeighbourhood>;

  explicit VerdictBook(PolicySettings settings);
  /// Verdicts stay; what follows from them is settled anew, and those of parts and rules that are
  /// gone or off, or on addresses that are now allowed, end.
  void reconfigure(PolicySettings settings);

  /// One scan's result for a client that was looked at. `evidence`: of malice, as the caller judged
  /// it by the model (anomaly::examine) and by what it knows besides.
  /// `grounds` is called only when a verdict is raised or its renewal is told.
  /// `protected_reason`: non-empty for trusted proxies and crowded addresses, which are reported
  /// and never blocked.
  /// `neighbourhood`: of a client that fails as its neighbours do. Theirs is the repeated evidence,
  /// and all their verdicts cost the budget as one.
  template <class GroundsOf>  // Grounds(), or the reasons alone
  void scanned(const ClientId& client, double score, bool evidence,
               std::string_view protected_reason, GroundsOf&& grounds, Now now,
               const Neighbourhood& neighbourhood = {}) {
    if (weigh(client, evidence, !protected_reason.empty(), neighbourhood.has_value(), now))
      judge(client, score, protected_reason, Grounds{grounds()}, neighbourhood, now);
  }

  /// Rules on a client's own figures: the first rule that matches acts at once. `arrivals` came
  /// since the last call for the client: a rule that counts none of them neither raises a verdict
  /// nor renews its own, though what came before still meets it.
  void figures(const ClientId& client, const traffic::ClientFigures& figures,
               const traffic::Arrivals& arrivals, Now now);
  /// Calls of figures() with fewer requests in five minutes change nothing and can be spared.
  [[nodiscard]] std::uint32_t figures_from() const { return figures_from_; }

  /// User-agent patterns of the rules, by class index (at most limiter::kAgentClasses); empty where
  /// no rule names one any more. A pattern keeps its index over reconfigure().
  [[nodiscard]] const std::vector<std::string>& agent_patterns() const { return patterns_; }

  /// Ends what is past its time. True when the table to publish changed since the last call of
  /// table().
  bool expire(Now now);
  void forget(const ClientId& client);  ///< by hand, until there is fresh evidence

  /// Malicious: a verdict at once, with what the rules have for one, whatever the budget and the
  /// evidence say. Not malicious: ends the model's verdict, and no new one is raised. Either lasts
  /// until unlabel(): whoever keeps the labels minds their ends. Rules on figures go on acting.
  void label(const Label& label, Now now);
  void unlabel(const ClientId& client);

  [[nodiscard]] std::shared_ptr<const limiter::VerdictTable> table();
  /// What is in force, one record a client (where a rule and the model both speak: the severer).
  [[nodiscard]] std::vector<VerdictRecord> all() const;
  /// The same of one client.
  [[nodiscard]] std::optional<VerdictRecord> find(const ClientId& client) const;
  /// All that are on one client at once: by the model, by rules, by a label.
  [[nodiscard]] std::vector<VerdictRecord> all_on(const ClientId& client) const;
  /// Raised or renewed since the last call, for the log and the store. Renewals are told at most
  /// once a minute for each client.
  [[nodiscard]] std::vector<VerdictRecord> take_news();
  /// After a restart, with labels given before. Those that are expired, or that the settings no
  /// longer call for, are dropped, and the model's on clients with a label. Where the wall clock is
  /// behind by now, none lasts longer than from fresh evidence; those that began so far ahead that
  /// nobody can tell whether they are over are dropped.
  void restore(const std::vector<VerdictRecord>& records, Now now);

 private:
  /// As long as a client's figures.
  static constexpr Nanos kEvidenceMemory = std::chrono::minutes{5};

  /// One verdict on one client, by the model or by a rule on figures.
  struct Held {
    VerdictRecord record;
    Nanos duration{0};
    Instant expires;
    Instant told;           ///< when take_news() last had it
    WallTime told_until{};  ///< its end as told then
    /// By a protection: stays demand, and is enforced once evidence comes without.
    [[nodiscard]] bool shielded() const { return record.withheld == Withheld::protection; }
  };
  /// Who goes first when there are too many.
  enum class Worth : std::uint8_t { reported, enforced, labelled };
  struct Judged {
    std::optional<Held> model;
    std::optional<Held> rule;
    std::optional<Held> label;
    std::uint64_t serial = 0;  ///< in order of the first verdict
    Worth worth = Worth::reported;

    [[nodiscard]] bool empty() const { return !model && !rule && !label; }
  };
  struct Evidence {
    std::uint32_t scans = 0;  ///< one bit a scan, the newest lowest
    std::uint32_t bare = 0;   ///< of those, the scans in which nothing protected the client
    Instant last;
  };

  void follow_settings();
  [[nodiscard]] bool allowed(const ClientId& client) const;
  bool weigh(const ClientId& client, bool evidence, bool shielded, bool repeated, Now now);
  void judge(const ClientId& client, double score, std::string_view protected_reason,
             Grounds grounds, const Neighbourhood& neighbourhood, Now now);
  [[nodiscard]] bool held_by(const Rule& rule, const ClientId& client) const;
  [[nodiscard]] bool vouched_for(const ClientId& client) const;
  void apply_rule(std::size_t rule, const ClientId& client, const traffic::ClientFigures& figures,
                  Now now);
  void settle(Held& held, const Consequence& consequence) const;
  void settle_label(Held& held) const;
  static void withhold(Held& held, Withheld by, std::string_view reason);
  void extend(Held& held, Now now);
  void tell(Held& held, Now now, bool renewed);
  [[nodiscard]] bool settle_anew(Held& held) const;
  [[nodiscard]] std::string raised_by(const VerdictRecord& record) const;
  [[nodiscard]] Nanos longest_of(const Held& held) const;

  Judged& entry(const ClientId& client);
  /// To be called whenever what a client is under has changed.
  void weigh_anew(Judged& judged);
  void erase(const ClientId& client);
  void drop_if_empty(const ClientId& client);
  void sweep(Now now);
  [[nodiscard]] static bool less_severe(const VerdictRecord& a, const VerdictRecord& b);
  [[nodiscard]] static const Held& severer(const Judged& judged);

  PolicySettings settings_;
  std::vector<std::size_t> figure_rules_;  ///< indices of enabled rules on figures alone
  std::uint32_t figures_from_ = 0;         ///< see figures_from()
  bool mixed_rules_ = false;               ///< some rule asks for a verdict and figures together
  std::vector<std::string> patterns_;
  limiter::PrefixIndex allow_;  ///< as decisions read the list: of an IPv6 client by its /64

  std::unordered_map<ClientId, Evidence, ClientIdHash> evidence_;
  std::unordered_map<ClientId, Judged, ClientIdHash> judged_;
  std::unordered_map<ClientId, Label, ClientIdHash> labels_;
  std::map<std::uint64_t, ClientId> by_age_;            ///< serial to client
  std::set<std::pair<Worth, std::uint64_t>> by_worth_;  ///< and serial: the first go first
  std::uint64_t next_serial_ = 0;
  VerdictBudget budget_;

  Instant next_expiry_{Nanos::max()};
  Instant next_sweep_{};
  bool dirty_ = true;
  std::shared_ptr<const limiter::VerdictTable> table_;
  std::vector<VerdictRecord> news_;
};

}  // namespace tidelimit::policy
