#include "cli/import/override_call.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/import/converted_limit.hpp"
#include "serve/http/client.hpp"

namespace tidelimit::cli {
std::string override_call(Word who, const std::string& value,
                          const std::optional<config::DescriptorLimit>& limit) {
  std::string action = R"("action":"allow")";
  std::string at_once;
  if (limit && !limit->unlimited) {
    const auto converted = limit->requests_per_unit == 0 ? std::nullopt : convert(*limit);
    if (converted && converted->burst != default_burst(converted->rate))
      at_once = fmt::format(" (an override lets a minute's worth come at once: {}, not {})",
                            default_burst(converted->rate), limit->requests_per_unit);
    action = converted
                 ? fmt::format(R"("action":"limit","limit":"{}")", format_rate(converted->rate))
                 : R"("action":"block")";
    if (!converted && limit->requests_per_unit != 0)
      return "choose a rate from 1/d to 1000000000/s";
  }
  const std::string target =
      who == Word::user_id ? "user/" + serve::encode_component(value) : printable(value);
  return fmt::format(R"(PUT /v1/overrides/{} {{{},"permanent":true}} on the live gate{})", target,
                     action, at_once);
}

}  // namespace tidelimit::cli
