#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "serve/admin/desk.hpp"
#include "store/bundles/bundle_archive.hpp"

// What calls read and answer, as JSON.
namespace tidelimit::serve {

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
/// What is there, times and rates as texts; null where nothing is.
[[nodiscard]] nlohmann::json or_null(const std::optional<double>& value);
[[nodiscard]] nlohmann::json or_null(const std::optional<WallTime>& time);
[[nodiscard]] nlohmann::json or_null(const std::optional<Rate>& rate);
[[nodiscard]] nlohmann::json or_null(const std::string& text);
[[nodiscard]] Response error_response(const Error& error);
/// To calls that read `what`, where no history keeps it.
[[nodiscard]] Response no_history_of(std::string_view what);
/// A JSON object of a body; unknown keys are refused by name. `noun`: what the known ones name, and
/// `besides` is known too but named by no refusal.
[[nodiscard]] Result<nlohmann::json> parse_object(
    const std::string& body, const std::vector<std::string_view>& known,
    std::string_view noun = "key", const std::vector<std::string_view>& besides = {});
/// A text of a JSON object; empty when absent or null.
[[nodiscard]] Result<std::string> read_string(const nlohmann::json& body, const char* key);
/// The text `reason` of a JSON object, as it is kept: printable, at most 500 bytes.
[[nodiscard]] Result<std::string> read_reason(const nlohmann::json& body);
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
/// Whether what is set by hand now holds after the process ends: there is a `state` to keep it in.
[[nodiscard]] bool outlasts_a_stop(const DeskContext& context);
[[nodiscard]] nlohmann::json label_json(const engine::LabelRecord& record);
[[nodiscard]] nlohmann::json override_json(const engine::OverrideRecord& record);
/// {"held": …, "models": […]}, the one in force first.
[[nodiscard]] nlohmann::json versions_json(const std::vector<store::KeptBundle>& bundles,
                                           bool held);
[[nodiscard]] nlohmann::json part_json(const engine::PartMode& part);
[[nodiscard]] nlohmann::json contribution_json(const anomaly::Contribution& contribution);

}  // namespace tidelimit::serve
