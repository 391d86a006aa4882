#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "base/endpoint_name.hpp"
#include "base/http_method.hpp"
#include "base/path.hpp"
#include "base/text.hpp"
#include "config/endpoint_parts.hpp"

namespace tidelimit::config {
namespace {

using policy::EndpointSettings;

constexpr std::size_t kMaxEndpoints = 1000;

using Lines = std::map<std::string, int>;  // where a name stands

std::optional<std::string> read_method(const Field& field, Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  if (!is_http_method(*text)) {
    report.mistake(field.line, fmt::format("{}: \"{}\" is no HTTP method: write GET, POST, ...",
                                           field.where, printable(*text)));
    return std::nullopt;
  }
  std::string upper = *text;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  return upper;
}

/// Registered (RFC 9110 and IANA's register of methods), and what caches and gateways know besides.
constexpr std::string_view kMethods[] = {
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "QUERY",
    "PURGE",
    "BAN",
    "ACL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCOL",
    "MKCALENDAR",
    "MOVE",
    "PROPFIND",
    "REBIND",
    "REPORT",
    "PROPPATCH",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "PRI",
    "MKWORKSPACE",
    "ORDERPATCH",
    "MKREDIRECTREF",
    "UPDATEREDIRECTREF",
    "BASELINE-CONTROL",
    "VERSION-CONTROL",
};

void read_methods(const Field& field, EndpointSettings& endpoint, Report& report) {
  const std::vector<std::string_view> known(std::begin(kMethods), std::end(kMethods));
  for (const auto& item : read_items(field, report)) {
    auto method = read_method(item, report);
    if (!method) continue;
    if (!contains(known, *method)) {
      const auto near = closest_word(*method, known);
      report.warning(item.line,
                     fmt::format("{}: {} is no method that is known; {}", field.where, *method,
                                 near.empty() ? "is it one of your upstream's own?"
                                              : fmt::format("did you mean {}?", near)));
    }
    endpoint.methods.push_back(std::move(*method));
  }
  if (field.node.IsSequence() && field.node.size() == 0)
    report.mistake(field.line, field.where + " is an empty list: name a method, or remove it");
}

/// Whether every path of the later pattern is already matched by the earlier one.
bool covers(const std::string& earlier, const std::string& later) {
  if (!later.ends_with("/**")) return path_matches(earlier, later);
  const std::string stem = later == "/**" ? later.substr(0, 1) : later.substr(0, later.size() - 3);
  return earlier.ends_with("/**") && path_matches(earlier, later) && path_matches(earlier, stem);
}

bool covers_methods(const EndpointSettings& earlier, const EndpointSettings& later) {
  if (earlier.methods.empty()) return true;
  return !later.methods.empty() &&
         std::all_of(later.methods.begin(), later.methods.end(), [&](const std::string& method) {
           const auto names = [&](std::string_view one) {
             return std::count(earlier.methods.begin(), earlier.methods.end(), one) > 0;
           };
           return names(method) || (method == "HEAD" && names("GET"));
         });
}

/// First match wins: a pattern that an earlier endpoint takes whole never matches.
void check_reachable(const Field& match, const EndpointSettings& endpoint,
                     const std::vector<EndpointSettings>& earlier, Report& report) {
  for (const auto& pattern : endpoint.match) {
    for (const auto& other : earlier) {
      if (!covers_methods(other, endpoint)) continue;
      for (const auto& before : other.match) {
        if (equals_ignoring_case(before, pattern)) {
          report.mistake(match.line,
                         fmt::format("{}: {} belongs to endpoint \"{}\" already: remove one",
                                     match.where, pattern, other.name));
        } else if (covers(before, pattern)) {
          report.warning(match.line,
                         fmt::format("{}: {} never matches, since {} of endpoint \"{}\" stands "
                                     "before it and the first match wins",
                                     match.where, pattern, before, other.name));
        }
      }
    }
  }
}

EndpointSettings fresh_endpoint(std::string name, const Config& config) {
  EndpointSettings endpoint;
  endpoint.name = std::move(name);
  endpoint.limits.resize(config.engine.policy.tiers.size());
  return endpoint;
}

void read_match(Section& section, EndpointSettings& endpoint,
                const std::vector<EndpointSettings>& earlier, Report& report) {
  const auto match = section.take("match");
  if (auto methods = section.take("methods")) read_methods(*methods, endpoint, report);
  const Field& field = section.field();
  if (endpoint.name == kOtherEndpoint) {
    if (match || !endpoint.methods.empty()) {
      report.mistake(field.line,
                     "endpoint \"other\" is what matches nothing else: remove its match "
                     "and methods");
    }
    return;
  }
  if (!match) {
    report.mistake(field.line,
                   field.where + " has no match: add match: \"/" + endpoint.name + "/**\"");
    return;
  }
  for (const auto& item : read_items(*match, report)) {
    if (auto pattern = read_pattern(item, report)) endpoint.match.push_back(std::move(*pattern));
  }
  if (match->node.IsSequence() && match->node.size() == 0) {
    report.mistake(match->line, match->where + " is an empty list: name a path");
  }
  check_reachable(*match, endpoint, earlier, report);
}

EndpointSettings read_endpoint(Section& section, std::string name, const Config& config,
                               Report& report) {
  EndpointSettings endpoint = fresh_endpoint(std::move(name), config);
  read_match(section, endpoint, config.engine.policy.endpoints, report);
  section.read("priority", endpoint.priority, read_priority);
  section.read("mode", endpoint.mode, read_mode_for);
  Capacity capacity;
  section.read("capacity", capacity, read_capacity);
  endpoint.capacity = capacity.rate;
  endpoint.learned = capacity.learned;
  section.read("cost", endpoint.cost, Range{0, false, 1000, true});
  if (auto limits = section.take("limits")) read_limits(*limits, config, endpoint, report);
  if (auto field = section.take("concurrency")) read_concurrency(*field, config, endpoint, report);
  section.finish();
  return endpoint;
}

/// A name that is new and free. Notes where it stands.
bool claim(const std::string& name, const Field& item, const Config& config, Lines& lines,
           Report& report) {
  const auto [seen, fresh] = lines.emplace(name, item.line);
  if (!fresh) {
    report.mistake(item.line,
                   fmt::format("{} stands twice; it is already at line {}: rename or remove one",
                               item.where, seen->second));
    return false;
  }
  if (reserved_endpoint(name) || contains(tier_names(config), name)) {
    report.mistake(item.line, item.where +
                                  " has the name of a tier or a word of the "
                                  "configuration: choose another");
    return false;
  }
  return true;
}

std::optional<EndpointSettings> read_item(const YAML::Node& node, std::size_t number,
                                          const Config& config, Lines& lines, Report& report) {
  const Field item = named_item(node, "endpoint", number);
  Section section(item, report);
  if (!node.IsMap()) return std::nullopt;
  const auto field = section.take("name");
  if (!field) report.mistake(item.line, item.where + " has no name: add name: ...");
  const auto name = field ? read_name(*field, report) : std::nullopt;
  auto endpoint = read_endpoint(section, name.value_or(""), config, report);
  if (!name || !claim(*name, item, config, lines, report)) return std::nullopt;
  return endpoint;
}

}  // namespace

std::vector<std::string_view> endpoint_names(const Config& config) {
  std::vector<std::string_view> names;
  for (const auto& endpoint : config.engine.policy.endpoints) names.push_back(endpoint.name);
  return names;
}

void read_endpoints(Section& top, Config& config, Report& report) {
  auto& endpoints = config.engine.policy.endpoints;
  std::optional<EndpointSettings> other;
  const auto field = top.take("endpoints");
  if (!field) {
    report.mistake(1,
                   "endpoints is missing: name at least one, like { name: api, match: \"/**\", "
                   "limits: { STD: 100/min } }");
  } else if (!field->node.IsSequence()) {
    report.mistake(field->line, "endpoints must be a list of mappings, each with name and match");
  } else if (field->node.size() == 0) {
    report.mistake(field->line,
                   "endpoints is an empty list: name at least one, like { name: api, "
                   "match: \"/**\", limits: { STD: 100/min } }");
  } else {
    const std::size_t size = field->node.size();
    if (size > kMaxEndpoints)
      report.mistake(field->line, fmt::format("endpoints has {} items, more than {}: put those of "
                                              "one limit into one, match takes a list",
                                              size, kMaxEndpoints));
    // A few too many are read all the same: what names them elsewhere is no mistake.
    Lines lines;
    for (std::size_t i = 0; i < std::min(size, 5 * kMaxEndpoints); ++i) {
      auto endpoint = read_item(field->node[i], i + 1, config, lines, report);
      if (!endpoint) continue;
      if (endpoint->name == kOtherEndpoint) {
        other = std::move(*endpoint);
      } else {
        endpoints.push_back(std::move(*endpoint));
      }
    }
  }
  endpoints.push_back(other ? std::move(*other) : fresh_endpoint(kOtherEndpoint, config));
}

}  // namespace tidelimit::config
