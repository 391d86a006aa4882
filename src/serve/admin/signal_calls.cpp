#include <cmath>
#include <fmt/format.h>

#include "base/text.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/json.hpp"

namespace tidelimit::serve {

using nlohmann::json;

/// {"value": 0.93}: a share of what the upstream's hosts can do. It counts for 15 seconds.
Response put_signal(const DeskContext& context, const DeskCall& call) {
  const std::string& name = call.path.back();
  if (name != "cpu")
    return problem(
        404, fmt::format("there is no signal \"{}\"; it is called cpu", printable(name, 100)));
  if (context.settings.current()->config.cpu.kind != config::CpuSource::Kind::pushed) {
    return problem(409,
                   "cpu is measured here; to push it, say signals: { cpu: pushed } in the "
                   "configuration");
  }
  const auto body = parse_object(call.body, {"value"});
  if (!body) return error_response(body.error());
  const auto value = body->find("value");
  if (value == body->end()) return problem(400, R"("value" is missing: a share such as 0.93)");
  if (!value->is_number())
    return problem(400, R"("value" must be a number, a share such as 0.93 without quotes)");
  const double share = value->get<double>();
  if (!(share >= 0 && share <= 1))
    return problem(400, fmt::format(R"("value" is {}: it must be a share, from 0 to 1)", share));
  context.engine.signal({.name = name, .value = share, .measured_at = call.now.mono});
  return json_response({{"name", name}, {"value", share}, {"at", format_time(call.now.wall)}});
}

}  // namespace tidelimit::serve
