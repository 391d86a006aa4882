#include <algorithm>
#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "config/sections.hpp"

namespace tidelimit::config {
namespace {

/// By which gateways tell of a request: what they hold is known from them.
constexpr std::string_view kOfGateways[] = {
    "x-forwarded-for", "x-real-ip",         "x-original-uri",
    "x-forwarded-uri", "x-original-method", "x-forwarded-method",
};

/// The name of a header, in lower case.
std::optional<std::string> read_header(const Field& field, Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const bool good = std::all_of(text->begin(), text->end(),
                                [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
  if (good && text->size() <= 64) return to_lower(*text);
  report.mistake(field.line, fmt::format("{}: \"{}\" is no header name: write it like x-user-id",
                                         field.where, printable(*text)));
  return std::nullopt;
}

/// One that names a user or a tier.
std::optional<std::string> read_own_header(const Field& field, Report& report) {
  auto name = read_header(field, report);
  if (!name ||
      std::find(std::begin(kOfGateways), std::end(kOfGateways), *name) == std::end(kOfGateways))
    return name;
  report.mistake(field.line,
                 fmt::format("{}: {} is how gateways tell the request's address, path or method: "
                             "name one that they set for this, like x-user-id",
                             field.where, *name));
  return std::nullopt;
}

void read_proxies(const Field& field, Identity& identity, Report& report) {
  identity.trusted_proxies.clear();
  for (const auto& item : read_items(field, report)) {
    const auto prefix = read_prefix(item, report);
    if (!prefix) continue;
    identity.trusted_proxies.push_back(*prefix);
    if (takes_in_strangers(*prefix))
      report.warning(item.line,
                     fmt::format("{} takes in {}, where anybody may be: whoever calls from there "
                                 "is believed to be any client, and never blocked: name your "
                                 "gateways' own networks",
                                 field.where, format_prefix(*prefix)));
  }
  if (field.node.IsSequence() && field.node.size() == 0)
    report.warning(field.line, field.where +
                                   " is an empty list, so that nobody may ask: name your gateways, "
                                   "or remove it for those of this host");
}

}  // namespace

bool takes_in_strangers(const Prefix& prefix) {
  constexpr int kWidest = 8;
  constexpr int kWidestV6 = 32;  // of a provider
  const bool v4 = prefix.address.is_v4() && prefix.length >= 96;
  return v4 ? prefix.length < 96 + kWidest : prefix.length < kWidestV6;
}

void read_identity(Section& top, Config& config, Report& report) {
  Identity& identity = config.identity;
  auto& policy = config.engine.policy;
  identity.trusted_proxies = {*parse_prefix("127.0.0.0/8"), *parse_prefix("::1/128")};
  if (const auto field = top.take("identity")) {
    Section section(*field, report);
    if (const auto proxies = section.take("trusted_proxies"))
      read_proxies(*proxies, identity, report);
    section.read("user_header", identity.user_header, read_own_header);
    section.read("tier_header", identity.tier_header, read_own_header);
    if (!identity.user_header.empty() && identity.user_header == identity.tier_header)
      report.mistake(field->line,
                     fmt::format("{}: user_header and tier_header are both {}: give each a header "
                                 "of its own",
                                 field->where, identity.user_header));
    section.read("default_tier", policy.default_tier, [&](const Field& value, Report& r) {
      return read_known(value, "tier", tier_names(config), r);
    });
    section.finish();
  }
  config.engine.trusted_proxies = identity.trusted_proxies;
}

}  // namespace tidelimit::config
