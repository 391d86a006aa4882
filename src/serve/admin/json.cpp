#include "serve/admin/json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "limiter/nominal.hpp"
#include "serve/http/target.hpp"

namespace tidelimit::serve {

using nlohmann::json;

namespace {

constexpr std::size_t kLongestReason = 500;

}  // namespace

Response json_response(const json& body, int status) {
  return {.status = status, .body = json_text(body) + "\n"};
}

// Names come from configuration and requests: what is no UTF-8 is replaced, never thrown over.
std::string json_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void JsonRows::add(const json& row) {
  if (text_.size() > 1) text_ += ',';
  text_ += json_text(row);
}

json or_null(const std::optional<double>& value) {
  return value ? json(*value) : json();
}

json or_null(const std::optional<WallTime>& time) {
  return time ? json(format_time(*time)) : json();
}

json or_null(const std::optional<Rate>& rate) {
  return rate ? json(format_rate(*rate)) : json();
}

json or_null(const std::string& text) {
  return text.empty() ? json() : json(text);
}

Response no_history_of(std::string_view what) {
  return problem(
      409, fmt::format("{} are kept only where the configuration names a `state` file", what));
}

Response error_response(const Error& error) {
  return problem(http_status(error.code), error.message);
}

Result<json> parse_object(const std::string& body, const std::vector<std::string_view>& known,
                          std::string_view noun, const std::vector<std::string_view>& besides) {
  json parsed;
  try {
    parsed = json::parse(body);
  } catch (const json::exception& fault) {
    return fail(Code::invalid_argument, fmt::format("the body is no valid JSON: {}", fault.what()));
  }
  if (!parsed.is_object()) return fail(Code::invalid_argument, "the body must be a JSON object");
  std::vector<std::string_view> all = known;
  all.insert(all.end(), besides.begin(), besides.end());
  for (const auto& [key, value] : parsed.items()) {
    if (std::find(all.begin(), all.end(), key) != all.end()) continue;
    const std::string_view close = closest_word(key, all);
    return fail(Code::invalid_argument,
                close.empty() ? fmt::format("unknown {} \"{}\"; there are: {}", noun,
                                            printable(key, 40), fmt::join(known, ", "))
                              : fmt::format("unknown {} \"{}\"; did you mean \"{}\"?", noun,
                                            printable(key, 40), close));
  }
  return parsed;
}

std::string rest_of_path(const DeskCall& call) {
  return fmt::format("{}", fmt::join(call.path.begin() + 2, call.path.end(), "/"));
}

std::string query_text(const DeskCall& call, std::string_view name) {
  const auto value = query_value(call.target, name);
  return value ? decode_component(*value, true) : std::string();
}

Result<WallTime> read_since(const DeskCall& call, Nanos otherwise) {
  return read_time(call, "since", otherwise);
}

Result<WallTime> read_time(const DeskCall& call, std::string_view name, Nanos otherwise) {
  // A plus sign of a time zone offset stays one: a time has no spaces to encode.
  const auto raw = query_value(call.target, name);
  if (!raw || raw->empty()) return call.now.wall - otherwise;
  const std::string text = decode_component(*raw, false);
  if (const auto duration = parse_duration(text)) return call.now.wall - *duration;
  if (const auto time = parse_time(text)) return *time;
  return fail(Code::invalid_argument,
              fmt::format("{}: \"{}\" is neither a duration such as 1h nor a time such as "
                          "2026-11-24T10:00:00Z",
                          name, printable(text, 40)));
}

Result<std::string> read_string(const json& body, const char* key) {
  if (!body.contains(key) || body[key].is_null()) return std::string();
  if (!body[key].is_string())
    return fail(Code::invalid_argument, fmt::format("\"{}\" must be a string", key));
  return body[key].get<std::string>();
}

Result<std::string> read_reason(const json& body) {
  const auto reason = read_string(body, "reason");
  return reason ? printable(*reason, kLongestReason) : reason;
}

Result<std::optional<WallTime>> read_for(const json& body, WallTime now) {
  const auto text = read_string(body, "for");
  if (!text) return tl::unexpected(text.error());
  if (text->empty()) return std::nullopt;
  const auto duration = parse_duration(*text);
  if (!duration) return fail_in("\"for\"", duration.error());
  if (*duration > WallTime::max() - now)
    return fail(Code::invalid_argument,
                fmt::format("\"for\" ends after {}, the last time there is a name for; shorten it",
                            format_time(WallTime::max())));
  return now + *duration;
}

Result<ClientId> client_named(std::string_view text) {
  if (const auto client = parse_client(text)) return *client;
  return fail(Code::invalid_argument, fmt::format("\"{}\" is no IP address", printable(text, 64)));
}

json per_minute(const limiter::Limit& limit) {
  return limit.unlimited() ? json() : json(limiter::nominal_per_minute(limit));
}

json change_json(const policy::PlanChange& change) {
  using Of = policy::PlanChange::Of;
  const auto rate = [&](double per_minute) {
    return change.of == Of::shed || (change.of == Of::total && per_minute == 0) ? json()
                                                                                : json(per_minute);
  };
  const auto scale = [&](double value) { return change.of == Of::total ? json() : json(value); };
  return {{"time", format_time(change.time)},
          {"of", policy::to_string(change.of)},
          {"endpoint", change.endpoint},
          {"tier", change.tier},
          {"before_per_minute", rate(change.before_per_minute)},
          {"after_per_minute", rate(change.after_per_minute)},
          {"before_scale", scale(change.before_scale)},
          {"after_scale", scale(change.after_scale)},
          {"rule", or_null(change.rule)},
          {"cause", change.cause},
          {"shadow", change.shadow}};
}

json verdict_json(const policy::VerdictRecord& verdict) {
  json features = json::array();
  for (const auto& part : verdict.features) features.push_back(contribution_json(part));
  return {
      {"client", verdict.client_name.empty() ? format_client(verdict.client) : verdict.client_name},
      {"verdict", limiter::to_string(verdict.kind)},
      {"action", limiter::to_string(verdict.action)},
      {"limit", or_null(verdict.limit)},
      {"mode", limiter::to_string(verdict.mode)},
      {"enforced_ratio", verdict.enforced},
      {"score", verdict.score},
      {"rule", verdict.rule},
      {"reasons", verdict.reasons},
      {"features", std::move(features)},
      {"from", format_time(verdict.from)},
      {"until", format_time(verdict.until)}};
}

bool outlasts_a_stop(const DeskContext& context) {
  return context.engine.history() != nullptr;
}

json override_json(const engine::OverrideRecord& record) {
  return {{"target", record.target},
          {"action", limiter::to_string(record.action)},
          {"limit", or_null(record.limit)},
          {"reason", record.reason},
          {"by", record.by},
          {"made_at", format_time(record.made_at)},
          {"until", or_null(record.until)},
          {"permanent", !record.until.has_value()}};
}

json contribution_json(const anomaly::Contribution& part) {
  return {{"feature", traffic::to_string(part.feature)},
          {"value", part.value},
          {"usual_low", part.usual_low},
          {"usual_high", part.usual_high},
          {"usual_of", or_null(part.usual_of)},
          {"share", part.share}};
}

}  // namespace tidelimit::serve
