#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/text.hpp"
#include "config/document.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/configurations.hpp"
#include "serve/admin/json.hpp"
#include "serve/admin/line_changes.hpp"

namespace tidelimit::serve {
namespace {

using nlohmann::json;

/// What is kept, the one that took effect last first, and what is in force.
struct Kept {
  std::vector<engine::ConfigurationRecord> records;
  std::optional<engine::ConfigurationHold> hold;
  std::string in_force;  ///< its fingerprint

  /// Null where it is not kept.
  [[nodiscard]] const engine::ConfigurationRecord* find(std::string_view fingerprint) const {
    const auto found = std::find_if(records.begin(), records.end(), [&](const auto& record) {
      return record.fingerprint == fingerprint;
    });
    return found == records.end() ? nullptr : &*found;
  }
};

Result<Kept> read_kept(const DeskContext& context) {
  const auto history = context.engine.history();
  if (!history)
    return fail(Code::failed_precondition,
                "configurations are kept only where the configuration names a `state` file");
  auto records = history->configurations();
  if (!records) return tl::unexpected(records.error());
  auto hold = history->hold();
  if (!hold) return tl::unexpected(hold.error());
  return Kept{std::move(*records), std::move(*hold),
              fingerprint_of(context.settings.current()->config.text)};
}

/// Against the one that was in force when it first took effect.
std::vector<std::string> changes_of(const Kept& kept, const engine::ConfigurationRecord& record) {
  const auto* before = kept.find(record.before);
  if (before == nullptr) return {};
  return line_changes(before->text, record.text);
}

json record_json(const Kept& kept, const engine::ConfigurationRecord& record) {
  const auto changes = changes_of(kept, record);
  const auto added = std::count_if(changes.begin(), changes.end(),
                                   [](const std::string& line) { return line.starts_with('+'); });
  return {{"fingerprint", record.fingerprint},
          {"first", format_time(record.first)},
          {"last", format_time(record.last)},
          {"in_force", record.fingerprint == kept.in_force},
          {"lines_added", added},
          {"lines_removed", static_cast<std::ptrdiff_t>(changes.size()) - added}};
}

json hold_json(const std::optional<engine::ConfigurationHold>& hold) {
  if (!hold) return {};
  return {{"fingerprint", hold->fingerprint},
          {"over", hold->over},
          {"by", hold->by},
          {"reason", hold->reason},
          {"made_at", format_time(hold->made_at)}};
}

Response no_such(const Kept& kept, const std::string& fingerprint) {
  std::vector<std::string_view> known;
  for (const auto& record : kept.records) known.push_back(record.fingerprint);
  return problem(404, fmt::format("no configuration {} is kept; there are {}",
                                  printable(fingerprint, 40), fmt::join(known, ", ")));
}

}  // namespace

Response list_configs(const DeskContext& context, const DeskCall&) {
  const auto kept = read_kept(context);
  if (!kept) return error_response(kept.error());
  json rows = json::array();
  for (const auto& record : kept->records) rows.push_back(record_json(*kept, record));
  // What is to be in force: after a return or a release that takes a moment.
  const auto file = config::load(context.settings.current()->config.file);
  json wanted = file ? json(fingerprint_of(file->text)) : json();
  if (kept->hold) wanted = kept->hold->fingerprint;
  const std::string refusal = context.refusal();
  return json_response({{"in_force", kept->in_force},
                        {"wanted", std::move(wanted)},
                        {"hold", hold_json(kept->hold)},
                        {"note", refusal.empty() ? json() : json(refusal)},
                        {"configurations", std::move(rows)}});
}

Response get_config(const DeskContext& context, const DeskCall& call) {
  const auto kept = read_kept(context);
  if (!kept) return error_response(kept.error());
  const auto* record = kept->find(call.path[2]);
  if (record == nullptr) return no_such(*kept, call.path[2]);
  json answer = record_json(*kept, *record);
  answer["text"] = record->text;
  answer["changes"] = changes_of(*kept, *record);
  return json_response(answer);
}

Response put_config(const DeskContext& context, const DeskCall& call) {
  const auto body = parse_object(call.body.empty() ? "{}" : call.body, {"reason"});
  if (!body) return error_response(body.error());
  const auto reason = read_reason(*body);
  if (!reason) return error_response(reason.error());
  const auto kept = read_kept(context);
  if (!kept) return error_response(kept.error());
  const auto* record = kept->find(call.path[2]);
  if (record == nullptr) return no_such(*kept, call.path[2]);
  const auto in_force = context.settings.current();
  if (const auto fits = config::load(record->text, in_force->config.file); !fits)
    return problem(409, fmt::format("configuration {} can't be used any more: {}",
                                    record->fingerprint, fits.error().message));
  // A file that is not valid can be held over all the more: until it is mended.
  const auto file = config::read_whole(in_force->config.file);
  if (!file)
    return problem(409, fmt::format("the file is to be put back first: {}", file.error().message));
  const engine::ConfigurationHold hold{record->fingerprint, fingerprint_of(*file), *reason, call.by,
                                       call.now.wall};
  // What the file says anyway needs no hold.
  const bool as_file = hold.fingerprint == hold.over;
  if (const auto put = context.engine.history()->put_hold(as_file ? nullptr : &hold); !put)
    return error_response(put.error());
  spdlog::warn("return to configuration {} by {}: {}", hold.fingerprint, hold.by, hold.reason);
  context.reload();
  return list_configs(context, call);
}

Response release_config(const DeskContext& context, const DeskCall& call) {
  const auto kept = read_kept(context);
  if (!kept) return error_response(kept.error());
  if (!kept->hold) return problem(404, "no configuration is held: the file's is in force");
  if (const auto ended = context.engine.history()->put_hold(nullptr); !ended)
    return error_response(ended.error());
  spdlog::warn("hold of configuration {} ended by {}", kept->hold->fingerprint, call.by);
  context.reload();
  return list_configs(context, call);
}

}  // namespace tidelimit::serve
