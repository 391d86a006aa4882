#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/history.hpp"

namespace tidelimit::store {

/// The history in one SQLite file (WAL). Thread-safe: one connection writes, one reads, each behind
/// its own mutex, so that a long question never holds up the control plane.
///   Whole: each call is one transaction; a kill -9 at any moment loses at most the call under way.
///   Durable: an override or its removal is on the disk when its call returns; the rest within the
///   next checkpoint, so that a power cut may cost the last minutes, never the file.
///   Bounded: every call that adds also removes a small batch of what is past its retention,
///   reckoned from the newest time it was handed, or from what it was told to believe if that is
///   earlier; decisions, verdicts and changes of the plan are bounded by number, too, and so are
///   shadow denials, the oldest of which are summed up (engine::kOtherPrincipals).
///   In place: a file that is deleted under it is written anew, with all that it held; where
///   another stands in its place, or it was written over, calls that write return errors. Failing:
///   a full or broken disk makes calls return errors, at the start too; they work again when it
///   does.
class SqliteHistory final : public engine::History {
 public:
  /// Records of each kind that is bounded by number, at most: about 1 GB of file for decisions and
  /// 2 GB for verdicts by the model; of these and of shadow denials up to kCountedAfter more.
  static constexpr std::size_t kMostRecords = 2'000'000;
  static constexpr std::size_t kCountedAfter = 10'000;

  /// Makes the file and its folder where absent, mode 0600. Refuses, with the mend, what it cannot
  /// write, what another process holds, a file of another program or of a newer version. A damaged
  /// history is moved aside (see moved_aside), since a broken store must not keep the gate shut.
  [[nodiscard]] static Result<std::shared_ptr<SqliteHistory>> open(
      const std::filesystem::path& path, const engine::Retention& retention,
      std::size_t most_records = kMostRecords);
  ~SqliteHistory() override;

  /// Where a damaged file was put when this one was opened; empty when all was well.
  [[nodiscard]] std::optional<std::filesystem::path> moved_aside() const;
  [[nodiscard]] std::string notice() const override;
  /// See keep_in_place(). Every call that writes looks after it first.
  Result<void> look_after() override;
  bool overwritten() const override;
  Result<void> begin_anew(const engine::InForce& known) override;
  void set_retention(const engine::Retention& retention) override;

  Result<void> put_windows(WallTime start, Nanos step, const std::vector<std::string>& endpoints,
                           const std::vector<traffic::WindowStats>& stats) override;
  /// The grid starts at the first window stored from `from` on. A window that was saved open and
  /// never closed (a crash) is there with its numbers and `observed = false`. Finer windows, of an
  /// earlier configuration, are added up where they divide `step`.
  Result<traffic::WindowGrid> windows(WallTime from, Nanos step,
                                      const std::vector<std::string>& endpoints,
                                      WallTime until = WallTime::max()) override;
  Result<std::size_t> windows_unused(Nanos step) override;
  Result<void> drop_windows(WallTime from, WallTime until) override;
  void believe(WallTime now) override;
  Result<void> put_open_windows(const traffic::OpenWindows& open) override;
  Result<traffic::OpenWindows> open_windows(Nanos step) override;

  Result<void> put_verdicts(const std::vector<policy::VerdictRecord>& records) override;
  /// Those in force at `since` or later, by their start.
  Result<std::vector<policy::VerdictRecord>> verdicts(WallTime since) override;

  Result<void> put_override(const engine::OverrideRecord& record) override;
  Result<void> delete_override(const std::string& target, const std::string& by,
                               WallTime now) override;
  /// Ended ones may be among them for up to a day.
  Result<std::vector<engine::OverrideRecord>> overrides() override;

  Result<void> put_label(const engine::LabelRecord& record) override;
  Result<void> delete_label(const std::string& target) override;
  /// Ended ones may be among them.
  Result<std::vector<engine::LabelRecord>> labels() override;

  Result<void> put_modes(const std::vector<engine::ModeRecord>& records) override;
  Result<std::vector<engine::ModeRecord>> modes() override;
  Result<std::vector<engine::ModeRecord>> mode_changes(WallTime since) override;

  Result<void> put_configuration(const engine::ConfigurationRecord& record) override;
  Result<std::vector<engine::ConfigurationRecord>> configurations() override;
  Result<void> put_hold(const engine::ConfigurationHold* hold) override;
  Result<std::optional<engine::ConfigurationHold>> hold() override;

  Result<void> put_plan_changes(const std::vector<policy::PlanChange>& changes) override;
  Result<std::vector<policy::PlanChange>> plan_changes(
      const engine::PlanChangeQuery& query) override;
  Result<std::vector<policy::PlanChange>> plan_standing() override;

  [[nodiscard]] SipKey user_name_key() const override;
  Result<void> put_decisions(const std::vector<engine::DecisionRecord>& records) override;
  /// Newest first.
  Result<std::vector<engine::DecisionRecord>> decisions(
      const engine::DecisionQuery& query) override;
  Result<engine::ShadowSummary> shadow_summary(const engine::ShadowQuery& query) override;

  Result<void> put_forecasts(const std::vector<forecast::EndpointForecast>& forecasts) override;
  Result<std::vector<forecast::EndpointForecast>> forecasts(
      const engine::ForecastQuery& query) override;

 private:
  struct State;
  explicit SqliteHistory(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tidelimit::store
