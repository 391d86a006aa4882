#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/time.hpp"
#include "limiter/bucket_table.hpp"
#include "limiter/client_table.hpp"
#include "limiter/decision.hpp"
#include "limiter/lease_table.hpp"
#include "limiter/plan_slot.hpp"
#include "limiter/snapshot.hpp"

namespace tidelimit::limiter {

/// The switch back to base limits: read by every decision, written by anyone, at once. Lock-free.
struct ModeSwitch {
  std::atomic<Mode> all{Mode::enforce};
  std::atomic<Mode> forecast{Mode::enforce};
  std::atomic<Mode> anomaly{Mode::enforce};
  std::atomic<Mode> rules{Mode::enforce};
};

struct LimiterOptions {
  std::size_t bucket_bytes = 64u << 20;
  std::size_t client_bytes = 64u << 20;
  std::uint64_t seed = 0;  ///< keys all hashing; drawn per process when serving, given in replay
  Pages pages = Pages::small;          ///< of the tables of buckets and clients
  std::size_t lease_bytes = 4u << 20;  ///< memory that no lease touched stays the system's
};

/// What the table of clients is told of a call.
[[nodiscard]] inline ClientTable::Event client_event(const Call& call, Hits hits) {
  return {call.client,        hits,
          call.path_hash,     call.agent_hash,
          call.agent_classes, static_cast<std::uint8_t>(index(call.tier) + 1)};
}

/// The data plane: verdict -> plan limit -> bucket -> decision. Shared by all workers; a decision
/// takes no lock, allocates nothing, makes no system call and reads no clock.
class Limiter {
 public:
  explicit Limiter(const LimiterOptions& options);

  /// Never 0 or 1.
  [[nodiscard]] std::uint64_t hash_client(const ClientId& client) const noexcept {
    return clients_.fingerprint(client);
  }
  /// Never 0.
  [[nodiscard]] std::uint64_t hash_user(std::string_view user_id) const noexcept;
  [[nodiscard]] std::uint32_t hash_text(std::string_view text) const noexcept;
  /// Of texts one after another, each with the hash of those before it (0 at first): a name for a
  /// bucket outside of any plan.
  [[nodiscard]] std::uint64_t hash_key(std::string_view text, std::uint64_t before) const noexcept;

  PlanSlot plan;
  SnapshotSlot<VerdictTable> verdicts;
  SnapshotSlot<OverrideTable> overrides;
  ModeSwitch mode;

  /// Of both tables, which have much in them by now. Any thread; decisions go on meanwhile.
  void use_huge_pages() noexcept {
    buckets_.use_huge_pages();
    clients_.use_huge_pages();
  }

  [[nodiscard]] BucketTable& buckets() noexcept { return buckets_; }
  [[nodiscard]] ClientTable& clients() noexcept { return clients_; }
  [[nodiscard]] const LeaseTable& leases() const noexcept { return leases_; }

 private:
  friend class Worker;
  friend class Judge;
  friend class UsualCall;
  friend class LeaseClaim;
  friend bool release_lease(Limiter& limiter, const Plan& plan, const Call& call,
                            std::optional<Instant> began, Instant now) noexcept;
  std::uint64_t seed_;
  std::uint64_t user_seed_;  ///< derived one-way: what is learned of it tells no other seed
  BucketTable buckets_;
  ClientTable clients_;
  LeaseTable leases_;
};

/// One event loop's way into the limiter: its own snapshot readers. One thread only.
class Worker {
 public:
  explicit Worker(Limiter& limiter);

  /// From now on goes by this plan, one that was completed(), and by none that is published in
  /// Limiter::plan: for callers who number endpoints and tiers by names that change with the plan.
  /// Borrowed; null: everything passes.
  void go_by(const Plan* plan) noexcept {
    given_ = plan;
    follows_ = false;
  }

  /// Decides in the order override -> allow-list -> verdict -> plan limit -> total -> load shedding
  /// (decided before anything is charged) -> requests in flight. The first that denies names the
  /// reason; a denied request charges no other bucket. In shadow (by `mode.all`, the endpoint or a
  /// rule) `allowed` stays true and `outcome` is shadow_deny. Counts the request at its client.
  /// Before a plan is published everything passes.
  ///   `now` is a monotonic reading before kNowEnd, as everywhere here; from later ones, such as
  ///   the time of day, whatever is limited is denied. An override that limits stands in place of
  ///   verdict and plan limits of its target (a client, a whole prefix or a user, over all
  ///   endpoints); totals and shedding still hold. `decision.limit` of a request that passed is the
  ///   one with the least remaining, the total of all principals only if there is no other. A limit
  ///   that the call brings along (Call::given) stands in place of the plan's limit on the
  ///   principal; see there.
  [[nodiscard]] Decision decide(const Call& call, Instant now) noexcept;

  /// Decides many calls in their order, with memory fetched ahead. Equal to deciding one by one
  /// under what is in force when the first is decided. `decisions` is at least as long as `calls`.
  void decide(std::span<const Call> calls, Instant now, std::span<Decision> decisions) noexcept;

  /// Decides calls that stand or fall together: all that one request is asked about at once. All
  /// limits of all calls are checked, then all are charged, or none is.
  ///   True when all pass. Each decision says how its own call stands: with a denial somewhere, the
  ///   others say what they would be and what is left, uncharged.
  ///   Equal buckets are charged once, by the call that takes most; each call is judged by its own
  ///   hits and limit, on what it found.
  ///   hits 0 (a peek) asks whether one more would pass: it charges nothing, and its no counts.
  ///   A call in shadow mode that would be denied charges nothing, and holds back no other.
  ///   Every client is counted once, with the most hits of its calls.
  ///   Where another thread takes the last of one limit in between, charges made so far are taken
  ///   back, or stand where somebody built upon them: never more passes than the limits allow.
  /// At most kTogetherMax calls; `decisions` is at least as long as `calls`.
  [[nodiscard]] bool decide_all(std::span<const Call> calls, Instant now,
                                std::span<Decision> decisions) noexcept;
  static constexpr std::size_t kTogetherMax = 32;

  /// A request that passed has ended: it is no more in flight, where that is limited. `began`: when
  /// it was decided; unknown: the principal's oldest there is taken to have ended, so one whose end
  /// nobody tells of may count for longer than the timeout while others come and go. False: none
  /// was in flight, or it counts no more.
  bool release(const Call& call, std::optional<Instant> began, Instant now) noexcept;

  /// The gate itself, whatever its endpoints say, enforces for principals whose place
  /// (rollout_place) is below this; 0 before a plan is published. For limits that no plan sets.
  [[nodiscard]] std::uint16_t enforced_below() noexcept;

  /// Begins to fetch what decide will touch.
  void prefetch(const Call& call) noexcept;

  /// How many hits of a denied call (hits >= 1) still count as demand: a principal's denied ones
  /// do, up to its base limit, so that its retries count up to twice that limit in all. Charges
  /// that allowance.
  [[nodiscard]] Hits demand_of(const Call& call, Instant now) noexcept;

  /// What decide would say of the caller in `decision.verdict`: normal, too, where the verdict's
  /// part is off, or an override or the allow-list takes its place. Charges nothing.
  [[nodiscard]] VerdictKind verdict_on(const Call& call, Instant now) noexcept;

 private:
  [[gnu::noinline]] void judge(const Plan& plan, const VerdictTable* verdicts,
                               const OverrideTable* overrides, const Call& call, Instant now,
                               Decision& decision) noexcept;
  inline void decide_uncounted(std::uint64_t client_hash, const Call& call, Instant now,
                               Decision& out) noexcept;
  void prefetch_bucket(std::uint64_t client_hash, const Call& call) noexcept;
  void count(std::uint64_t client_hash, const Call& call, bool denied, Instant now) noexcept;
  void count_each_client(std::span<const Call> calls, bool denied, Instant now) noexcept;
  [[nodiscard]] const Plan* plan() noexcept { return follows_ ? plan_.get() : given_; }

  Limiter& limiter_;
  SnapshotReader<Plan> plan_;
  SnapshotReader<VerdictTable> verdicts_;
  SnapshotReader<OverrideTable> overrides_;
  const Plan* given_ = nullptr;
  bool follows_ = true;  ///< what is published; else goes by `given_`
};

}  // namespace tidelimit::limiter
