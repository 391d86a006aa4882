#pragma once

#include <array>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/client_watch.hpp"
#include "engine/data.hpp"
#include "engine/forecast_record.hpp"
#include "engine/history_keeper.hpp"
#include "engine/label_book.hpp"
#include "engine/mode_board.hpp"
#include "engine/override_book.hpp"
#include "engine/response_watch.hpp"
#include "engine/wall_watch.hpp"
#include "engine/window_book.hpp"
#include "forecast/memory.hpp"

namespace tidelimit::engine {

/// What the load is measured by, all since start.
struct LoadCounts {
  using Endpoint = std::array<AnswerCounts, traffic::kAnswerKinds>;
  struct Tier {
    std::uint64_t asked = 0;    ///< requests that passed every limit, shed ones included
    std::uint64_t reduced = 0;  ///< denied by limits that a rule had reduced
  };
  std::vector<Endpoint> endpoints;
  std::vector<Tier> tiers;  ///< [endpoint][tier]
};

/// The control plane. `turn` is held for a whole tick, `mutex` for every touch of the state but
/// while a forecast is made: that may take seconds, and only a turn changes windows, so it reads
/// them without. Lock order: turn, mutex, then the small ones.
struct Engine::Control {
  static constexpr std::size_t kRecentChanges = 200;  ///< of the plan, to be told

  Control(Data& the_data, Settings the_settings, std::shared_ptr<History> history);

  // engine.cpp's calls, one file a stage. All but tick, save_all, restore and reconfigure
  // expect `mutex`; save_all expects `turn`.
  void tick(Now now);
  void set_due(Now now);
  void save(Now now);
  void save_in_turn(Now now);
  void save_all(Now now);
  [[nodiscard]] Result<void> restore(Now now);
  [[nodiscard]] Result<void> reconfigure(Settings after, Now now);

  // Jumps of the wall clock (control_clock.cpp).
  void follow_wall_clock(Now now);
  void look_after_history(Now now);
  void go_back(Now now);
  void skip_windows(Now now);
  void take_new_windows(Now now);
  [[nodiscard]] Result<void> read_windows(Now now);
  void note_windows(const Result<void>& read, Now now);

  // Windows (control_windows.cpp).
  void begin(Now now);
  void fold_windows(WallTime now);
  void close_windows(Now now);
  void close_window(Now now);
  void take(CountedTally& counted, WindowIndex window);
  void settle_closed();
  void forget_counts();
  void retire_tallies();

  // Clients (control_clients.cpp).
  void fold_clients(Now now);
  void forget_agents(std::uint8_t classes, Now now);
  void use_huge_pages_where_crowded();
  void scan(Now now);
  void judge(std::vector<ClientWatch::Touched>& touched, Now now);
  void publish_verdicts(Now now);
  [[nodiscard]] Result<void> put_label(const LabelRecord& record, Now now);
  [[nodiscard]] Result<void> delete_label(const std::string& target, Now now);
  void expire_labels(Now now);
  void end_label(const LabelRecord& record, Now now);
  void store_ended(const ClientId& client, const std::vector<policy::VerdictRecord>& before,
                   Now now);
  [[nodiscard]] std::optional<ClientView> view_of(const ClientId& client, Now now) const;
  [[nodiscard]] const anomaly::Detector* detector() const;
  /// The name of the tier that the features speak of; empty: not known.
  [[nodiscard]] std::string_view tier_of(const traffic::ClientFeatures& features) const;

  // Forecasts and plans (control_plan.cpp).
  void take_models();
  void forecast(Now now, std::unique_lock<std::mutex>& lock);
  void plan(Now now);
  void trim_recent_changes();
  [[nodiscard]] bool planner_rests() const;
  [[nodiscard]] const forecast::ForecastModel* forecaster() const;
  [[nodiscard]] std::vector<forecast::EndpointForecast> predict(
      const forecast::ForecastModel* model, std::string& trouble);
  [[nodiscard]] std::vector<policy::Demand> demand() const;
  [[nodiscard]] std::vector<policy::Signal> known_signals() const;

  // Load, for rules on queueing (control_load.cpp).
  [[nodiscard]] std::optional<policy::LoadSample> measure_load(Now now);

  // What is told (control_status.cpp, control_decisions.cpp).
  void drain_decisions(Now now);
  void write_records(Now now);
  [[nodiscard]] std::string explanation_of(const KeptDecision& kept, const Routes& routes) const;
  [[nodiscard]] std::string cause_of(const KeptDecision& kept, const Routes& routes) const;
  [[nodiscard]] std::string why_only_watched(const KeptDecision& kept) const;
  void publish_status(Now now);
  [[nodiscard]] std::vector<Degradation> degraded(Now now) const;
  [[nodiscard]] std::string signal_trouble(Now now) const;
  [[nodiscard]] std::optional<Degradation> records_trouble(Now now) const;

  // Configuration (control_state.cpp).
  void make_routes();
  void publish(const std::shared_ptr<const limiter::Plan>& plan);
  [[nodiscard]] Result<void> restore_from(History& history, Now now);
  [[nodiscard]] Result<void> restore_override(OverrideRecord made, Now now);
  void publish_overrides();
  void follow_modes(Now now);
  void take_mode_news(Now now);

  Data& data;
  std::mutex turn;
  mutable std::mutex mutex;

  Settings settings;              ///< as configured
  policy::PolicySettings policy;  ///< the same with modes that were set by hand
  std::uint32_t routes_epoch = 0;
  std::deque<std::shared_ptr<const Routes>> recent_routes;  ///< kept decisions name by them

  WallWatch wall;
  WindowBook windows;
  ClientWatch clients;
  bool huge_pages = false;  ///< asked for, in all tables of clients and buckets
  policy::Planner planner;
  policy::VerdictBook verdicts;
  OverrideBook overrides;
  LabelBook labels;
  ForecastRecord forecast_record;
  ResponseWatch responses;
  HistoryKeeper keeper;
  ModeBoard modes;  ///< thread-safe by itself

  mutable std::mutex given_mutex;  ///< guards the two below: handed in by any thread
  std::shared_ptr<const model::Bundle> models_given;
  std::vector<policy::Signal> signals;

  std::shared_ptr<const model::Bundle> models;  ///< in use
  std::vector<forecast::EndpointForecast> forecasts;
  forecast::ForecastMemory memory;  ///< used by turns alone
  Instant forecasts_at{};
  bool forecast_due = true;
  std::string forecast_trouble;
  std::string windows_trouble;  ///< what is stored of them could not be read

  LoadCounts load_counts;         ///< as last read; empty: never
  LoadCounts load_counts_before;  ///< as read before that
  std::uint32_t load_epoch = 0;   ///< of the routes that they were counted under
  Instant load_at{};

  Now last{};  ///< of the latest tick
  bool ticked = false;
  Instant started{};     ///< the first tick
  bool changed = true;   ///< something that people ask for has changed: publish a status
  bool unfolded = true;  ///< there were requests since clients were last folded
  bool unsaved = false;  ///< the open windows have counts that the history lacks
  Instant next_fold{};
  Instant next_scan{};
  std::vector<ClientWatch::Touched> scanned;  // by the last scan
  Instant next_save{};
  Instant next_quiet_save{};
  /// The wall clock went back from a time that was believed: windows before this one are stored as
  /// they were, and those of the second time are not.
  std::optional<WindowIndex> closed_before_jump;
  std::vector<WindowIndex> settling;  ///< closed at the last tick: stragglers in them are late

  std::string by_hand;  ///< PlanInputs::by_hand of the next step
  std::vector<policy::PlanChange> recent_changes;
  std::map<std::string, std::uint64_t> plan_changes_total;
  std::map<std::pair<limiter::VerdictKind, std::string>, std::uint64_t> verdicts_total;
  std::deque<policy::VerdictRecord> recent_verdicts;
  LastSuccess last_success;

  limiter::SnapshotSlot<Status> status;
  mutable std::atomic<bool> status_asked{true};
  Instant status_asked_at{};
  Instant status_at{};

  /// Wall time, in ns, when tick has something to do without any request; and what to add to an
  /// Instant for that. Atomic: next_due waits for nobody.
  std::atomic<std::int64_t> due{0};
  std::atomic<std::int64_t> wall_offset{0};
  std::atomic<std::int64_t> last_wall{0};  ///< of the latest tick

  /// Something was handed in that the next tick takes up.
  void hurry() { due.store(last_wall.load(std::memory_order_relaxed), std::memory_order_release); }
};

}  // namespace tidelimit::engine
