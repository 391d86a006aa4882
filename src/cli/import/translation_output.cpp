#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "cli/import/translation.hpp"
#include "config/yaml_text.hpp"

namespace tidelimit::cli {
namespace {

std::string place_of(const Origin& origin) {
  return fmt::format("{}:{}", printable(origin.file.string()), origin.line);
}

std::string remark_line(const Remark& remark) {
  return fmt::format("{}: descriptor \"{}\": {}; {}", place_of(remark.origin),
                     remark.origin.descriptor, remark.what, remark.mend);
}

std::string head(const Translation& translation) {
  std::string text = fmt::format("{} from\n", kTranslationMark);
  for (const auto& file : translation.files)
    text += fmt::format("#   {} (domain {})\n", printable(file.file.string()),
                        config::yaml_string(printable(file.domain)));
  text +=
      "# The domain of Envoy's filter is `tidelimit` from now on; its actions stay as they are.\n"
      "# (Or keep that domain: ratelimit: { domains: [FILE] } serves these files as they are.)\n"
      "# Denies nothing yet: see what it would do (tidelimit shadow-report), then say\n"
      "# `mode: enforce`.\n";
  if (translation.remarks.empty()) return text;
  text += fmt::format("#\n# {} {} no equivalent, or not quite one:\n", translation.remarks.size(),
                      translation.remarks.size() == 1 ? "thing has" : "things have");
  for (const Remark& remark : translation.remarks) text += "#   " + remark_line(remark) + "\n";
  return text + "#\n";
}

std::string entries(const Translation& translation) {
  std::string text;
  for (std::size_t i = 0; i < kWords; ++i) {
    const char* word = to_string(static_cast<Word>(i));
    const std::string& key = translation.keys[i];
    if (key.empty() || key == word) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", word, config::yaml_string(key));
  }
  return text.empty() ? text : fmt::format("ratelimit: {{ entries: {{ {} }} }}\n", text);
}

std::string tiers(const Translation& translation) {
  std::string text;
  for (const std::string& tier : translation.tiers)
    text += (text.empty() ? "" : ", ") + config::yaml_string(tier);
  return fmt::format(
      "identity: {{ default_tier: {} }}\n"
      "tiers: [{}]  # most important first; the last is for those that no descriptor names\n",
      config::yaml_string(translation.default_tier), text);
}

/// "100/min", or a mapping where burst or total are to be said.
std::string limit_value(const DraftLimit* limit, const DraftLimit* total) {
  std::string parts;
  const auto add = [&](std::string part) { parts += (parts.empty() ? "" : ", ") + part; };
  const bool limited = limit != nullptr && limit->rate;
  const bool usual = limited && limit->burst == default_burst(*limit->rate);
  const bool whole = total != nullptr && total->rate;
  if (limited && usual && !whole) return format_rate(*limit->rate);
  if (limited) add("rate: " + format_rate(*limit->rate));
  if (limited && !usual) add(fmt::format("burst: {}", limit->burst));
  if (whole) add("total: " + format_rate(*total->rate));
  if (whole && total->burst != default_burst(*total->rate))
    add(fmt::format("total_burst: {}", total->burst));
  return parts.empty() ? parts : "{ " + parts + " }";
}

std::string origins(const DraftEndpoint& endpoint) {
  std::string text;
  const auto say = [&](const std::string& tier, const DraftLimit& limit, const char* of) {
    text += fmt::format("  # {}: {}: {}{}{}\n", place_of(limit.origin), limit.origin.descriptor,
                        limit.said, of, tier.empty() ? "" : ", tier " + tier);
  };
  for (const auto& [tier, limit] : endpoint.principal) say(tier, limit, ", each user or address");
  if (endpoint.client) say("", *endpoint.client, ", each address");
  for (const auto& [tier, limit] : endpoint.total) say(tier, limit, ", all together");
  return text;
}

std::string endpoint_yaml(const Translation& translation, const DraftEndpoint& endpoint) {
  std::string text = origins(endpoint);
  text += fmt::format("  - name: {}\n", config::yaml_string(endpoint.name));
  if (!endpoint.pattern.empty())
    text += fmt::format("    match: {}\n", config::yaml_string(endpoint.pattern));
  if (!endpoint.method.empty())
    text += fmt::format("    methods: [{}]\n", config::yaml_string(endpoint.method));
  if (endpoint.shadow) text += "    mode: shadow\n";
  std::string limits;
  const auto add = [&](const std::string& whose, const std::string& value) {
    if (!value.empty()) limits += fmt::format("      {}: {}\n", config::yaml_string(whose), value);
  };
  for (const std::string& tier : translation.tiers)
    add(tier, limit_value(endpoint.principal_of(tier), endpoint.total_of(tier)));
  if (endpoint.client) add("client", limit_value(&*endpoint.client, nullptr));
  return limits.empty() ? text : text + "    limits:\n" + limits;
}

}  // namespace

std::string translation_yaml(const Translation& translation) {
  std::string text = head(translation);
  text += "mode: shadow\nlisten: { http: 127.0.0.1:8080, grpc: 127.0.0.1:8081 }\n";
  text += entries(translation) + tiers(translation) + "endpoints:\n";
  for (const DraftEndpoint& endpoint : translation.endpoints)
    text += endpoint_yaml(translation, endpoint);
  return text;
}

std::string remarks_text(const Translation& translation) {
  std::string text;
  for (const Remark& remark : translation.remarks) text += remark_line(remark) + "\n";
  return text;
}

}  // namespace tidelimit::cli
