#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/rate.hpp"
#include "engine/history.hpp"
#include "store/history/sqlite.hpp"

/// The tables of the history, one file of functions each. None opens a transaction of its own: the
/// caller does, and holds the connection. `prune_*` deletes at most `most` rows that are older than
/// `before`: small batches, so that no call is long, and a wall clock that jumped ahead costs a
/// little history instead of all.
namespace tidelimit::store {

// The columns that statements of several files name, in the order in which `*_of` reads them.
// Macros, for a statement is one literal: Database::query.
#define TIDELIMIT_OVERRIDE_COLUMNS \
  "target, action, limit_count, limit_period, reason, made_by, made_at, until"
#define TIDELIMIT_LABEL_COLUMNS "target, malicious, reason, made_by, made_at, until"
#define TIDELIMIT_MODE_COLUMNS "part, mode, share, reason, made_by, made_at, until"

/// Closed ones, which are open no more.
[[nodiscard]] Result<void> put_windows(Database& db, WallTime start, Nanos step,
                                       const std::vector<std::string>& endpoints,
                                       const std::vector<traffic::WindowStats>& stats);
/// In the place of all that were open.
[[nodiscard]] Result<void> put_open_windows(Database& db, const traffic::OpenWindows& open);
[[nodiscard]] Result<traffic::OpenWindows> read_open_windows(Database& db, Nanos step);
/// Those that start in [from, until).
[[nodiscard]] Result<traffic::WindowGrid> read_windows(Database& db, WallTime from, WallTime until,
                                                       Nanos step,
                                                       const std::vector<std::string>& endpoints);
/// How many windows there are, not counting endpoints, of lengths that don't divide `step`.
[[nodiscard]] Result<std::size_t> count_windows_unused(Database& db, Nanos step);
/// Those that start in [from, until).
[[nodiscard]] Result<void> drop_windows(Database& db, WallTime from, WallTime until);
[[nodiscard]] Result<void> prune_windows(Database& db, WallTime before, std::size_t most);

[[nodiscard]] Result<void> put_verdict(Database& db, const policy::VerdictRecord& record);
[[nodiscard]] Result<std::vector<policy::VerdictRecord>> verdicts_since(Database& db,
                                                                        WallTime since);
[[nodiscard]] Result<void> prune_verdicts(Database& db, WallTime before, std::size_t most);
/// Those beyond `rows_kept` that ended first.
[[nodiscard]] Result<void> prune_surplus_verdicts(Database& db, std::size_t rows_kept,
                                                  std::size_t most);

/// Replaces the target's override; both changes leave a line in the audit.
[[nodiscard]] Result<void> put_override(Database& db, const engine::OverrideRecord& record);
/// not_found when the target has none.
[[nodiscard]] Result<void> delete_override(Database& db, const std::string& target,
                                           const std::string& by, WallTime now);
/// Its columns from `first` on.
[[nodiscard]] engine::OverrideRecord override_of(const Query& row, int first);
[[nodiscard]] Result<std::vector<engine::OverrideRecord>> all_overrides(Database& db);
/// Overrides that ended before `ended`, and lines of the audit older than `before`.
[[nodiscard]] Result<void> prune_overrides(Database& db, WallTime ended, WallTime before,
                                           std::size_t most);

/// Replaces the client's label.
[[nodiscard]] Result<void> put_label(Database& db, const engine::LabelRecord& record);
/// not_found when the client has none.
[[nodiscard]] Result<void> delete_label(Database& db, const std::string& target);
[[nodiscard]] engine::LabelRecord label_of(const Query& row);
[[nodiscard]] Result<std::vector<engine::LabelRecord>> all_labels(Database& db);
/// Labels that ended before `ended`.
[[nodiscard]] Result<void> prune_labels(Database& db, WallTime ended, std::size_t most);

[[nodiscard]] Result<void> put_mode(Database& db, const engine::ModeRecord& record);
[[nodiscard]] engine::ModeRecord mode_of(const Query& row);
/// The latest of each part.
[[nodiscard]] Result<std::vector<engine::ModeRecord>> latest_modes(Database& db);
[[nodiscard]] Result<std::vector<engine::ModeRecord>> modes_since(Database& db, WallTime since);
/// All but the latest of each part.
[[nodiscard]] Result<void> prune_modes(Database& db, WallTime before, std::size_t most);

[[nodiscard]] Result<void> put_plan_change(Database& db, const policy::PlanChange& change);
[[nodiscard]] Result<std::vector<policy::PlanChange>> find_plan_changes(
    Database& db, const engine::PlanChangeQuery& query);
/// History::plan_standing.
[[nodiscard]] Result<std::vector<policy::PlanChange>> read_plan_standing(Database& db);
/// Also the oldest rows beyond `rows_kept`.
[[nodiscard]] Result<void> prune_plan_changes(Database& db, WallTime before, std::size_t rows_kept,
                                              std::size_t most);

/// History::user_name_key.
[[nodiscard]] Result<SipKey> read_user_name_key(Database& db);
[[nodiscard]] Result<void> put_user_name_key(Database& db, const SipKey& key);
[[nodiscard]] Result<void> put_decision(Database& db, const engine::DecisionRecord& record);
[[nodiscard]] Result<std::vector<engine::DecisionRecord>> find_decisions(
    Database& db, const engine::DecisionQuery& query);
/// Also the oldest rows beyond `rows_kept`.
[[nodiscard]] Result<void> prune_decisions(Database& db, WallTime before, std::size_t rows_kept,
                                           std::size_t most);

/// Adds a decision to its hour if shadow mode would have denied it; else does nothing.
[[nodiscard]] Result<void> count_shadow_denial(Database& db, const engine::DecisionRecord& record);
[[nodiscard]] Result<engine::ShadowSummary> sum_shadow_denials(Database& db,
                                                               const engine::ShadowQuery& query);
[[nodiscard]] Result<void> prune_shadow_denials(Database& db, WallTime before, std::size_t most);
/// Sums up the oldest rows beyond `rows_kept`, at most about `most` of them, as those of
/// engine::kOtherPrincipals.
[[nodiscard]] Result<void> fold_surplus_shadow_denials(Database& db, std::size_t rows_kept,
                                                       std::size_t most);

[[nodiscard]] Result<void> put_forecast(Database& db, const forecast::EndpointForecast& forecast);
[[nodiscard]] Result<std::vector<forecast::EndpointForecast>> find_forecasts(
    Database& db, const engine::ForecastQuery& query);
[[nodiscard]] Result<void> prune_forecasts(Database& db, WallTime before, std::size_t most);

/// A rate as two nullable columns.
[[nodiscard]] std::optional<std::int64_t> count_column(const std::optional<Rate>& rate);
[[nodiscard]] std::optional<std::int64_t> period_column(const std::optional<Rate>& rate);
[[nodiscard]] std::optional<Rate> rate_of(const Query& row, int count_column);

/// The value among `candidates` that to_string writes as `text`; the first when none does, so that
/// a word of a later version reads as the mildest.
template <class Enum>
[[nodiscard]] Enum enum_of(const std::string& text, std::initializer_list<Enum> candidates) {
  for (const Enum candidate : candidates) {
    if (text == to_string(candidate)) return candidate;
  }
  return *candidates.begin();
}

}  // namespace tidelimit::store
