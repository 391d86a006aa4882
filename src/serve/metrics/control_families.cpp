#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "policy/consequence.hpp"
#include "policy/planner.hpp"
#include "serve/metrics/families.hpp"

namespace tidelimit::serve {
namespace {

using engine::Status;
using limiter::Mode;
using limiter::VerdictKind;
using limiter::View;

/// A gauge of the endpoints that have the figure.
void add_by_endpoint(Families& families, const Status& status, const char* name, const char* help,
                     std::optional<double> engine::EndpointStatus::*figure) {
  families.gauge(name, help);
  for (const auto& endpoint : status.endpoints)
    if (endpoint.*figure) families.add({{"endpoint", endpoint.endpoint}}, *(endpoint.*figure));
}

void add_forecasts(Families& families, const Status& status) {
  families.gauge("tidelimit_forecast_requests",
                 "Requests forecast over the horizon that follows the last closed window, by "
                 "quantile.");
  for (const auto& forecast : status.forecasts) {
    for (std::size_t q = 0; q < forecast::kQuantiles.size(); ++q) {
      families.add({{"endpoint", forecast.endpoint},
                    {"quantile", fmt::format("{}", forecast::kQuantiles[q])}},
                   forecast.quantiles[q]);
    }
  }
  families.gauge(
      "tidelimit_forecast_source",
      "1 for where the forecast comes from: lstm is the model; last_value, yesterday, "
      "week_ago and typical take its place while they are closer, or with seasonal where it "
      "can't speak.");
  for (const auto& forecast : status.forecasts) {
    for (const auto source : forecast::kSources) {
      families.add({{"endpoint", forecast.endpoint}, {"source", forecast::to_string(source)}},
                   source == forecast.source ? 1 : 0);
    }
  }
  families.gauge("tidelimit_forecast_recent_error",
                 "Mean absolute error of the model and of the naive forecasts over the last two "
                 "days, newer ones weighing more, in requests per horizon: who is closer speaks.");
  for (const auto& forecast : status.forecasts) {
    for (const auto& [source, error] : forecast.recent_errors) {
      families.add({{"endpoint", forecast.endpoint}, {"source", forecast::to_string(source)}},
                   error);
    }
  }
  families.gauge("tidelimit_forecast_horizon_seconds", "Length of the time a forecast speaks of.");
  for (const auto& forecast : status.forecasts) {
    families.add({{"endpoint", forecast.endpoint}},
                 std::chrono::duration<double>(forecast.horizon).count());
  }
  families.gauge("tidelimit_window_requests", "Requests of the last closed window.");
  for (const auto& endpoint : status.endpoints) {
    families.add({{"endpoint", endpoint.endpoint}}, endpoint.last_window_requests);
  }
  using engine::EndpointStatus;
  add_by_endpoint(families, status, "tidelimit_forecast_absolute_error",
                  "Mean absolute error of the forecasts of the last 24 h that came true, in "
                  "requests per horizon.",
                  &EndpointStatus::forecast_absolute_error);
  add_by_endpoint(families, status, "tidelimit_forecast_error_ratio",
                  "The same over the naive forecast's; above 1 the naive one would have been "
                  "better.",
                  &EndpointStatus::forecast_error_ratio);
}

void add_unanswered(Families& families, const Status& status) {
  add_by_endpoint(
      families, status, "tidelimit_unanswered_ratio",
      "Of the requests that passed in the last minutes, the share that no report or log "
      "told a response of; rules on errors see none of theirs. Absent: none was ever "
      "told, or too few passed.",
      &engine::EndpointStatus::unanswered_ratio);
}

void add_limits(Families& families, const MetricsInput& input) {
  const Status& status = *input.status;
  families.gauge("tidelimit_limit_requests_per_second",
                 "Limit of one principal. kind: base as configured, effective as in force now. "
                 "Absent: unlimited.");
  if (status.plan == nullptr) return;
  const View now_in_force =
      limiter::enforced_view(*status.plan, input.modes.rules, input.modes.forecast, input.now.mono);
  const auto& policy = status.policy;
  for (std::size_t e = 0; e < std::min(policy.endpoints.size(), status.plan->endpoints.size());
       ++e) {
    for (std::size_t t = 0; t < std::min(policy.tiers.size(), status.plan->tiers); ++t) {
      const auto& cell = status.plan->cell(limiter::EndpointId{static_cast<std::uint16_t>(e)},
                                           limiter::TierId{static_cast<std::uint8_t>(t)});
      const auto add = [&](const char* kind, View view) {
        const auto& limit = cell.in(view).principal;
        if (limit.unlimited()) return;
        families.add(
            {{"endpoint", policy.endpoints[e].name}, {"tier", policy.tiers[t]}, {"kind", kind}},
            1e9 / static_cast<double>(limit.emission_interval.count()));
      };
      add("base", View::base);
      add("effective", now_in_force);
    }
  }
  families.gauge("tidelimit_plan_age_seconds",
                 "Since the plan in force was published; past `plan_ttl` the base limits hold.");
  const auto published = status.plan->expires_at - policy.adapt.plan_ttl;
  families.add({}, std::chrono::duration<double>(input.now.mono - published).count());
}

void add_capacities(Families& families, const Status& status) {
  families.gauge(
      "tidelimit_capacity_requests_per_second",
      "What an endpoint or an upstream can take, in requests of cost 1. kind: configured, "
      "or learned (absent until it was full once), at_least (the most served lately) and "
      "ceiling.");
  for (const auto& one : status.capacities) {
    const auto add = [&](const char* kind, const std::optional<double>& value) {
      if (value) families.add({{"of", one.name}, {"kind", kind}}, *value);
    };
    add(one.learned ? "learned" : "configured", one.per_second);
    if (!one.learned) continue;
    add("at_least", one.at_least);
    add("ceiling", one.ceiling);
  }
}

/// By rule; those that the configuration knows stand at zero from the start, so that a first event
/// is a change of a series.
using RuleCounts = std::map<std::string, double>;

void add_rules(Families& families, const Status& status) {
  RuleCounts changes{{"", 0}};
  for (const auto& rule : status.policy.rules) {
    if (rule.then.scale) changes[rule.name] = 0;
  }
  for (const auto& [rule, count] : status.plan_changes_total) {
    changes[rule] = static_cast<double>(count);
  }
  families.counter("tidelimit_plan_changes_total",
                   "Changes of an effective limit, by the rule that set it; rule=\"\" is the way "
                   "back to base.");
  for (const auto& [rule, count] : changes) families.add({{"rule", rule}}, count);
  families.gauge("tidelimit_rule_active", "1 while the rule holds.");
  for (const auto& rule : status.rules) {
    families.add({{"rule", rule.rule}}, rule.active ? 1 : 0);
  }
}

void add_modes(Families& families, const MetricsInput& input) {
  families.gauge("tidelimit_mode", "1 for the mode that a part is in, 0 for the others.");
  for (const auto& [part, current] : input.modes.by_part()) {
    for (const Mode mode : {Mode::off, Mode::shadow, Mode::enforce}) {
      families.add({{"part", part}, {"mode", limiter::to_string(mode)}}, mode == current ? 1 : 0);
    }
  }
}

void add_parts(Families& families, const MetricsInput& input) {
  families.gauge("tidelimit_part_enforced_ratio",
                 "Share of the principals for whom a part is enforced: the gate (all), the "
                 "forecast, the model's verdicts (anomaly), all rules, one rule or endpoint. 0 in "
                 "shadow mode and off.");
  for (const auto& part : input.parts) {
    const policy::ModeFor now = part.in_force;
    families.add({{"part", part.part}}, now.mode == Mode::enforce ? now.share : 0);
  }
  families.gauge("tidelimit_part_by_hand", "1 while a part's mode is not as configured.");
  for (const auto& part : input.parts) families.add({{"part", part.part}}, part.by_hand ? 1 : 0);
}

std::map<VerdictKind, RuleCounts> verdicts_raised(const Status& status) {
  std::map<VerdictKind, RuleCounts> counts;
  const auto& rules = status.policy.rules;
  const auto by_model = policy::consequence_of(VerdictKind::malicious, rules, nullptr, {});
  counts[VerdictKind::malicious][by_model.rule] = 0;
  for (const auto& rule : rules) {
    if (!rule.when.on_figures() || rule.when.on_verdict()) continue;
    counts[policy::verdict_of(rule)][policy::consequence_of(rule, rules).rule] = 0;
  }
  for (const auto& raised : status.verdicts_total) {
    counts[raised.kind][raised.rule] = static_cast<double>(raised.count);
  }
  return counts;
}

void add_verdicts(Families& families, const Status& status) {
  families.gauge("tidelimit_verdicts", "Clients under a verdict now.");
  for (const VerdictKind kind : {VerdictKind::suspicious, VerdictKind::malicious}) {
    const auto count = std::count_if(status.verdicts.begin(), status.verdicts.end(),
                                     [&](const auto& verdict) { return verdict.kind == kind; });
    families.add({{"verdict", limiter::to_string(kind)}}, static_cast<double>(count));
  }
  families.counter(
      "tidelimit_verdicts_total",
      "Verdicts raised, by the rule that acts; rule=\"model\" where the default does.");
  for (const auto& [kind, counts] : verdicts_raised(status)) {
    for (const auto& [rule, count] : counts) {
      families.add({{"verdict", limiter::to_string(kind)}, {"rule", rule}}, count);
    }
  }
}

void add_tables(Families& families, const engine::TableUse& tables) {
  families.gauge("tidelimit_table_entries",
                 "Entries in use; of large tables of buckets estimated from a sample.");
  families.add({{"table", "buckets"}}, static_cast<double>(tables.buckets));
  families.add({{"table", "clients"}}, static_cast<double>(tables.clients));
  families.add({{"table", "leases"}}, static_cast<double>(tables.leases));
  families.counter(
      "tidelimit_table_evictions_total",
      "Entries whose place went to another: buckets that were full again, clients that "
      "were idle, principals with nothing in flight.");
  families.add({{"table", "buckets"}}, static_cast<double>(tables.bucket_evictions));
  families.add({{"table", "clients"}}, static_cast<double>(tables.client_evictions));
  families.add({{"table", "leases"}}, static_cast<double>(tables.lease_evictions));
  families.counter("tidelimit_unwatched_requests_total",
                   "Requests of clients that found no place in the table of clients, because it "
                   "was full of active ones: no verdict comes of them.");
  families.add({}, static_cast<double>(tables.unwatched_requests));
}

void add_health(Families& families, const Status& status) {
  families.gauge("tidelimit_signal", "Measured load figures that rules go by.");
  for (const auto& signal : status.signals) {
    // One that no rule goes by any more is no measurement.
    if (status.at.mono - signal.measured_at <= policy::kSignalAge)
      families.add({{"name", signal.name}}, signal.value);
  }
  families.gauge("tidelimit_model_info", "Always 1; the version of each model in force.");
  if (status.model && !status.model->forecast_version.empty()) {
    families.add({{"model", "traffic"}, {"version", status.model->forecast_version}}, 1);
  }
  if (status.model && !status.model->anomaly_version.empty()) {
    families.add({{"model", "anomaly"}, {"version", status.model->anomaly_version}}, 1);
  }
  families.gauge("tidelimit_control_plane_last_success_timestamp_seconds",
                 "When each stage of the control plane last did its work, in Unix seconds; 0: not "
                 "yet.");
  const engine::LastSuccess& last = status.last_success;
  families.add({{"stage", "windows"}}, unix_seconds(last.windows));
  families.add({{"stage", "forecast"}}, unix_seconds(last.forecast));
  families.add({{"stage", "scan"}}, unix_seconds(last.scan));
  families.add({{"stage", "plan"}}, unix_seconds(last.plan));
}

}  // namespace

void add_control(Families& families, const MetricsInput& input) {
  add_modes(families, input);
  add_parts(families, input);
  families.gauge("tidelimit_degraded",
                 "How many things are not as they should be; /readyz?verbose names them.");
  families.add(
      {}, static_cast<double>(input.notes + (input.status ? input.status->degraded.size() : 0)));
  if (input.status == nullptr) return;
  add_forecasts(families, *input.status);
  add_unanswered(families, *input.status);
  add_limits(families, input);
  add_capacities(families, *input.status);
  add_rules(families, *input.status);
  add_verdicts(families, *input.status);
  add_tables(families, input.tables);
  add_health(families, *input.status);
}

}  // namespace tidelimit::serve
