#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "config/sections.hpp"
#include "forecast/renewal.hpp"

namespace tidelimit::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Nanos kDay = hours{24};
constexpr Nanos kMaxSteps = Nanos{2000};  // windows of history that a network looks back on
constexpr DurationRange kWindow{minutes{1}, kDay};
constexpr DurationRange kHistory{minutes{1}, kDay * 60};
constexpr DurationRange kHorizon{minutes{1}, kDay * 7};
constexpr DurationRange kScan{seconds{1}, hours{1}};
constexpr DurationRange kHold{seconds{1}, kDay};
constexpr DurationRange kPlanTtl{minutes{1}, kDay};
constexpr DurationRange kRetrainEvery{minutes{1}, kDay * 90};
constexpr Nanos kLongestRetrainHistory = kDay * 400;
constexpr DurationRange kRetention{hours{1}, kDay * 3650};

/// "0.1/min": a share per minute.
std::optional<double> read_relax(const Field& field, Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const auto slash = text->find('/');
  const auto share = parse_double(std::string_view(*text).substr(0, slash));
  const std::string unit = slash == std::string::npos ? "" : text->substr(slash + 1);
  const double minutes_in = unit == "s"     ? 1.0 / 60.0
                            : unit == "min" ? 1.0
                            : unit == "h"   ? 60.0
                                            : 0.0;
  if (share && *share > 0.0 && *share <= 1.0 && minutes_in > 0.0) return *share / minutes_in;
  report.mistake(field.line,
                 fmt::format("{}: \"{}\" must be a share of the base limit (above 0, at "
                             "most 1) per s, min or h, like 0.1/min",
                             field.where, printable(*text)));
  return std::nullopt;
}

void read_syslog(const Field& field, Config& config, Report& report) {
  if (!field.node.IsMap()) {
    config.listen.syslog = read_host_port(field, report);
    return;
  }
  Section section(field, report);
  section.read("address", config.listen.syslog, read_host_port);
  section.read("observe_only", config.syslog_observe_only, read_bool);
  if (!section.has("address")) {
    report.mistake(field.line, field.where + " has no address: add address: 127.0.0.1:5514");
  }
  section.finish();
}

/// floor: 0.2, or a mapping of default, tiers and endpoints.
void read_floor(const Field& field, Config& config, Report& report) {
  auto& adapt = config.engine.policy.adapt;
  if (field.node.IsScalar()) {
    if (const auto floor = kShare(field, report)) adapt.default_floor = *floor;
    return;
  }
  Section section(field, report);
  section.read("default", adapt.default_floor, kShare);
  auto known = tier_names(config);
  const auto endpoints = endpoint_names(config);
  known.insert(known.end(), endpoints.begin(), endpoints.end());
  for (const auto& [name, value] : section.take_all()) {
    if (!contains(known, name)) {
      report.mistake(value.line, fmt::format("{}: there is no tier or endpoint of this name{}",
                                             value.where, suggestion(name, known)));
    } else if (const auto floor = kShare(value, report)) {
      adapt.floors.emplace_back(name, *floor);
    }
  }
}

void check_shape(const Field& field, const forecast::Shape& shape, Report& report) {
  const auto mistake = [&](std::string_view what) {
    report.mistake(field.line, fmt::format("{}: {}", field.where, what));
  };
  const auto whole = [&](Nanos longer, std::string_view name) {
    if (longer % shape.window == Nanos{0} && longer >= shape.window) return;
    mistake(fmt::format("{} of {} is no whole multiple of the window of {}", name,
                        format_duration(longer), format_duration(shape.window)));
  };
  if (kDay % shape.window != Nanos{0}) {
    mistake(
        fmt::format("a window of {} does not divide the day, so that no time of day recurs: use "
                    "5m, 15m, 1h, ...",
                    format_duration(shape.window)));
  }
  whole(shape.history, "history");
  whole(shape.horizon, "horizon");
  if (shape.history / shape.window > kMaxSteps.count()) {
    mistake(fmt::format("a history of {} has more than {} windows: shorten it or widen the window",
                        format_duration(shape.history), kMaxSteps.count()));
  }
}

/// A path and where it stands.
void read_place(Section& section, std::string_view key, const Config& config,
                std::filesystem::path& place, int& line, Report& report) {
  const auto field = section.take(key);
  if (!field) return;
  line = field->line;
  if (auto path = read_path(*field, config, report)) place = std::move(*path);
}

/// Of what is stored, the part that a gate trains on.
std::optional<Nanos> read_retrain_history(const Field& field, Nanos horizon, Report& report) {
  const auto history = read_duration(field, report);
  if (!history) return std::nullopt;
  const Nanos least = forecast::least_history(horizon);
  if (*history < least) {
    report.mistake(
        field.line,
        fmt::format("{} is too short to judge a new model by: a fifth of it must hold a day and "
                    "the horizon; {} at least, better 60d",
                    field.where, format_duration(least)));
  } else if (*history > kLongestRetrainHistory) {
    report.mistake(field.line,
                   fmt::format("{} must be at most {}, not {}", field.where,
                               format_duration(kLongestRetrainHistory), field.node.Scalar()));
  } else {
    return history;
  }
  return std::nullopt;
}

/// `retrain: { every: 1d, on_drift: true, history: 60d }`
std::optional<Retraining> read_retraining(const Field& field, const forecast::Shape& shape,
                                          Report& report) {
  Retraining retrain;
  Section section(field, report);
  const std::size_t before = report.count();
  section.read("every", retrain.every, kRetrainEvery);
  section.read("on_drift", retrain.on_drift, read_bool);
  const bool readable = report.count() == before;
  section.read("history", retrain.history, [&](const Field& value, Report& r) {
    return read_retrain_history(value, shape.horizon, r);
  });
  section.finish();
  if (field.node.IsMap() && readable && !retrain.wanted())
    report.mistake(field.line, field.where + " says never: add every: 1d, or on_drift: true");
  return retrain;
}

bool is_any(const std::string& host) {
  const auto address = parse_address(host);
  return address == parse_address("0.0.0.0") || address == parse_address("::");
}

/// Whether both can't be listened on at once.
bool collide(const HostPort& a, const HostPort& b) {
  return a.port == b.port && (a.host == b.host || is_any(a.host) || is_any(b.host));
}

/// http, admin and metrics may stand on one address, which then answers them all; gRPC may not.
void check_addresses(const Listen& listen, int line, Report& report) {
  if (!listen.grpc || listen.grpc->port == 0) return;
  const std::pair<std::string_view, std::optional<HostPort>> others[] = {
      {"http", listen.http}, {"admin", listen.admin}, {"metrics", listen.metrics}};
  for (const auto& [name, where] : others) {
    if (!where || !collide(*where, *listen.grpc)) continue;
    report.mistake(
        line,
        fmt::format("listen: {} and grpc stand on one address: give grpc a port of its own", name));
    return;
  }
}

/// An entry of `anomaly.allow`: { cidr: 10.0.0.0/8, reason: ... }
std::optional<policy::AllowEntry> read_allow_entry(const Field& field, Report& report) {
  Section section(field, report);
  policy::AllowEntry allowed;
  const auto cidr = section.take("cidr");
  const auto prefix = cidr ? read_prefix(*cidr, report) : std::nullopt;
  if (field.node.IsMap() && !cidr)
    report.mistake(field.line, field.where + " has an entry without cidr: add cidr: 10.0.0.0/8");
  section.read("reason", allowed.reason, read_text);
  section.finish();
  if (!prefix) return std::nullopt;
  if (takes_in_strangers(*prefix))
    report.warning(cidr->line,
                   fmt::format("{} takes in {}, where anybody may be, and the model judges nobody "
                               "there: name your own networks",
                               field.where, format_prefix(*prefix)));
  allowed.prefix = *prefix;
  return allowed;
}

}  // namespace

void read_listen(Section& top, Config& config, Report& report) {
  const auto field = top.take("listen");
  if (!field) return;
  Section section(*field, report);
  section.read("http", config.listen.http, read_host_port);
  section.read("grpc", config.listen.grpc, read_host_port);
  section.read("admin", config.listen.admin, read_host_port);
  section.read("metrics", config.listen.metrics, read_host_port);
  if (const auto syslog = section.take("syslog")) read_syslog(*syslog, config, report);
  for (const char* later : {"proxy", "spoe"}) section.refuse(later);
  section.finish();
  check_addresses(config.listen, field->line, report);
}

void read_forecast(Section& top, Config& config, Report& report) {
  const auto field = top.take("forecast");
  if (!field) return;
  forecast::Shape& shape = config.engine.shape;
  Section section(*field, report);
  const std::size_t before = report.count();
  section.read("window", shape.window, kWindow);
  section.read("history", shape.history, kHistory);
  section.read("horizon", shape.horizon, kHorizon);
  if (report.count() == before) check_shape(*field, shape, report);
  section.read("mode", config.engine.policy.forecast_mode, read_mode_for);
  read_place(section, "model", config, config.forecast_model, config.forecast_model_line, report);
  if (const auto retrain = section.take("retrain")) {
    if (const auto read = read_retraining(*retrain, shape, report)) config.retrain = *read;
    if (config.forecast_model.empty())
      report.mistake(retrain->line,
                     retrain->where + " has no place for the model: add model: FOLDER");
    if (!top.has("state"))
      report.mistake(retrain->line,
                     retrain->where + " has no stored windows to learn from: add state: FILE");
  }
  section.finish();
}

void read_anomaly(Section& top, Config& config, Report& report) {
  const auto field = top.take("anomaly");
  if (!field) return;
  policy::AnomalyPolicy& anomaly = config.engine.policy.anomaly;
  Section section(*field, report);
  section.read("mode", anomaly.mode, read_mode_for);
  read_place(section, "model", config, config.anomaly_model, config.anomaly_model_line, report);
  section.read("scan", anomaly.scan, kScan);
  section.read("contamination", anomaly.contamination, Range{0, false, 0.5, true});
  section.read("false_alarms", anomaly.false_alarms, Range{0, false, 0.1, true});
  section.read("max_new_verdicts", anomaly.max_new_verdicts, read_rate);
  if (const auto allow = section.take("allow")) {
    for (const auto& item : read_items(*allow, report)) {
      if (auto allowed = read_allow_entry(item, report))
        anomaly.allow.push_back(*std::move(allowed));
    }
  }
  section.finish();
}

void read_adapt(Section& top, Config& config, Report& report) {
  const auto field = top.take("adapt");
  if (!field) return;
  policy::Adapt& adapt = config.engine.policy.adapt;
  Section section(*field, report);
  if (const auto floor = section.take("floor")) read_floor(*floor, config, report);
  section.read("tighten", adapt.tighten, kInside);
  section.read("relax", adapt.relax_per_minute, read_relax);
  section.read("hold", adapt.hold, kHold);
  section.read("plan_ttl", adapt.plan_ttl, kPlanTtl);
  section.finish();
}

void read_deny(Section& top, Config& config, Report& report) {
  const auto field = top.take("deny");
  if (!field) return;
  Section section(*field, report);
  section.read("reduced_capacity", config.deny_status, [](const Field& value, Report& r) {
    return read_choice<int>(value, r, {{"429", 429}, {"503", 503}});
  });
  section.read("expose", config.expose_rule, [](const Field& value, Report& r) {
    return read_choice<bool>(value, r, {{"rule", true}, {"id", false}});
  });
  section.finish();
}

void read_admin(Section& top, Config& config, Report& report) {
  const auto field = top.take("admin");
  if (!field) return;
  Section section(*field, report);
  read_place(section, "token_file", config, config.admin_token_file, config.admin_token_line,
             report);
  section.finish();
}

void read_service(Section& top, Config& config, Report& report) {
  if (const auto field = top.take("memory")) {
    Section section(*field, report);
    section.read("buckets", config.engine.bucket_bytes, read_bytes);
    section.read("clients", config.engine.client_bytes, read_bytes);
    section.read("leases", config.engine.lease_bytes, read_bytes);
    section.finish();
  }
  if (const auto field = top.take("retention")) {
    Section section(*field, report);
    section.read("windows", config.retention.windows, kRetention);
    section.read("verdicts", config.retention.verdicts, kRetention);
    section.read("decisions", config.retention.decisions, kRetention);
    section.finish();
  }
  read_place(top, "state", config, config.state, config.state_line, report);
  if (const auto field = top.take("upstream")) {
    const auto text = read_text(*field, report);
    if (text && !text->starts_with("http://") && !text->starts_with("https://")) {
      report.mistake(field->line,
                     fmt::format("upstream: \"{}\" is no address of a server: write it "
                                 "like http://127.0.0.1:9000",
                                 printable(*text)));
    } else if (text) {
      report.warning(field->line,
                     "upstream is for the built-in proxy, which this version does not "
                     "have yet: it is unused");
    }
  }
}

}  // namespace tidelimit::config
