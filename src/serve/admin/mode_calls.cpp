#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/share.hpp"
#include "base/text.hpp"
#include "engine/part_names.hpp"
#include "policy/words.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/json.hpp"

namespace tidelimit::serve {
namespace {

using limiter::Mode;
using nlohmann::json;
using policy::ModeFor;

constexpr char kWords[] = R"(off, shadow, enforce, configured or {"enforce": "5%"})";

json mode_json(const ModeFor& mode) {
  return {{"mode", limiter::to_string(mode.mode)}, {"enforced_ratio", mode.share}};
}

json record_json(const engine::ModeRecord& record) {
  return {{"part", record.part},
          {"mode", record.mode ? limiter::to_string(record.mode->mode) : "configured"},
          {"enforced_ratio", record.mode ? json(record.mode->share) : json()},
          {"by", record.by},
          {"reason", record.reason},
          {"made_at", format_time(record.made_at)},
          {"until", or_null(record.until)}};
}

/// "5%" or 0.05: above 0, and 1 at most.
std::optional<double> read_share(const json& value) {
  const auto share = parse_share(value.is_string() ? value.get<std::string>() : value.dump());
  return share.value_or(0) > 0 ? share : std::nullopt;
}

/// What a part is to be; with `mode` empty: as configured.
Result<std::optional<ModeFor>> read_mode(const std::string& part, const json& value) {
  if (value.is_object() && value.size() == 1 && value.contains("enforce")) {
    if (const auto share = read_share(value["enforce"])) return ModeFor{Mode::enforce, *share};
    return fail(Code::invalid_argument,
                fmt::format("\"{}\": {} must be a share above 0 and at most 1, like \"5%\"", part,
                            printable(value["enforce"].dump(), 40)));
  }
  const std::string word = value.is_string() ? value.get<std::string>() : value.dump();
  if (word == "configured") return std::nullopt;
  for (const Mode mode : {Mode::off, Mode::shadow, Mode::enforce})
    if (word == limiter::to_string(mode)) return ModeFor{mode, 1};
  return fail(Code::invalid_argument,
              fmt::format("\"{}\": \"{}\" is none of {}", part, printable(word, 40), kWords));
}

/// Every part by its name, rules by their number too.
std::vector<std::string> names_of(const std::vector<engine::PartMode>& parts) {
  std::vector<std::string> names;
  std::size_t rules = 0;
  for (const auto& part : parts) {
    names.push_back(part.part);
    if (engine::rule_of(part.part)) names.push_back(engine::rule_part(std::to_string(++rules)));
  }
  return names;
}

json modes_json(const engine::Engine& engine) {
  json modes = json::object();
  for (const auto& [part, mode] : engine.modes().by_part()) modes[part] = limiter::to_string(mode);
  return modes;
}

/// Orders for more than the switches above a rule leave of it, in words.
std::vector<std::string> without_effect(const std::vector<engine::PartMode>& parts,
                                        const std::vector<engine::ModeRecord>& orders) {
  std::vector<std::string> words;
  for (const auto& part : parts) {
    const bool ordered = std::any_of(orders.begin(), orders.end(), [&](const auto& order) {
      return order.mode && part.by_hand && part.by_hand->made_at == order.made_at;
    });
    if (!ordered || part.in_force == part.said()) continue;
    words.push_back(fmt::format("{} is {} all the same: a switch above it says no more", part.part,
                                policy::in_words(part.in_force)));
  }
  return words;
}

}  // namespace

json part_json(const engine::PartMode& part) {
  json row = mode_json(part.in_force);
  row["part"] = part.part;
  row["configured"] = mode_json(part.configured);
  row["by_hand"] = part.by_hand.has_value();
  for (const char* key : {"by", "reason", "made_at", "until"})
    row[key] = part.by_hand ? record_json(*part.by_hand)[key] : json();
  return row;
}

Response get_mode(const DeskContext& context, const DeskCall&) {
  return json_response(modes_json(context.engine));
}

Response get_modes(const DeskContext& context, const DeskCall& call) {
  json parts = json::array();
  for (const auto& part : context.engine.part_modes()) parts.push_back(part_json(part));
  return json_response({{"at", format_time(call.now.wall)}, {"parts", std::move(parts)}});
}

Response get_mode_changes(const DeskContext& context, const DeskCall& call) {
  const auto history = context.engine.history();
  if (!history) return no_history_of("modes");
  const auto since = read_since(call, std::chrono::hours{24 * 7});
  if (!since) return error_response(since.error());
  context.engine.write_records(call.now);
  const auto found = history->mode_changes(*since);
  if (!found) return error_response(found.error());
  json changes = json::array();
  for (const auto& record : *found) changes.push_back(record_json(record));
  return json_response({{"since", format_time(*since)}, {"changes", std::move(changes)}});
}

Response put_mode(const DeskContext& context, const DeskCall& call) {
  const auto names = names_of(context.engine.part_modes());
  const auto body =
      parse_object(call.body, {names.begin(), names.end()}, "part", {"for", "reason"});
  if (!body) return error_response(body.error());
  const auto until = read_for(*body, call.now.wall);
  if (!until) return error_response(until.error());
  const auto given = read_reason(*body);
  if (!given) return error_response(given.error());
  const std::string reason = given->empty() ? "no reason given" : *given;
  std::vector<engine::ModeRecord> orders;
  for (const auto& [part, value] : body->items()) {
    if (part == "for" || part == "reason") continue;
    const auto mode = read_mode(part, value);
    if (!mode) return error_response(mode.error());
    orders.push_back({part, *mode, reason, call.by, call.now.wall, *until});
  }
  if (orders.empty())
    return problem(400,
                   "name at least one part: forecast, anomaly, rules, all, rule/NAME or "
                   "endpoint/NAME");
  for (const auto& order : orders) {
    if (const auto set = context.engine.set_mode(order, call.now); !set)
      return error_response(set.error());
    spdlog::warn("mode of {} set to {} by {}{}: {}", order.part,
                 order.mode ? policy::in_words(*order.mode) : "what is configured", order.by,
                 *until && order.mode ? ", until " + format_time(**until) : "", reason);
  }
  json answer = modes_json(context.engine);
  const auto warnings = without_effect(context.engine.part_modes(), orders);
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  if (!warnings.empty()) answer["warnings"] = warnings;
  return json_response(answer);
}

}  // namespace tidelimit::serve
