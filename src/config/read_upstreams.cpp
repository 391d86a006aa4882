#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "base/text.hpp"
#include "config/sections.hpp"

namespace tidelimit::config {
namespace {

using policy::UpstreamSettings;

constexpr std::size_t kMaxUpstreams = 100;

/// Names that stand already, and at which line.
struct Taken {
  std::map<std::string, int> upstreams;
  std::map<std::string, std::string> endpoints;  ///< and before which upstream
};

void check_names(const Field& item, const UpstreamSettings& upstream, const Config& config,
                 Taken& taken, Report& report) {
  const auto [seen, fresh] = taken.upstreams.emplace(upstream.name, item.line);
  if (!fresh) {
    report.mistake(item.line, fmt::format("{} stands twice; it is already at line {}: rename or "
                                          "remove one",
                                          item.where, seen->second));
  }
  if (contains(endpoint_names(config), upstream.name)) {
    report.mistake(item.line,
                   item.where +
                       " has the name of an endpoint, whose capacity would look the same: "
                       "choose another");
  }
  for (const auto& endpoint : upstream.endpoints) {
    const auto [before, alone] = taken.endpoints.emplace(endpoint, upstream.name);
    if (alone) continue;
    report.mistake(item.line, fmt::format("{}: endpoint \"{}\" stands before upstream \"{}\" "
                                          "already: name it once",
                                          item.where, endpoint, before->second));
  }
}

void read_upstream(const YAML::Node& node, std::size_t number, Config& config, Taken& taken,
                   Report& report) {
  const Field item = named_item(node, "upstream", number);
  Section section(item, report);
  if (!node.IsMap()) return;
  const std::size_t before = report.count();
  UpstreamSettings upstream;
  Capacity capacity;
  section.read("name", upstream.name, read_name);
  section.read("capacity", capacity, read_capacity);
  const auto endpoints = section.take("endpoints");
  if (endpoints) {
    upstream.endpoints = read_known_list(*endpoints, "endpoint", endpoint_names(config), report);
  }
  section.finish();
  if (!section.has("name")) report.mistake(item.line, item.where + " has no name: add name: ...");
  if (!section.has("capacity")) {
    report.mistake(item.line, item.where + " has no capacity: add capacity, like 500/s or learned");
  }
  if (!endpoints) {
    report.mistake(item.line, item.where + " has no endpoints: name those that stand before it");
  }
  if (report.count() != before) return;
  upstream.capacity = capacity.rate;
  upstream.learned = capacity.learned;
  check_names(item, upstream, config, taken, report);
  config.engine.policy.upstreams.push_back(std::move(upstream));
}

void read_list(const Field& field, Config& config, Report& report) {
  if (!field.node.IsSequence()) {
    report.mistake(field.line,
                   "upstreams must be a list of mappings, each with name, capacity and endpoints");
    return;
  }
  if (field.node.size() > kMaxUpstreams) {
    report.mistake(field.line, fmt::format("upstreams has {} items, more than {}",
                                           field.node.size(), kMaxUpstreams));
    return;
  }
  Taken taken;
  for (std::size_t i = 0; i < field.node.size(); ++i)
    read_upstream(field.node[i], i + 1, config, taken, report);
}

/// A cost weighs requests before a shared capacity: elsewhere it changes nothing.
void check_costs(const YAML::Node& endpoints, const Config& config, Report& report) {
  if (!endpoints.IsDefined() || !endpoints.IsSequence()) return;
  for (const YAML::Node& node : endpoints) {
    if (!node.IsMap() || !node["name"] || !node["name"].IsScalar() || !node["cost"]) continue;
    const std::string name = node["name"].Scalar();
    const bool shares = std::any_of(
        config.engine.policy.upstreams.begin(), config.engine.policy.upstreams.end(),
        [&](const auto& upstream) {
          return std::count(upstream.endpoints.begin(), upstream.endpoints.end(), name) > 0;
        });
    if (shares) continue;
    report.warning(line_of(node["cost"]),
                   fmt::format("endpoint \"{}\": cost changes nothing, for it stands before no "
                               "upstream: add upstreams: [ {{ name: core, capacity: 500/s, "
                               "endpoints: [{}] }} ]",
                               printable(name, 64), printable(name, 64)));
  }
}

}  // namespace

std::optional<Capacity> read_capacity(const Field& field, Report& report) {
  Capacity capacity;
  if (field.node.IsScalar() && field.node.Scalar() == "learned") {
    capacity.learned.emplace();
    return capacity;
  }
  if (!field.node.IsMap()) {
    capacity.rate = read_rate(field, report);
    return capacity.rate ? std::optional(capacity) : std::nullopt;
  }
  const std::size_t before = report.count();
  Section section(field, report);
  if (const auto learned = section.take("learned")) {
    Section its(*learned, report);
    capacity.learned.emplace();
    its.read("ceiling", capacity.learned->ceiling, read_rate);
    its.finish();
  }
  section.finish();
  if (report.count() != before) return std::nullopt;
  if (!capacity.learned) {
    report.mistake(
        field.line,
        field.where + " must be a rate like 500/s, learned, or { learned: { ceiling: 500/s } }");
    return std::nullopt;
  }
  return capacity;
}

void read_upstreams(Section& top, Config& config, Report& report) {
  if (const auto field = top.take("upstreams")) read_list(*field, config, report);
  if (report.clean() && top.has("endpoints"))
    check_costs(top.field().node["endpoints"], config, report);
}

}  // namespace tidelimit::config
