#include "store/history/sqlite_history.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "store/history/configuration_table.hpp"
#include "store/history/history_file.hpp"
#include "store/history/salvage.hpp"
#include "store/history/tables.hpp"

namespace tidelimit::store {
namespace {

/// Rows that one call removes at most, beside as many as it adds: under a millisecond or two.
constexpr std::size_t kPruneBatch = 500;
/// Ended overrides and labels stay this long, so that a wall clock that jumped ahead and back ends
/// none.
constexpr Nanos kEnded = std::chrono::hours{24};

}  // namespace

struct SqliteHistory::State {
  explicit State(HistoryFile opened) : file(std::move(opened)) {}

  HistoryFile file;  ///< its writer guarded by write_mutex, its reader by read_mutex
  std::mutex write_mutex;
  std::mutex read_mutex;
  engine::Retention retention;  ///< guarded by write_mutex
  std::size_t most_records = kMostRecords;
  // Since they were counted; guarded by write_mutex. To count them takes a look at all: unlike
  // decisions they have no numbers as they come.
  std::size_t verdicts_put = kCountedAfter;
  std::size_t denials_put = kCountedAfter;
  SipKey user_name_key;
  std::atomic<WallTime> believed{WallTime::max()};

  /// The time by which what is stored with `time` is too old.
  [[nodiscard]] WallTime borne_out(WallTime time) const {
    return std::min(time, believed.load(std::memory_order_relaxed));
  }

  /// With write_mutex held. Questions wait only while a file is written anew.
  Result<void> look_after() {
    if (is_in_place(file)) return {};
    std::lock_guard lock(read_mutex);
    return keep_in_place(file);
  }

  /// `body(Database&)` in one transaction on the writing connection.
  template <class Body>
  Result<void> write(Body&& body) {
    std::lock_guard lock(write_mutex);
    if (auto kept = look_after(); !kept) return kept;
    return transact(body);
  }

  /// The file is left as this leaves it: see is_in_place().
  template <class Body>
  Result<void> transact(Body& body) {
    auto done = file.writer.transaction([&] { return body(file.writer); });
    if (done) file.left = stamp_of(file.writer);
    return done;
  }

  /// The same, on the disk when it returns.
  template <class Body>
  Result<void> write_durably(Body&& body) {
    std::lock_guard lock(write_mutex);
    if (auto kept = look_after(); !kept) return kept;
    if (auto set = file.writer.set_durable(true); !set) return set;
    auto done = transact(body);
    const auto reset = file.writer.set_durable(false);
    return done ? reset : done;
  }

  template <class Body>
  auto read(Body&& body) {
    std::lock_guard lock(read_mutex);
    return body(file.reader);
  }

  /// Whether so many were put since the last time; `rows` as `prune` of write_all is told.
  [[nodiscard]] static bool time_to_count(std::size_t& put, std::size_t rows) {
    put += rows - kPruneBatch;
    return put >= kCountedAfter && std::exchange(put, 0) != 0;
  }

  /// Each of `records` by `put`, then `prune(db, newest time, rows)`.
  template <class Record, class Put, class TimeOf, class Prune>
  Result<void> write_all(const std::vector<Record>& records, Put put, TimeOf time_of, Prune prune) {
    if (records.empty()) return {};
    return write([&](Database& db) -> Result<void> {
      WallTime newest = time_of(records.front());
      for (const auto& record : records) {
        if (auto done = put(db, record); !done) return done;
        newest = std::max(newest, time_of(record));
      }
      return prune(db, borne_out(newest), records.size() + kPruneBatch);
    });
  }
};

SqliteHistory::SqliteHistory(std::unique_ptr<State> state) : state_(std::move(state)) {}
SqliteHistory::~SqliteHistory() = default;

Result<std::shared_ptr<SqliteHistory>> SqliteHistory::open(const std::filesystem::path& path,
                                                           const engine::Retention& retention,
                                                           std::size_t most_records) {
  auto file = open_history_file(path);
  if (!file) return tl::unexpected(file.error());
  auto state = std::make_unique<State>(std::move(*file));
  const auto key = read_user_name_key(state->file.reader);
  if (!key) return tl::unexpected(key.error());
  state->user_name_key = *key;
  state->retention = retention;
  state->most_records = most_records;
  return std::shared_ptr<SqliteHistory>(new SqliteHistory(std::move(state)));
}

std::optional<std::filesystem::path> SqliteHistory::moved_aside() const {
  return state_->file.moved_aside;
}

std::string SqliteHistory::notice() const {
  std::lock_guard lock(state_->write_mutex);
  return state_->file.notice;
}

Result<void> SqliteHistory::look_after() {
  std::lock_guard lock(state_->write_mutex);
  return state_->look_after();
}

bool SqliteHistory::overwritten() const {
  std::lock_guard lock(state_->write_mutex);
  return state_->file.overwritten;
}

Result<void> SqliteHistory::begin_anew(const engine::InForce& known) {
  std::lock_guard lock(state_->write_mutex);
  std::lock_guard questions(state_->read_mutex);
  return store::begin_anew(state_->file, [&](Database& db) {
    auto put = put_user_name_key(db, state_->user_name_key);
    if (put) put = put_in_force(db, known);
    return put;
  });
}

void SqliteHistory::set_retention(const engine::Retention& retention) {
  std::lock_guard lock(state_->write_mutex);
  state_->retention = retention;
}

Result<void> SqliteHistory::put_windows(WallTime start, Nanos step,
                                        const std::vector<std::string>& endpoints,
                                        const std::vector<traffic::WindowStats>& stats) {
  return state_->write([&](Database& db) -> Result<void> {
    auto put = store::put_windows(db, start, step, endpoints, stats);
    if (!put) return put;
    return prune_windows(db, state_->borne_out(start) - state_->retention.windows,
                         endpoints.size() + kPruneBatch);
  });
}

Result<std::size_t> SqliteHistory::windows_unused(Nanos step) {
  return state_->read([&](Database& db) { return count_windows_unused(db, step); });
}

Result<void> SqliteHistory::drop_windows(WallTime from, WallTime until) {
  return state_->write([&](Database& db) { return store::drop_windows(db, from, until); });
}

void SqliteHistory::believe(WallTime now) {
  state_->believed.store(now, std::memory_order_relaxed);
}

Result<void> SqliteHistory::put_open_windows(const traffic::OpenWindows& open) {
  return state_->write([&](Database& db) { return store::put_open_windows(db, open); });
}

Result<traffic::OpenWindows> SqliteHistory::open_windows(Nanos step) {
  return state_->read([&](Database& db) { return read_open_windows(db, step); });
}

Result<traffic::WindowGrid> SqliteHistory::windows(WallTime from, Nanos step,
                                                   const std::vector<std::string>& endpoints,
                                                   WallTime until) {
  return state_->read([&](Database& db) { return read_windows(db, from, until, step, endpoints); });
}

Result<void> SqliteHistory::put_verdicts(const std::vector<policy::VerdictRecord>& records) {
  return state_->write_all(
      records, put_verdict, [](const policy::VerdictRecord& r) { return r.from; },
      [&](Database& db, WallTime newest, std::size_t rows) -> Result<void> {
        auto pruned = prune_verdicts(db, newest - state_->retention.verdicts, rows);
        if (!pruned || !State::time_to_count(state_->verdicts_put, rows)) return pruned;
        return prune_surplus_verdicts(db, state_->most_records, 2 * kCountedAfter);
      });
}

Result<std::vector<policy::VerdictRecord>> SqliteHistory::verdicts(WallTime since) {
  return state_->read([&](Database& db) { return verdicts_since(db, since); });
}

Result<void> SqliteHistory::put_override(const engine::OverrideRecord& record) {
  return state_->write_durably([&](Database& db) -> Result<void> {
    if (auto put = store::put_override(db, record); !put) return put;
    const WallTime now = state_->borne_out(record.made_at);
    return prune_overrides(db, now - kEnded, now - state_->retention.windows, kPruneBatch);
  });
}

Result<void> SqliteHistory::delete_override(const std::string& target, const std::string& by,
                                            WallTime now) {
  return state_->write_durably(
      [&](Database& db) { return store::delete_override(db, target, by, now); });
}

Result<std::vector<engine::OverrideRecord>> SqliteHistory::overrides() {
  return state_->read([](Database& db) { return all_overrides(db); });
}

Result<void> SqliteHistory::put_label(const engine::LabelRecord& record) {
  return state_->write_durably([&](Database& db) -> Result<void> {
    if (auto put = store::put_label(db, record); !put) return put;
    return prune_labels(db, state_->borne_out(record.made_at) - kEnded, kPruneBatch);
  });
}

Result<void> SqliteHistory::delete_label(const std::string& target) {
  return state_->write_durably([&](Database& db) { return store::delete_label(db, target); });
}

Result<std::vector<engine::LabelRecord>> SqliteHistory::labels() {
  return state_->read([](Database& db) { return all_labels(db); });
}

Result<void> SqliteHistory::put_modes(const std::vector<engine::ModeRecord>& records) {
  return state_->write_all(
      records, put_mode, [](const engine::ModeRecord& r) { return r.made_at; },
      [&](Database& db, WallTime newest, std::size_t rows) {
        return prune_modes(db, newest - state_->retention.verdicts, rows);
      });
}

Result<std::vector<engine::ModeRecord>> SqliteHistory::modes() {
  return state_->read([](Database& db) { return latest_modes(db); });
}

Result<std::vector<engine::ModeRecord>> SqliteHistory::mode_changes(WallTime since) {
  return state_->read([&](Database& db) { return modes_since(db, since); });
}

Result<void> SqliteHistory::put_configuration(const engine::ConfigurationRecord& record) {
  return state_->write(
      [&](Database& db) { return store::put_configuration(db, record, kConfigurationsKept); });
}

Result<std::vector<engine::ConfigurationRecord>> SqliteHistory::configurations() {
  return state_->read([](Database& db) { return all_configurations(db); });
}

Result<void> SqliteHistory::put_hold(const engine::ConfigurationHold* hold) {
  return state_->write_durably([&](Database& db) { return store::put_hold(db, hold); });
}

Result<std::optional<engine::ConfigurationHold>> SqliteHistory::hold() {
  return state_->read([](Database& db) { return find_hold(db); });
}

Result<void> SqliteHistory::put_plan_changes(const std::vector<policy::PlanChange>& changes) {
  return state_->write_all(
      changes, put_plan_change, [](const policy::PlanChange& c) { return c.time; },
      [&](Database& db, WallTime newest, std::size_t rows) {
        return prune_plan_changes(db, newest - state_->retention.windows, state_->most_records,
                                  rows);
      });
}

Result<std::vector<policy::PlanChange>> SqliteHistory::plan_changes(
    const engine::PlanChangeQuery& query) {
  return state_->read([&](Database& db) { return find_plan_changes(db, query); });
}

Result<std::vector<policy::PlanChange>> SqliteHistory::plan_standing() {
  return state_->read([](Database& db) { return read_plan_standing(db); });
}

SipKey SqliteHistory::user_name_key() const {
  return state_->user_name_key;
}

Result<void> SqliteHistory::put_decisions(const std::vector<engine::DecisionRecord>& records) {
  return state_->write_all(
      records,
      [](Database& db, const engine::DecisionRecord& record) {
        auto put = put_decision(db, record);
        return put ? count_shadow_denial(db, record) : put;
      },
      [](const engine::DecisionRecord& r) { return r.time; },
      [&](Database& db, WallTime newest, std::size_t rows) {
        auto pruned = prune_shadow_denials(db, newest - state_->retention.verdicts, rows);
        if (pruned && State::time_to_count(state_->denials_put, rows))
          pruned = fold_surplus_shadow_denials(db, state_->most_records, 2 * kCountedAfter);
        if (!pruned) return pruned;
        return prune_decisions(db, newest - state_->retention.decisions, state_->most_records,
                               rows);
      });
}

Result<std::vector<engine::DecisionRecord>> SqliteHistory::decisions(
    const engine::DecisionQuery& query) {
  return state_->read([&](Database& db) { return find_decisions(db, query); });
}

Result<engine::ShadowSummary> SqliteHistory::shadow_summary(const engine::ShadowQuery& query) {
  return state_->read([&](Database& db) { return sum_shadow_denials(db, query); });
}

Result<void> SqliteHistory::put_forecasts(
    const std::vector<forecast::EndpointForecast>& forecasts) {
  return state_->write_all(
      forecasts, put_forecast, [](const forecast::EndpointForecast& f) { return f.made_at; },
      [&](Database& db, WallTime newest, std::size_t rows) {
        return prune_forecasts(db, newest - state_->retention.windows, rows);
      });
}

Result<std::vector<forecast::EndpointForecast>> SqliteHistory::forecasts(
    const engine::ForecastQuery& query) {
  return state_->read([&](Database& db) { return find_forecasts(db, query); });
}

}  // namespace tidelimit::store
