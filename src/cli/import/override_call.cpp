#include "cli/import/override_call.hpp"

#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/import/converted_limit.hpp"

namespace tidelimit::cli {

std::string override_call(Word who, const std::string& value,
                          const std::optional<config::DescriptorLimit>& limit) {
  std::string action = R"("action":"allow")";
  if (limit && !limit->unlimited) {
    const auto converted = limit->requests_per_unit == 0 ? std::nullopt : convert(*limit);
    action = converted
                 ? fmt::format(R"("action":"limit","limit":"{}")", format_rate(converted->rate))
                 : R"("action":"block")";
    if (!converted && limit->requests_per_unit != 0)
      return "choose a rate from 1/d to 1000000000/s";
  }
  return fmt::format(R"(PUT /v1/overrides/{}{} {{{},"permanent":true}} on the live gate)",
                     who == Word::user_id ? "user/" : "", printable(value), action);
}

}  // namespace tidelimit::cli
