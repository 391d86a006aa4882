#pragma once

#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/history.hpp"

namespace tidelimit::engine::test {

/// What the engine wants of a history, in memory; `full` makes every write fail as a full disk
/// does, `unreadable` the reading of windows as a broken one.
class MemoryHistory : public History {
 public:
  Result<void> put_windows(WallTime start, Nanos, const std::vector<std::string>& endpoints,
                           const std::vector<traffic::WindowStats>& stats) override {
    return write([&] {
      for (std::size_t e = 0; e < endpoints.size(); ++e) closed[{start, endpoints[e]}] = stats[e];
      open.erase(open.lower_bound({start, ""}), open.lower_bound({start + Nanos{1}, ""}));
    });
  }
  Result<traffic::WindowGrid> windows(WallTime from, Nanos step,
                                      const std::vector<std::string>& endpoints,
                                      WallTime until = WallTime::max()) override {
    std::lock_guard lock(mutex);
    if (unreadable) return fail(Code::unavailable, "disk I/O error");
    auto all = closed;
    for (const auto& [key, saved] : open) {
      traffic::WindowStats stats = saved;
      stats.observed = false;
      all.try_emplace(key, stats);
    }
    all.erase(all.lower_bound({until, ""}), all.end());
    traffic::WindowGrid grid;
    grid.step = step;
    grid.endpoints = endpoints;
    grid.stats.resize(endpoints.size());
    const auto first = all.lower_bound({from, ""});
    if (first == all.end()) return grid;
    grid.start = first->first.first;
    const auto count = (all.rbegin()->first.first - grid.start) / step + 1;
    traffic::WindowStats gap;
    gap.observed = false;
    for (auto& column : grid.stats) column.resize(static_cast<std::size_t>(count), gap);
    for (auto it = first; it != all.end(); ++it) {
      const auto& [start, name] = it->first;
      const auto e = std::find(endpoints.begin(), endpoints.end(), name) - endpoints.begin();
      if (e == static_cast<std::ptrdiff_t>(endpoints.size())) continue;
      const auto i = static_cast<std::size_t>((start - grid.start) / step);
      grid.stats[static_cast<std::size_t>(e)][i] = it->second;
    }
    return grid;
  }
  Result<void> drop_windows(WallTime from, WallTime until) override {
    return write([&] {
      closed.erase(closed.lower_bound({from, ""}), closed.lower_bound({until, ""}));
    });
  }
  Result<void> put_open_windows(const traffic::OpenWindows& saved) override {
    return write([&] {
      open.clear();
      as_of = saved.as_of;
      const auto& grid = saved.so_far;
      for (std::size_t e = 0; e < grid.endpoints.size(); ++e)
        for (std::size_t i = 0; i < grid.size(); ++i)
          open[{grid.time_of(i), grid.endpoints[e]}] = {grid.stats[e][i], saved.missed[e][i]};
    });
  }
  Result<traffic::OpenWindows> open_windows(Nanos step) override {
    std::lock_guard lock(mutex);
    traffic::OpenWindows saved{as_of, {{}, step, {}, {}}, {}};
    for (const auto& [key, window] : open) {
      auto& grid = saved.so_far;
      if (grid.endpoints.empty()) grid.start = key.first;
      const auto known = std::find(grid.endpoints.begin(), grid.endpoints.end(), key.second);
      const auto e = static_cast<std::size_t>(known - grid.endpoints.begin());
      if (e == grid.endpoints.size()) {
        grid.endpoints.push_back(key.second);
        grid.stats.emplace_back();
        saved.missed.emplace_back();
      }
      grid.stats[e].push_back(window);
      saved.missed[e].push_back(window.missed);
    }
    return saved;
  }

  Result<void> put_verdicts(const std::vector<policy::VerdictRecord>& records) override {
    return write([&] {
      for (const auto& r : records) verdicts_[{r.client.hi, r.client.lo, r.rule, r.from}] = r;
    });
  }
  Result<std::vector<policy::VerdictRecord>> verdicts(WallTime since) override {
    std::lock_guard lock(mutex);
    std::vector<policy::VerdictRecord> found;
    for (const auto& [key, record] : verdicts_) {
      if (record.until >= since) found.push_back(record);
    }
    return found;
  }

  Result<void> put_override(const OverrideRecord& record) override {
    return write([&] { overrides_[record.target] = record; });
  }
  Result<void> delete_override(const std::string& target, const std::string&, WallTime) override {
    return write([&] { overrides_.erase(target); });
  }
  Result<std::vector<OverrideRecord>> overrides() override {
    std::lock_guard lock(mutex);
    std::vector<OverrideRecord> found;
    for (const auto& [target, record] : overrides_) found.push_back(record);
    return found;
  }

  Result<void> put_label(const LabelRecord& record) override {
    return write([&] { labels_[record.target] = record; });
  }
  Result<void> delete_label(const std::string& target) override {
    return write([&] { labels_.erase(target); });
  }
  Result<std::vector<LabelRecord>> labels() override {
    std::lock_guard lock(mutex);
    std::vector<LabelRecord> found;
    for (const auto& [target, record] : labels_) found.push_back(record);
    return found;
  }

  Result<void> put_modes(const std::vector<ModeRecord>& records) override {
    return write([&] {
      for (const ModeRecord& record : records) modes_[record.part] = record;
    });
  }
  Result<std::vector<ModeRecord>> modes() override {
    std::lock_guard lock(mutex);
    std::vector<ModeRecord> found;
    for (const auto& [part, record] : modes_) found.push_back(record);
    return found;
  }

  Result<void> put_plan_changes(const std::vector<policy::PlanChange>& changes) override {
    return write([&] { changes_.insert(changes_.end(), changes.begin(), changes.end()); });
  }
  Result<std::vector<policy::PlanChange>> plan_changes(const PlanChangeQuery& query) override {
    auto changes = changes_;
    std::erase_if(changes, [&](const policy::PlanChange& change) {
      return change.time < query.since || change.time >= query.until;
    });
    const std::size_t surplus = changes.size() - std::min(query.most, changes.size());
    changes.erase(changes.begin(), changes.begin() + static_cast<std::ptrdiff_t>(surplus));
    return changes;
  }

  Result<void> put_decisions(const std::vector<DecisionRecord>& records) override {
    return write([&] { decisions_.insert(decisions_.end(), records.begin(), records.end()); });
  }
  Result<std::vector<DecisionRecord>> decisions(const DecisionQuery& query) override {
    std::lock_guard lock(mutex);
    std::vector<DecisionRecord> found;
    for (auto it = decisions_.rbegin(); it != decisions_.rend(); ++it) {
      if (!query.id.empty() && it->id != query.id) continue;
      if (!query.user.empty() && it->user != query.user) continue;
      if (!query.client.empty() && it->client != query.client) continue;
      found.push_back(*it);
    }
    return found;
  }

  Result<void> put_forecasts(const std::vector<forecast::EndpointForecast>& forecasts) override {
    return write([&] { forecasts_.insert(forecasts_.end(), forecasts.begin(), forecasts.end()); });
  }
  Result<std::vector<forecast::EndpointForecast>> forecasts(const ForecastQuery& query) override {
    std::lock_guard lock(mutex);
    std::vector<forecast::EndpointForecast> found;
    for (const auto& made : forecasts_) {
      if (made.made_at >= query.since) found.push_back(made);
    }
    return found;
  }

  using Windows = std::map<std::pair<WallTime, std::string>, traffic::WindowStats>;
  struct OpenWindow : traffic::WindowStats {
    Nanos missed{0};
  };
  Windows closed;
  std::map<std::pair<WallTime, std::string>, OpenWindow> open;
  WallTime as_of{};  ///< of `open`
  bool full = false;
  bool unreadable = false;

 private:
  template <class Body>
  Result<void> write(Body&& body) {
    std::lock_guard lock(mutex);
    if (full) return fail(Code::resource_exhausted, "the disk is full: make room");
    body();
    return {};
  }

  std::mutex mutex;
  std::map<std::tuple<std::uint64_t, std::uint64_t, std::string, WallTime>, policy::VerdictRecord>
      verdicts_;
  std::map<std::string, OverrideRecord> overrides_;
  std::map<std::string, LabelRecord> labels_;
  std::map<std::string, ModeRecord> modes_;
  std::vector<policy::PlanChange> changes_;
  std::vector<DecisionRecord> decisions_;
  std::vector<forecast::EndpointForecast> forecasts_;
};

}  // namespace tidelimit::engine::test
