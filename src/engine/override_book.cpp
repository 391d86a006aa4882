#include "engine/override_book.hpp"

#include <fmt/format.h>
#include <utility>

#include "base/text.hpp"
#include "engine/user_name.hpp"

namespace tidelimit::engine {
namespace {

constexpr std::string_view kUser = "user/";

constexpr std::uint8_t kClientBits = 64;      // of an IPv6 address
constexpr std::uint8_t kTranslatedBits = 96;  // before the IPv4 address in one (RFC 6052)

[[nodiscard]] bool within_client(const Prefix& prefix) {
  return !prefix.address.is_v4() && prefix.length > kClientBits;
}

}  // namespace

Result<std::string> OverrideBook::target_named(const std::string& text) {
  if (text.starts_with(kUser)) {
    if (text.size() > kUser.size()) return text;
    return fail(Code::invalid_argument, "user/ID: the id is empty");
  }
  auto prefix = parse_prefix(text);
  if (!prefix) return tl::unexpected(prefix.error());
  if (within_client(*prefix)) {
    // What a translator writes stands for IPv4, a block of it for a block.
    const ClientId behind = client_of(prefix->address);
    if (behind.is_v4() && prefix->length >= kTranslatedBits)
      return format_prefix({address_of(behind), prefix->length});
    const Prefix whole{address_of({behind.hi, 0}), kClientBits};
    const std::string client = format_prefix(whole);
    if (prefix->length < 128)
      return fail(Code::invalid_argument,
                  fmt::format("\"{}\" is part of one client: an IPv6 client is a /64, write {}",
                              printable(text, 60), client));
    return client;
  }
  return format_prefix(*prefix);
}

Result<void> OverrideBook::check(const OverrideRecord& record) {
  if (record.action == limiter::Action::limit && !record.limit)
    return fail(Code::invalid_argument, "the override of " + record.target +
                                            " limits without a limit: name one, like 10/min");
  if (record.action == limiter::Action::none)
    return fail(Code::invalid_argument,
                "the override of " + record.target + " does nothing: allow, block or limit");
  if (const auto target = target_named(record.target); !target)
    return tl::unexpected(target.error());
  return {};
}

void OverrideBook::put(OverrideRecord record, Now now) {
  record.target = target_named(record.target).value_or(record.target);
  HandBook::put(std::move(record), now);
}

const OverrideBook::Lookup& OverrideBook::lookup(const SipKey& key) const {
  if (lookup_.revision == revision()) return lookup_;
  Lookup made;
  made.revision = revision();
  std::vector<Prefix> prefixes;
  for (std::size_t i = 0; i < all().size(); ++i) {
    const std::string_view target = all()[i].target;
    if (target.starts_with(kUser)) {
      made.users.emplace(user_name(target.substr(kUser.size()), key), i);
    } else if (const auto prefix = parse_prefix(target)) {
      prefixes.push_back(*prefix);
      made.prefix_places.push_back(i);
    }
  }
  made.prefixes = limiter::PrefixIndex(prefixes);
  return lookup_ = std::move(made);
}

const OverrideRecord* OverrideBook::applying(const ClientId& client, std::string_view user,
                                             const SipKey& key) const {
  const Lookup& in = lookup(key);
  if (!user.empty()) {
    const auto found = in.users.find(std::string(user));
    if (found != in.users.end()) return &all()[found->second];
  }
  const auto prefix = in.prefixes.find(client, [](std::size_t) { return true; });
  return prefix ? &all()[in.prefix_places[*prefix]] : nullptr;
}

std::shared_ptr<const limiter::OverrideTable> OverrideBook::table(
    const limiter::Limiter& limiter, const std::vector<Prefix>& allow_list) const {
  std::vector<limiter::Override> overrides;
  for (const auto& record : all()) {
    limiter::Override entry;
    if (record.target.starts_with(kUser)) {
      entry.user = limiter.hash_user(std::string_view(record.target).substr(kUser.size()));
    } else if (const auto prefix = parse_prefix(record.target)) {
      entry.prefix = *prefix;
    } else {
      continue;
    }
    entry.action = record.action;
    if (record.limit)
      entry.limit = limiter::make_limit(*record.limit, default_burst(*record.limit));
    entry.expires_at = end_of(record.target);
    overrides.push_back(entry);
  }
  return std::make_shared<const limiter::OverrideTable>(std::move(overrides), allow_list);
}

}  // namespace tidelimit::engine
