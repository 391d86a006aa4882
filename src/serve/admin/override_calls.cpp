#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/text.hpp"
#include "engine/override_book.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/json.hpp"

namespace tidelimit::serve {
namespace {

using nlohmann::json;

constexpr Nanos kLongestOverride = std::chrono::hours{24 * 7};

Result<std::string> read_target(const DeskCall& call) {
  return engine::OverrideBook::target_named(rest_of_path(call));
}

Result<limiter::Action> read_action(const std::string& text) {
  if (text == "allow") return limiter::Action::allow;
  if (text == "block") return limiter::Action::block;
  if (text == "limit") return limiter::Action::limit;
  return fail(Code::invalid_argument,
              text.empty() ? "\"action\" is missing: allow, block or limit"
                           : fmt::format("\"action\": \"{}\" is none of allow, block, limit",
                                         printable(text, 40)));
}

/// `for` or `permanent`: exactly one of them.
Result<std::optional<WallTime>> read_until(const json& body, WallTime now) {
  const auto until = read_for(body, now);
  if (!until) return until;
  if (body.contains("permanent") && !body["permanent"].is_boolean())
    return fail(Code::invalid_argument, "\"permanent\" must be true or false");
  const bool permanent = body.contains("permanent") && body["permanent"].get<bool>();
  if (permanent && *until)
    return fail(Code::invalid_argument, "\"for\" and \"permanent\" exclude each other");
  if (!permanent && !*until)
    return fail(Code::invalid_argument,
                R"("for" is missing: a duration such as "1h", or "permanent":true)");
  if (*until && **until - now > kLongestOverride)
    return fail(Code::invalid_argument,
                R"("for" is longer than 7d; shorten it, or say "permanent":true)");
  return until;
}

Result<engine::OverrideRecord> read_override(const DeskCall& call) {
  const auto target = read_target(call);
  if (!target) return tl::unexpected(target.error());
  const auto body = parse_object(call.body, {"action", "limit", "reason", "for", "permanent"});
  if (!body) return tl::unexpected(body.error());
  const auto action_text = read_string(*body, "action");
  const auto limit_text = read_string(*body, "limit");
  const auto reason = read_reason(*body);
  for (const auto* text : {&action_text, &limit_text, &reason}) {
    if (!*text) return tl::unexpected(text->error());
  }
  const auto action = read_action(*action_text);
  if (!action) return tl::unexpected(action.error());
  const auto until = read_until(*body, call.now.wall);
  if (!until) return tl::unexpected(until.error());
  engine::OverrideRecord record{.target = *target,
                                .action = *action,
                                .limit = {},
                                .reason = *reason,
                                .by = call.by,
                                .made_at = call.now.wall,
                                .until = *until};
  if (*action == limiter::Action::limit) {
    if (limit_text->empty())
      return fail(Code::invalid_argument, R"("limit" is missing: a rate such as "10/min")");
    const auto rate = parse_rate(*limit_text);
    if (!rate) return fail_in("\"limit\"", rate.error());
    record.limit = *rate;
  } else if (!limit_text->empty()) {
    return fail(Code::invalid_argument, "\"limit\" goes with \"action\":\"limit\" only");
  }
  return record;
}

const engine::OverrideRecord* find(const std::vector<engine::OverrideRecord>& all,
                                   const std::string& target) {
  for (const auto& record : all) {
    if (record.target == target) return &record;
  }
  return nullptr;
}

Response no_override(const std::string& target) {
  return problem(404, fmt::format("there is no override for {}", printable(target, 100)));
}

}  // namespace

Response list_overrides(const DeskContext& context, const DeskCall&) {
  json overrides = json::array();
  for (const auto& record : context.engine.overrides()) overrides.push_back(override_json(record));
  return json_response({{"overrides", std::move(overrides)}});
}

Response get_override(const DeskContext& context, const DeskCall& call) {
  const auto target = read_target(call);
  if (!target) return error_response(target.error());
  const auto all = context.engine.overrides();
  const engine::OverrideRecord* record = find(all, *target);
  return record == nullptr ? no_override(*target) : json_response(override_json(*record));
}

Response put_override(const DeskContext& context, const DeskCall& call) {
  const auto record = read_override(call);
  if (!record) return error_response(record.error());
  if (const auto put = context.engine.put_override(*record, call.now); !put)
    return error_response(put.error());
  // An allowed client is also told from its verdict, which would else come back with the end of the
  // override.
  if (record->action == limiter::Action::allow) {
    if (const auto client = parse_client(record->target))
      context.engine.forget_verdict(*client, call.now);
  }
  spdlog::info("override of {}: {} by {}, {}", printable(record->target, 100),
               limiter::to_string(record->action), record->by,
               record->until ? "until " + format_time(*record->until) : "permanent");
  json made = override_json(*record);
  made["holds_in_domains"] = context.settings.current()->domains.empty() ? json() : json(false);
  made["kept"] = outlasts_a_stop(context);
  return json_response(made);
}

Response delete_override(const DeskContext& context, const DeskCall& call) {
  const auto target = read_target(call);
  if (!target) return error_response(target.error());
  if (find(context.engine.overrides(), *target) == nullptr) return no_override(*target);
  if (const auto gone = context.engine.delete_override(*target, call.by, call.now); !gone)
    return error_response(gone.error());
  spdlog::info("override of {} ended by {}", printable(*target, 100), call.by);
  return {.status = 204};
}

}  // namespace tidelimit::serve
