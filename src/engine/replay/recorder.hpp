#pragma once

#include <array>
#include <map>
#include <unordered_map>
#include <vector>

#include "engine/history.hpp"
#include "engine/replay/report.hpp"

namespace tidelimit::engine {

/// Keeps what the control plane tells while it runs over a log, for the report; remembers nothing
/// from before. Grows with the time span of the log, not with its requests. One thread.
class Recorder : public History {
 public:
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
  std::vector<VerdictSpan> spans_;
  std::array<std::unordered_map<ClientId, std::size_t, ClientIdHash>, 2> last_span_;  // by Part
};

/// Times in which limits stood away from their base, drawn from the changes.
[[nodiscard]] std::vector<Episode> episodes_of(const std::vector<policy::PlanChange>& changes);

}  // namespace tidelimit::engine
