#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/text.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/json.hpp"

// The models in force and before, as `tidelimit models` lists and returns to them.
namespace tidelimit::serve {
namespace {

using nlohmann::json;

Result<std::filesystem::path> folder_of(const DeskContext& context) {
  auto folder = context.settings.current()->config.forecast_model;
  if (folder.empty())
    return fail(Code::failed_precondition,
                "the configuration names no model: add forecast: { model: var/model }");
  return folder;
}

Response listed(const DeskContext& context, const std::filesystem::path& folder) {
  const auto settings = context.settings.current();
  const auto bundles = store::kept_bundles(folder, &settings->config.engine.shape);
  if (!bundles) return error_response(bundles.error());
  const bool held = store::held(folder);
  json answer = versions_json(*bundles, held);
  const auto told = [](const std::optional<WallTime>& time) {
    return time ? json(format_time(floor_to(*time, std::chrono::seconds{1}))) : json();
  };
  answer["next_retraining"] = held ? json() : told(context.next_retraining());
  answer["retraining_since"] = told(context.retraining_since());
  return json_response(answer);
}

/// {"return_to": VERSION} or {"release": true}; the version, empty for the latter.
Result<std::string> read_wish(const DeskCall& call) {
  const auto body = parse_object(call.body, {"return_to", "release"});
  if (!body) return tl::unexpected(body.error());
  if (body->size() != 1)
    return fail(Code::invalid_argument,
                "say either \"return_to\": \"VERSION\" or \"release\": true");
  if (body->contains("release")) {
    if ((*body)["release"] == true) return std::string();
    return fail(Code::invalid_argument, "\"release\" must be true");
  }
  const json& version = (*body)["return_to"];
  if (!version.is_string() || version.get_ref<const std::string&>().empty())
    return fail(Code::invalid_argument, "\"return_to\" must be the version of a model");
  return version.get<std::string>();
}

}  // namespace

json versions_json(const std::vector<store::KeptBundle>& bundles, bool held) {
  json list = json::array();
  for (const store::KeptBundle& bundle : bundles) {
    const auto& manifest = bundle.manifest;
    const auto unless_damaged = [&](std::string text) {
      return bundle.damage.empty() ? json(std::move(text)) : json();
    };
    list.push_back({{"version", manifest.version.empty() ? json() : json(manifest.version)},
                    {"trained_from", unless_damaged(format_time(manifest.trained_from))},
                    {"trained_until", unless_damaged(format_time(manifest.trained_until))},
                    {"in_force", bundle.in_force},
                    {"damaged", bundle.damage.empty() ? json() : json(bundle.damage)},
                    {"misfit", bundle.misfit.empty() ? json() : json(bundle.misfit)},
                    {"figures", manifest.figures}});
  }
  return {{"held", held}, {"models", std::move(list)}};
}

Response list_versions(const DeskContext& context, const DeskCall&) {
  const auto folder = folder_of(context);
  return folder ? listed(context, *folder) : error_response(folder.error());
}

Response put_version(const DeskContext& context, const DeskCall& call) {
  const auto wish = read_wish(call);
  if (!wish) return error_response(wish.error());
  const auto folder = folder_of(context);
  if (!folder) return error_response(folder.error());
  const auto done =
      wish->empty() ? store::set_held(*folder, false) : store::return_to(*folder, *wish);
  if (!done) return error_response(done.error());
  spdlog::info("{} by {}",
               wish->empty() ? "the model is released to retraining"
                             : fmt::format("returned to the model {}", printable(*wish, 64)),
               call.by);
  return listed(context, *folder);
}

}  // namespace tidelimit::serve
