#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/text.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/json.hpp"

namespace tidelimit::serve {
namespace {

using nlohmann::json;

constexpr const char* kMalicious = "malicious";
constexpr const char* kNotMalicious = "not_malicious";

/// The client that the path names, as it is printed: an IPv4 address or an IPv6 /64.
Result<std::string> read_client(const DeskCall& call) {
  const std::string text = rest_of_path(call);
  const auto client = parse_client(text);
  if (!client)
    return fail(
        Code::invalid_argument,
        fmt::format("\"{}\" is no IP address: a label is on one client", printable(text, 64)));
  return format_client(*client);
}

Result<engine::LabelRecord> read_label(const DeskCall& call) {
  const auto client = read_client(call);
  if (!client) return tl::unexpected(client.error());
  const auto body = parse_object(call.body, {"label", "reason", "for"});
  if (!body) return tl::unexpected(body.error());
  const auto label = read_string(*body, "label");
  if (!label) return tl::unexpected(label.error());
  const auto reason = read_reason(*body);
  if (!reason) return tl::unexpected(reason.error());
  const auto until = read_for(*body, call.now.wall);
  if (!until) return tl::unexpected(until.error());
  if (*label != kMalicious && *label != kNotMalicious)
    return fail(Code::invalid_argument,
                label->empty() ? "\"label\" is missing: malicious or not_malicious"
                               : fmt::format("\"label\": \"{}\" is neither malicious nor "
                                             "not_malicious",
                                             printable(*label, 40)));
  return engine::LabelRecord{.target = *client,
                             .malicious = *label == kMalicious,
                             .reason = *reason,
                             .by = call.by,
                             .made_at = call.now.wall,
                             .until = *until};
}

/// As `train` and `evaluate` read labels.
Response labels_csv(const std::vector<engine::LabelRecord>& labels) {
  std::string text = "client_ip,label\n";
  for (const auto& record : labels) {
    const std::string& client = record.target;
    text += fmt::format("{},{}\n", client.substr(0, client.find('/')), record.malicious ? 1 : 0);
  }
  return {.body = std::move(text), .content_type = "text/csv; charset=utf-8"};
}

Response no_label(const std::string& client) {
  return problem(404, fmt::format("there is no label on {}", client));
}

}  // namespace

json label_json(const engine::LabelRecord& record) {
  return {{"client", record.target},
          {"label", record.malicious ? kMalicious : kNotMalicious},
          {"reason", record.reason},
          {"by", record.by},
          {"made_at", format_time(record.made_at)},
          {"until", or_null(record.until)}};
}

Response list_labels(const DeskContext& context, const DeskCall& call) {
  const auto labels = context.engine.labels();
  const std::string format = query_text(call, "format");
  if (format == "csv") return labels_csv(labels);
  if (!format.empty() && format != "json")
    return problem(400,
                   fmt::format("format: \"{}\" is neither json nor csv", printable(format, 40)));
  json list = json::array();
  for (const auto& record : labels) list.push_back(label_json(record));
  return json_response({{"labels", std::move(list)}});
}

Response get_label(const DeskContext& context, const DeskCall& call) {
  const auto client = read_client(call);
  if (!client) return error_response(client.error());
  for (const auto& record : context.engine.labels()) {
    if (record.target == *client) return json_response(label_json(record));
  }
  return no_label(*client);
}

Response put_label(const DeskContext& context, const DeskCall& call) {
  const auto record = read_label(call);
  if (!record) return error_response(record.error());
  if (const auto put = context.engine.put_label(*record, call.now); !put)
    return error_response(put.error());
  spdlog::info("{} labelled {} by {}{}: {}", record->target,
               record->malicious ? "malicious" : "not malicious", record->by,
               record->until ? " until " + format_time(*record->until) : "",
               record->reason.empty() ? "no reason given" : record->reason);
  json made = label_json(*record);
  made["kept"] = outlasts_a_stop(context);
  return json_response(made);
}

Response delete_label(const DeskContext& context, const DeskCall& call) {
  const auto client = read_client(call);
  if (!client) return error_response(client.error());
  if (const auto gone = context.engine.delete_label(*client, call.now); !gone)
    return gone.error().code == Code::not_found ? no_label(*client) : error_response(gone.error());
  spdlog::info("label on {} taken back by {}", *client, call.by);
  return {.status = 204};
}

}  // namespace tidelimit::serve
