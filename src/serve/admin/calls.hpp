#pragma once

#include <nlohmann/json.hpp>

#include "serve/admin/desk.hpp"
#include "store/bundles/bundle_archive.hpp"

// The calls, by concept; each is one row of the table in desk.cpp.
namespace tidelimit::serve {

// state_calls.cpp: what the engine holds now and why
Response get_plan(const DeskContext&, const DeskCall&);
Response get_forecasts(const DeskContext&, const DeskCall&);
Response get_verdicts(const DeskContext&, const DeskCall&);
Response get_client(const DeskContext&, const DeskCall&);
Response get_ready(const DeskContext&, const DeskCall&);
/// What get_ready says where nobody asks for more: for the loops, which never wait.
[[nodiscard]] Response readiness(bool planned, bool stopping);
Response get_metrics(const DeskContext&, const DeskCall&);

// history_calls.cpp: what was
Response get_history(const DeskContext&, const DeskCall&);
Response get_plan_changes(const DeskContext&, const DeskCall&);
Response get_decisions(const DeskContext&, const DeskCall&);
Response get_shadow(const DeskContext&, const DeskCall&);

// override_calls.cpp: what people change
Response list_overrides(const DeskContext&, const DeskCall&);
Response get_override(const DeskContext&, const DeskCall&);
Response put_override(const DeskContext&, const DeskCall&);
Response delete_override(const DeskContext&, const DeskCall&);

// mode_calls.cpp: which parts are enforced, and for whom
Response get_mode(const DeskContext&, const DeskCall&);
Response put_mode(const DeskContext&, const DeskCall&);
Response get_modes(const DeskContext&, const DeskCall&);
Response get_mode_changes(const DeskContext&, const DeskCall&);

// config_calls.cpp: configurations that took effect, and the way back to one
Response list_configs(const DeskContext&, const DeskCall&);
Response get_config(const DeskContext&, const DeskCall&);
Response put_config(const DeskContext&, const DeskCall&);
Response release_config(const DeskContext&, const DeskCall&);

// label_calls.cpp: what people say of clients
Response list_labels(const DeskContext&, const DeskCall&);
Response get_label(const DeskContext&, const DeskCall&);
Response put_label(const DeskContext&, const DeskCall&);
Response delete_label(const DeskContext&, const DeskCall&);

// signal_calls.cpp: load figures that are pushed
Response put_signal(const DeskContext&, const DeskCall&);

// model_calls.cpp: TensorFlow Serving's REST
Response get_model(const DeskContext&, const DeskCall&);
Response get_model_metadata(const DeskContext&, const DeskCall&);
Response refuse_label(const DeskContext&, const DeskCall&);
Response post_predict(const DeskContext&, const DeskCall&);
Response model_error(int status, const std::string& why);

// version_calls.cpp: the models in force and before
Response list_versions(const DeskContext&, const DeskCall&);
Response put_version(const DeskContext&, const DeskCall&);

// page.cpp
Response get_page(const DeskContext&, const DeskCall&);

/// Helpers that all of them use.
[[nodiscard]] Response json_response(const nlohmann::json& body, int status = 200);
[[nodiscard]] std::string json_text(const nlohmann::json& value);
/// An array of many rows, as text at once: their tree would take ten times the memory.
class JsonRows {
 public:
  void add(const nlohmann::json& row);
  /// The array. Once.
  [[nodiscard]] std::string take() { return std::move(text_) + "]"; }

 private:
  std::string text_ = "[";
};
[[nodiscard]] Response error_response(const Error& error);
/// A JSON object of a body; unknown keys are refused by name. `noun`: what the known ones name, and
/// `besides` is known too but named by no refusal.
[[nodiscard]] Result<nlohmann::json> parse_object(
    const std::string& body, const std::vector<std::string_view>& known,
    std::string_view noun = "key", const std::vector<std::string_view>& besides = {});
/// A text of a JSON object; empty when absent or null.
[[nodiscard]] Result<std::string> read_string(const nlohmann::json& body, const char* key);
/// The end of what lasts for the duration `for` of a JSON object; empty when that is absent.
[[nodiscard]] Result<std::optional<WallTime>> read_for(const nlohmann::json& body, WallTime now);
/// The path after /v1/NAME/, decoded: what a call is about.
[[nodiscard]] std::string rest_of_path(const DeskCall& call);
/// A client by its address, or as format_client writes it.
[[nodiscard]] Result<ClientId> client_named(std::string_view text);
/// "1h" before now, or a time; absent: `otherwise` before now.
[[nodiscard]] Result<WallTime> read_since(const DeskCall& call, Nanos otherwise);
/// The same of another parameter.
[[nodiscard]] Result<WallTime> read_time(const DeskCall& call, std::string_view name,
                                         Nanos otherwise);
/// A decoded query parameter; empty when absent.
[[nodiscard]] std::string query_text(const DeskCall& call, std::string_view name);
/// Null for 0 and infinite limits.
[[nodiscard]] nlohmann::json per_minute(const limiter::Limit& limit);
[[nodiscard]] nlohmann::json change_json(const policy::PlanChange& change);
[[nodiscard]] nlohmann::json verdict_json(const policy::VerdictRecord& verdict);
[[nodiscard]] nlohmann::json label_json(const engine::LabelRecord& record);
[[nodiscard]] nlohmann::json override_json(const engine::OverrideRecord& record);
/// {"held": …, "models": […]}, the one in force first.
[[nodiscard]] nlohmann::json versions_json(const std::vector<store::KeptBundle>& bundles,
                                           bool held);
[[nodiscard]] nlohmann::json part_json(const engine::PartMode& part);
[[nodiscard]] nlohmann::json contribution_json(const anomaly::Contribution& contribution);

}  // namespace tidelimit::serve
