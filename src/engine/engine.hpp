#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "engine/history.hpp"
#include "engine/routes.hpp"
#include "engine/settings.hpp"
#include "engine/status.hpp"
#include "limiter/limiter.hpp"
#include "model/bundle.hpp"
#include "policy/planner.hpp"
#include "policy/verdict_book.hpp"
#include "traffic/request.hpp"

namespace tidelimit::engine {

/// What came of one request, for the caller's answer.
struct Answer {
  limiter::Decision decision;
  const std::string* endpoint = nullptr;  ///< name; lives as long as the settings in force
  const std::string* tier = nullptr;
  const std::string* rule = nullptr;  ///< null: no rule
  std::uint64_t decision_id = 0;      ///< 0: none was kept; format_decision_id gives its text
};

/// Where a report comes from: whether its requests were already counted by a decision.
enum class ReportKind : std::uint8_t {
  already_decided,
  observe_only,
  never_asked,  ///< what a gateway that decides by tidelimit answered without it
};

class EngineWorker;
class Identifier;

/// The loop that ties both planes together; the same in serving and in replay. Its only inputs are
/// requests, responses, signals, ticks and time.
///   Data plane (`EngineWorker`): one per event loop; never waits for the control plane.
///   Control plane (`tick`): one thread at a time.
///   Everything else may be called from any thread and takes the control mutex, so not from an
///   event loop, but for `set_mode`, `modes`, `part_modes`, `plan`, `status`, `counters` and
///   `table_use`, which wait for no turn of it, at most for a lock that is held for moments.
class Engine {
 public:
  /// `history` may be null (replay, tests). `seed` keys the hashing. `start` is another at each
  /// start where the seed is not, so that no id of a decision comes twice.
  Engine(Settings settings, std::shared_ptr<History> history, std::uint64_t seed,
         std::uint64_t start = 0);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes windows, modes and labels set by hand, verdicts, overrides, and a day's plan changes and
  /// forecasts from the history, so that a restarted gate goes on where it was.
  [[nodiscard]] Result<void> restore(Now now);

  /// New settings, validated by config/. Shape, tiers and memory sizes need a restart: they are
  /// refused by name.
  [[nodiscard]] Result<void> reconfigure(Settings settings, Now now);

  /// New models; null parts stop that model. Takes effect at the next tick.
  void set_models(std::shared_ptr<const model::Bundle> bundle);
  [[nodiscard]] std::shared_ptr<const model::Bundle> models() const;

  [[nodiscard]] std::unique_ptr<EngineWorker> make_worker();
  [[nodiscard]] Identifier make_identifier() const;

  /// A measured load figure. Any thread.
  void signal(const policy::Signal& signal);

  /// One turn of the control plane: closes windows, folds client figures, scans, forecasts, plans,
  /// publishes, stores.
  void tick(Now now);
  /// Puts into the history what it lacks, and tick would put there in its time: for whoever ends.
  void save(Now now);
  /// The same for whoever reads the history next, and waits for no turn: empty where one is under
  /// way and nothing was done, else how many decisions could not be written, as on a full disk.
  [[nodiscard]] std::optional<std::size_t> try_save(Now now);
  /// The earliest time at which tick has something to do, given that no request comes before it; a
  /// time that is past: at once (before the first tick, which sets the grid of windows: the epoch).
  /// Never waits. Whoever drives virtual time ticks at the first request's time, and then, before
  /// each request, at every due time up to the request's.
  [[nodiscard]] WallTime next_due() const;

  /// Mode switch; `part` is "forecast", "anomaly", "rules", "all", "rule/NAME", "rule/NUMBER" (of
  /// the configuration's order, from 1) or "endpoint/NAME". `until`: back to the configured mode
  /// then. Of the first four what is taken back is so at once; the rest within the next tick, which
  /// also puts the record into the history.
  [[nodiscard]] Result<void> set_mode(ModeRecord order, Now now);
  /// For everyone, of one of the first four.
  [[nodiscard]] Result<void> set_mode(std::string_view part, limiter::Mode mode,
                                      std::optional<WallTime> until, Now now);
  /// Of the first four, as the data plane goes by them.
  [[nodiscard]] SwitchModes modes() const;
  /// Of all parts: those four, endpoints, rules.
  [[nodiscard]] std::vector<PartMode> part_modes() const;

  /// Overrides: stored durably first (when there is a history), then published.
  [[nodiscard]] Result<void> put_override(OverrideRecord record, Now now);
  [[nodiscard]] Result<void> delete_override(const std::string& target, const std::string& by,
                                             Now now);
  [[nodiscard]] std::vector<OverrideRecord> overrides() const;

  /// The operator's labels on clients, over the model's verdicts (policy::VerdictBook::label):
  /// stored durably first (when there is a history), then in force.
  [[nodiscard]] Result<void> put_label(const LabelRecord& record, Now now);
  [[nodiscard]] Result<void> delete_label(const std::string& target, Now now);
  [[nodiscard]] std::vector<LabelRecord> labels() const;

  /// Hands the history what the next tick would: decisions, and what was set by hand. For whoever
  /// is about to read them there.
  void write_records(Now now);

  /// "Not malicious": ends the client's verdict now.
  void forget_verdict(const ClientId& client, Now now);

  [[nodiscard]] std::shared_ptr<const Status> status() const;  ///< null before the first tick
  [[nodiscard]] CountersView counters() const;
  [[nodiscard]] TableUse table_use(Instant now) const;
  [[nodiscard]] std::optional<ClientView> client(const ClientId& client, Now now) const;
  /// Closed windows that start in [from, until), of all endpoints or of one. Those that are not
  /// held in memory are read from the history, which nothing waits for.
  [[nodiscard]] traffic::WindowGrid windows(WallTime from, WallTime until = WallTime::max(),
                                            const std::string& endpoint = {}) const;

  /// The limits in force, as workers have them with the names that they go by; null before the
  /// first tick.
  [[nodiscard]] std::shared_ptr<const limiter::Plan> plan() const;
  /// Its `plan` is not used: see plan().
  [[nodiscard]] limiter::Limiter& limiter();
  [[nodiscard]] std::shared_ptr<History> history() const;

 private:
  friend class EngineWorker;
  struct Control;
  struct Data;
  std::unique_ptr<Data> data_;
  std::unique_ptr<Control> control_;
};

/// One event loop's side of the engine. One thread only.
class EngineWorker {
 public:
  ~EngineWorker();

  /// Identifies and decides one request, counts it, and keeps denials (and a sample of passes) for
  /// `why`. hits 0 asks whether one more would pass: nothing is charged, counted or kept.
  /// `request.time` is not read.
  [[nodiscard]] Answer decide(const traffic::Request& request, limiter::Hits hits, Now now);

  /// A request that is identified and hashed, while the memory that its decision will touch is
  /// fetched: for callers that know of requests a little ahead of deciding them.
  struct Prepared {
    Identity who;  ///< `path` is not to be read: it may be gone
    limiter::Call call;
    std::uint32_t routes_epoch = 0;
  };
  [[nodiscard]] Prepared prepare(const traffic::Request& request, limiter::Hits hits);
  /// The latter part of `prepare`, for what an Identifier made.
  void prefetch(const Prepared& prepared) noexcept;
  /// As above, for the request that was prepared, under whatever configuration is now in force.
  [[nodiscard]] Answer decide(const traffic::Request& request, const Prepared& prepared, Now now);

  /// One of several questions about one request. Borrowed.
  struct Asked {
    traffic::Request request;
    limiter::Hits hits = 1;
    const limiter::GivenLimit* given = nullptr;  ///< see limiter::Call; null: none
  };
  /// Decides questions that stand or fall together (limiter::Worker::decide_all): true when all
  /// pass. Questions about one request (limiter::same_request) count as one, with the most hits
  /// asked for and the answer of the one that was denied; they share its decision id.
  /// At most limiter::Worker::kTogetherMax; `answers` is at least as long as `asked`.
  [[nodiscard]] bool decide_all(std::span<const Asked> asked, Now now, std::span<Answer> answers);

  /// See limiter::Worker::enforced_below.
  [[nodiscard]] std::uint16_t enforced_below() noexcept;

  /// A request that was decided and let pass has ended: it is in flight no more, where that is
  /// limited. `request.latency_ms` says when it began, if it is known.
  void end(const traffic::Request& request, Now now);
  void end(const traffic::Request& request, const Prepared& prepared, Now now);

  /// A response seen elsewhere: adds status and latency; with observe_only it counts the request
  /// too; with never_asked it counts for the figures of its client only. `request.time` says
  /// which window it belongs to. `own_denial`: the response was tidelimit's own refusal.
  void observe(const traffic::Request& request, ReportKind kind, bool own_denial, Now now);
  void observe(const traffic::Request& request, const Prepared& prepared, ReportKind kind,
               bool own_denial, Now now);

 private:
  friend class Engine;
  struct Impl;
  explicit EngineWorker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Identifies and hashes requests on another thread than the worker that decides them, by the
/// configuration in force when it was made. One thread.
class Identifier {
 public:
  [[nodiscard]] EngineWorker::Prepared identify(const traffic::Request& request,
                                                limiter::Hits hits);

 private:
  friend class Engine;
  Identifier(std::shared_ptr<const Routes> routes, const limiter::Limiter& limiter)
      : routes_(std::move(routes)), limiter_(&limiter) {}
  std::shared_ptr<const Routes> routes_;
  const limiter::Limiter* limiter_;
  std::string buffer_;
};

[[nodiscard]] std::string format_decision_id(std::uint64_t id);

}  // namespace tidelimit::engine
