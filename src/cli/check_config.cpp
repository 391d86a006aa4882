#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/models.hpp"
#include "cli/text_table.hpp"
#include "config/config.hpp"
#include "engine/memory.hpp"
#include "policy/words.hpp"
#include "serve/net/clock.hpp"

namespace tidelimit::cli {
namespace {

/// `in_flight` 0: any number.
std::string describe(const policy::LimitSpec& limit, std::uint16_t in_flight = 0) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (limit.rate) add(format_rate(*limit.rate));
  if (limit.burst) add(fmt::format("burst {}", *limit.burst));
  if (limit.total) add("total " + format_rate(*limit.total));
  if (limit.total_burst) add(fmt::format("total burst {}", *limit.total_burst));
  if (in_flight != 0) add(fmt::format("{} in flight", in_flight));
  return text.empty() ? "unlimited" : text;
}

/// Patterns may come from a log (`suggest`): no terminal is told what their bytes say.
constexpr std::size_t kLongestMatch = 4096;

TextTable limit_table(const policy::PolicySettings& policy) {
  std::vector<std::string> head{"endpoint", "match", "priority", "mode"};
  head.insert(head.end(), policy.tiers.begin(), policy.tiers.end());
  head.emplace_back("per address");
  TextTable table(std::move(head), {});
  for (const auto& endpoint : policy.endpoints) {
    std::string match = fmt::format("{}", fmt::join(endpoint.match, " "));
    if (!endpoint.methods.empty()) {
      match = fmt::format("{} {}", fmt::join(endpoint.methods, ","), match);
    }
    std::vector<std::string> row{endpoint.name,
                                 match.empty() ? "(all else)" : printable(match, kLongestMatch),
                                 limiter::to_string(endpoint.priority), in_words(endpoint.mode)};
    for (std::size_t tier = 0; tier < endpoint.limits.size(); ++tier) {
      const bool counted = tier < endpoint.concurrency.size();
      row.push_back(
          describe(endpoint.limits[tier], counted ? endpoint.concurrency[tier] : std::uint16_t{0}));
    }
    row.push_back(describe(endpoint.client));
    table.add(std::move(row));
  }
  return table;
}

/// "200/s", "learned", "learned, at most 500/s".
std::string describe(const std::optional<Rate>& capacity,
                     const std::optional<policy::LearnedCapacity>& learned) {
  if (capacity) return format_rate(*capacity);
  if (!learned->ceiling) return "learned";
  return "learned, at most " + format_rate(*learned->ceiling);
}

/// What is divided: endpoints with a capacity of their own, and upstreams that several share.
TextTable capacity_table(const policy::PolicySettings& policy) {
  TextTable table({"capacity of", "is", "serves"}, {});
  for (const auto& endpoint : policy.endpoints)
    if (endpoint.capacity || endpoint.learned)
      table.add({endpoint.name, describe(endpoint.capacity, endpoint.learned), "itself"});
  for (const auto& upstream : policy.upstreams) {
    std::vector<std::string> served;
    for (const auto& endpoint : policy.endpoints) {
      if (std::find(upstream.endpoints.begin(), upstream.endpoints.end(), endpoint.name) ==
          upstream.endpoints.end())
        continue;
      served.push_back(endpoint.cost == 1
                           ? endpoint.name
                           : fmt::format("{} (cost {:g})", endpoint.name, endpoint.cost));
    }
    table.add({upstream.name, describe(upstream.capacity, upstream.learned),
               fmt::format("{}", fmt::join(served, ", "))});
  }
  return table;
}

/// "planned time: next 2026-11-27T17:00:00Z for 6h".
std::string planned_in_words(const policy::Planned& planned, WallTime now) {
  if (const auto end = planned.end_at(now))
    return fmt::format("planned time: now, until {}", format_time(*end));
  const auto next = planned.next_edge(now);
  if (!next) return "planned time: over";
  return fmt::format("planned time: next {} for {}", format_time(*next),
                     format_duration(planned.length));
}

TextTable rule_table(const policy::PolicySettings& policy, WallTime now) {
  TextTable table({"rule", "mode", "looks at", "does"}, {});
  for (const auto& rule : policy.rules) {
    const std::string looks = rule.when.on_forecast()   ? "forecast of " + *rule.when.forecast
                              : rule.when.on_signal()   ? "cpu"
                              : rule.when.on_calendar() ? planned_in_words(*rule.when.calendar, now)
                              : rule.when.on_claims()   ? "claims of capacities"
                              : rule.when.on_queueing() ? "queueing of answers"
                              : rule.when.on_verdict()  ? "verdicts"
                                                        : "figures of clients";
    std::string does = rule.then.block    ? "block"
                       : rule.then.shed   ? "shed the least important first"
                       : rule.then.divide ? "divide by fair shares"
                       : rule.then.limit  ? "limit to " + format_rate(*rule.then.limit)
                       : rule.then.scale  ? fmt::format("scale to {}", *rule.then.scale)
                                          : "verdict";
    if (rule.when.on_client()) does += " for " + format_duration(rule.then.duration);
    table.add({rule.name, in_words(policy.mode_of(rule)), looks, does});
  }
  return table;
}

std::string cpu_in_words(const config::CpuSource& cpu) {
  switch (cpu.kind) {
    case config::CpuSource::Kind::host:
      return "of this host";
    case config::CpuSource::Kind::cgroup:
      return "of the control group " + cpu.cgroup.string();
    case config::CpuSource::Kind::prometheus:
      return fmt::format("asked of {}: {}", printable(format_url(cpu.prometheus)),
                         printable(cpu.query));
    case config::CpuSource::Kind::pushed:
      return "pushed (PUT /v1/signals/cpu)";
  }
  return "";
}

std::size_t limits_in(const std::vector<config::Descriptor>& descriptors) {
  std::size_t count = 0;
  for (const auto& each : descriptors) count += (each.limit ? 1 : 0) + limits_in(each.descriptors);
  return count;
}

TextTable domain_table(const config::Domains& domains) {
  const bool fixed = domains.counting == limiter::Counting::fixed;
  TextTable table({"domain", "limits", "window", "file"}, {});
  for (const auto& file : domains.files)
    table.add({printable(file.domain), std::to_string(limits_in(file.descriptors)),
               fixed ? "fixed" : "gcra", file.file.string()});
  return table;
}

/// "memory: at most 289 MiB in tables: buckets 64, clients 225".
std::string memory_in_words(const engine::TableMemory& memory) {
  const auto mebibytes = [](std::size_t bytes) { return (bytes + (1u << 20) - 1) >> 20; };
  return fmt::format(
      "memory: at most {} MiB in tables: buckets {}, clients {}{}", mebibytes(memory.total()),
      mebibytes(memory.buckets), mebibytes(memory.clients),
      memory.leases == 0 ? "" : fmt::format(", leases {}", mebibytes(memory.leases)));
}

/// What a gate that started now would start without, or would not use.
std::vector<std::string> model_troubles(const config::Config& config) {
  std::vector<std::string> troubles;
  const auto note = [&](int line, const std::string& words) {
    troubles.push_back(fmt::format("{}:{}: {}", config.file.string(), line, words));
  };
  const auto models = store::read_models(config.forecast_model, {});
  if (!models) {
    note(config.forecast_model_line, models.error().message + "; a gate starts without models");
  } else if (!models->warnings.empty()) {
    note(config.forecast_model_line, models->warnings.front() + "; a gate starts without it");
  } else if (const auto misfit = misfit_in_words(*models->bundle, config.engine.shape);
             !misfit.empty()) {
    note(config.forecast_model_line,
         fmt::format("{}: {}; a gate does not use it: correct `forecast`, or train one with the "
                     "latter",
                     config.forecast_model.string(), misfit));
  }
  if (config.anomaly_model == config.forecast_model) return troubles;
  const auto detector = store::read_models({}, config.anomaly_model);
  if (!detector) {
    note(config.anomaly_model_line, detector.error().message + "; a gate starts without models");
  } else if (!detector->warnings.empty()) {
    note(config.anomaly_model_line, detector->warnings.front() + "; a gate starts without it");
  }
  return troubles;
}

/// Those of the file, and what is so only now: `now` is when it is checked.
std::vector<std::string> all_warnings(const config::Config& config, WallTime now) {
  auto warnings = config.warnings;
  warnings.insert(warnings.end(), config.model_warnings.begin(), config.model_warnings.end());
  const auto troubles = model_troubles(config);
  warnings.insert(warnings.end(), troubles.begin(), troubles.end());
  for (const auto& rule : config.engine.policy.rules) {
    if (!rule.when.calendar || rule.when.calendar->end_at(now) ||
        rule.when.calendar->next_edge(now))
      continue;
    warnings.push_back(
        fmt::format("{}:{}: rule \"{}\": its planned time is over: remove it, or "
                    "plan it anew",
                    config.file.string(), rule.line, rule.name));
  }
  return warnings;
}

void print_summary(const config::Config& config, const std::vector<std::string>& warnings,
                   WallTime now) {
  const auto& policy = config.engine.policy;
  std::cout << fmt::format("{}: valid; mode {}, http on {}\n\n", config.file.string(),
                           in_words(policy.mode), format_host_port(config.listen.http));
  if (policy.forecast_mode.share < 1)
    std::cout << fmt::format("forecast: {}\n", in_words(policy.forecast_mode));
  if (policy.anomaly.mode.share < 1)
    std::cout << fmt::format("verdicts of the model: {}\n", in_words(policy.anomaly.mode));
  std::cout << limit_table(policy).text();
  for (const TextTable& table :
       {capacity_table(policy), rule_table(policy, now), domain_table(config.domains)})
    if (!table.empty()) std::cout << '\n' << table.text();
  std::cout << '\n' << memory_in_words(engine::most_memory(config.engine)) << '\n';
  if (std::any_of(policy.rules.begin(), policy.rules.end(),
                  [](const auto& rule) { return rule.when.on_signal(); }))
    std::cout << fmt::format("cpu: {}\n", cpu_in_words(config.cpu));
  std::cout.flush();
  for (const auto& warning : warnings) std::cerr << warning << " (warning)\n";
}

int check(const std::string& file, bool json) {
  const auto config = config::load(file);
  const WallTime now = serve::Clock().now().wall;
  const auto warnings = config ? all_warnings(*config, now) : std::vector<std::string>();
  if (json) {
    nlohmann::json report{{"valid", config.has_value()},
                          {"errors", nlohmann::json::array()},
                          {"warnings", nlohmann::json::array()}};
    report["warnings"] = warnings;
    if (!config) {
      for (const auto line : split(config.error().message, '\n')) report["errors"].push_back(line);
    }
    std::cout << report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  } else if (config) {
    print_summary(*config, warnings, now);
  } else {
    std::cerr << config.error().message << '\n';
  }
  return config ? kDone : kUsage;
}

}  // namespace

void add_check_config(Command app, int& status) {
  struct Options {
    std::string file;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  const auto command = app.add_subcommand(
      "check-config", "Says every mistake of a configuration with file, line and the mend");
  command.add_option("FILE", options->file, "the configuration (YAML)").required();
  command.add_flag("--json", options->json, "one JSON object instead of words");
  command.callback([options, &status] { status = check(options->file, options->json); });
}

}  // namespace tidelimit::cli
