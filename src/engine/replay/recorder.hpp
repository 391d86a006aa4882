#pragma once

#include <array>
#include <map>
#include <unordered_map>
#include <vector>

#include "engine/history.hpp"
#include "engine/replay/episodes.hpp"
#include "engine/replay/report.hpp"

namespace tidelimit::engine {

/// Keeps what the control plane tells while it runs over a log, for the report; remembers nothing
/// from before. Grows with the time span of the log, not with its requests. One thread.
class Recorder : public History {
 public:
  /// Totals and shares to shed may move every few seconds: so many changes of them are kept. The
  /// episodes are of all.
  static constexpr std::size_t kMovingMax = 20'000;

  Result<void> put_windows(WallTime start, Nanos step, const std::vector<std::string>& endpoints,
                           const std::vector<traffic::WindowStats>& stats) override;
  Result<traffic::WindowGrid> windows(WallTime from, Nanos step,
                                      const std::vector<std::string>& endpoints,
                                      WallTime until) override;
  Result<void> put_verdicts(const std::vector<policy::VerdictRecord>& records) override;
  Result<std::vector<policy::VerdictRecord>> verdicts(WallTime) override {
    return std::vector<policy::VerdictRecord>{};
  }
  Result<void> put_override(const OverrideRecord&) override { return {}; }
  Result<void> delete_override(const std::string&, const std::string&, WallTime) override {
    return {};
  }
  Result<std::vector<OverrideRecord>> overrides() override { return std::vector<OverrideRecord>{}; }
  Result<void> put_label(const LabelRecord&) override { return {}; }
  Result<void> delete_label(const std::string&) override { return {}; }
  Result<std::vector<LabelRecord>> labels() override { return std::vector<LabelRecord>{}; }
  Result<void> put_plan_changes(const std::vector<policy::PlanChange>& changes) override;
  Result<std::vector<policy::PlanChange>> plan_changes(const PlanChangeQuery&) override {
    return std::vector<policy::PlanChange>{};
  }
  [[nodiscard]] bool keeps_decisions() const override { return false; }
  Result<void> put_decisions(const std::vector<DecisionRecord>&) override { return {}; }
  Result<std::vector<DecisionRecord>> decisions(const DecisionQuery&) override {
    return std::vector<DecisionRecord>{};
  }
  Result<void> put_forecasts(const std::vector<forecast::EndpointForecast>& forecasts) override;
  Result<std::vector<forecast::EndpointForecast>> forecasts(const ForecastQuery&) override {
    return std::vector<forecast::EndpointForecast>{};
  }

  // What was recorded, in order of time.
  [[nodiscard]] const std::vector<VerdictSpan>& verdict_spans() const { return spans_; }
  [[nodiscard]] const std::vector<policy::PlanChange>& changes() const { return changes_; }
  /// The first change that is not among these.
  [[nodiscard]] std::optional<WallTime> changes_end() const { return changes_end_; }
  /// How many changes there were in all, by rule.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& steps() const { return steps_; }
  [[nodiscard]] const std::vector<Episode>& episodes() const { return episodes_.all(); }
  /// Each forecast beside the demand that came, by the windows recorded so far.
  [[nodiscard]] std::vector<EndpointForecasts> forecasts_and_outcomes() const;

 private:
  [[nodiscard]] std::optional<double> demand(std::size_t endpoint, WallTime from,
                                             Nanos horizon) const;

  Nanos step_{};
  std::vector<std::string> endpoints_;
  std::map<WallTime, std::vector<double>> demand_;  // window start -> requests by endpoint
  std::vector<EndpointForecasts> forecasts_;
  std::vector<policy::PlanChange> changes_;
  std::size_t moving_ = 0;  // of those, of totals and of what is shed
  std::optional<WallTime> changes_end_;
  std::map<std::string, std::uint64_t> steps_;
  EpisodeBook episodes_;
  std::vector<VerdictSpan> spans_;
  std::array<std::unordered_map<ClientId, std::size_t, ClientIdHash>, 2> last_span_;  // by Part
};

}  // namespace tidelimit::engine
