#include "cli/import/translation.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/http_method.hpp"
#include "base/text.hpp"
#include "cli/import/converted_limit.hpp"
#include "cli/import/descriptor_path.hpp"
#include "cli/import/pattern.hpp"
#include "cli/import/settling.hpp"

namespace tidelimit::cli {
namespace {

using config::Descriptor;

constexpr std::size_t kMostEndpoints = 999;  // and `other`
constexpr std::size_t kMostTiers = 63;       // and the default

/// Takes descriptors to endpoints, one by one.
class Translator {
 public:
  explicit Translator(const KeyWords& words) : reader_(words, remarks_) {}

  void take(const config::DescriptorFile& file) {
    std::vector<const Descriptor*> levels;
    for (const Descriptor& descriptor : file.descriptors) walk(file, descriptor, levels);
  }
  [[nodiscard]] Translation finish();

 private:
  void walk(const config::DescriptorFile& file, const Descriptor& descriptor,
            std::vector<const Descriptor*>& levels);
  void add(DescriptorPath path);
  [[nodiscard]] bool has_room_for_tier(const DescriptorPath& path);
  [[nodiscard]] DraftEndpoint* endpoint_of(const DescriptorPath& path);
  [[nodiscard]] std::optional<DraftLimit> limit_of(const DescriptorPath& path);
  void put(const DescriptorPath& path, DraftEndpoint& endpoint, DraftLimit limit);
  void put_in(std::map<std::string, DraftLimit>& limits, const std::string& tier,
              const DescriptorPath& path, DraftLimit limit);
  void remark_differences(const DescriptorPath& path, const DraftEndpoint& endpoint);
  void remark(const DescriptorPath& path, std::string what, std::string mend) {
    remarks_.push_back({path.origin, std::move(what), std::move(mend)});
  }

  std::set<std::string> tiers_;  ///< that have a name
  std::vector<DraftEndpoint> endpoints_;
  DraftEndpoint other_;
  std::vector<Remark> remarks_;
  PathReader reader_;
};

void Translator::walk(const config::DescriptorFile& file, const Descriptor& descriptor,
                      std::vector<const Descriptor*>& levels) {
  levels.push_back(&descriptor);
  if (descriptor.limit || descriptor.descriptors.empty()) {
    std::string name;
    for (const Descriptor* level : levels)
      name += (name.empty() ? "" : " > ") + config::describe(*level);
    add({{file.file, descriptor.line, std::move(name)}, levels, {}});
  }
  for (const Descriptor& nested : descriptor.descriptors) walk(file, nested, levels);
  levels.pop_back();
}

void Translator::add(DescriptorPath path) {
  if (!reader_.read(path) || !has_room_for_tier(path)) return;
  auto limit = limit_of(path);
  if (!limit) return;
  DraftEndpoint* endpoint = endpoint_of(path);
  if (endpoint == nullptr) return;
  remark_differences(path, *endpoint);
  put(path, *endpoint, std::move(*limit));
}

bool Translator::has_room_for_tier(const DescriptorPath& path) {
  const Descriptor* tier = path.word(Word::tier);
  if (tier == nullptr || tier->value.empty()) return true;
  if (tiers_.size() == kMostTiers && tiers_.count(tier->value) == 0) {
    remark(path, fmt::format("there are {} tiers already", kMostTiers), "put tiers together");
    return false;
  }
  tiers_.insert(tier->value);
  return true;
}

std::optional<DraftLimit> Translator::limit_of(const DescriptorPath& path) {
  const auto& limit = path.last().limit;
  DraftLimit draft{
      path.origin,          words_of(limit),       std::nullopt, 0, path.last().shadow_mode,
      path.has(Word::path), path.has(Word::method)};
  if (!limit || limit->unlimited) return draft;
  if (limit->requests_per_unit == 0) {
    remark(path, "a limit of 0 lets nothing pass, and limits here begin at 1",
           "refuse these requests in Envoy (direct_response: { status: 403 })");
    return std::nullopt;
  }
  const auto converted = convert(*limit);
  if (!converted) {
    remark(path, fmt::format("{} is no rate from 1/d to 1000000000/s", draft.said),
           "choose a rate within that");
    return std::nullopt;
  }
  draft.rate = converted->rate;
  draft.burst = converted->burst;
  if (!converted->exact)
    remark(path, fmt::format("{} is {} here, rounded down", draft.said, format_rate(*draft.rate)),
           "round it up if that is too little");
  if (!converted->whole)
    remark(path, fmt::format("{} could come at once; here {} can", draft.said, converted->burst),
           "raise the rate if that is too little");
  return draft;
}

DraftEndpoint* Translator::endpoint_of(const DescriptorPath& path) {
  const Descriptor* at = path.word(Word::path);
  const Descriptor* method = path.word(Word::method);
  if (at == nullptr && method == nullptr) return &other_;
  const auto pattern = at != nullptr ? path_pattern(at->value) : Result<std::string>("/**");
  if (!pattern) {
    remark(path, "no endpoint matches like this path: " + pattern.error().message,
           "write the paths as whole segments: /a/b, /a/*/c or /a/**");
    return nullptr;
  }
  const std::string name = method != nullptr ? method->value : "";
  if (!is_http_method(name)) {
    remark(path, fmt::format("\"{}\" is no HTTP method", printable(name)), "name each method");
    return nullptr;
  }
  for (DraftEndpoint& known : endpoints_) {
    if (!equals_ignoring_case(known.pattern, *pattern) || !equals_ignoring_case(known.method, name))
      continue;
    if (known.pattern != *pattern)
      remark(path,
             fmt::format("paths are the same here in upper and lower case: it is \"{}\"",
                         known.pattern),
             "keep the limit that is meant");
    return &known;
  }
  if (endpoints_.size() == kMostEndpoints) {
    remark(path, fmt::format("there are {} endpoints already", kMostEndpoints),
           "put paths together, as in /a/**");
    return nullptr;
  }
  endpoints_.emplace_back();
  endpoints_.back().pattern = *pattern;
  endpoints_.back().method = name;
  return &endpoints_.back();
}

/// Limits that become nearly, but not quite, what they were.
void Translator::remark_differences(const DescriptorPath& path, const DraftEndpoint& endpoint) {
  const Descriptor* at = path.word(Word::path);
  if (at != nullptr && at->wildcard() && !at->share_threshold && path.last().limit &&
      !path.last().limit->unlimited)
    remark(path,
           fmt::format("each path under {} had a count of its own; here the endpoint has one",
                       endpoint.pattern),
           "make an endpoint of each path that matters");
  if (path.has(Word::user_id) && path.by_address())
    remark(path, "users had a count of their own at each address; here they have one",
           "add a limit `client` to the endpoint for each address");
  else if (path.has(Word::masked_remote_address))
    remark(path, "each network had a count; here each address has (IPv6: each /64)",
           "lower it by as many as share it, if that is too much");
}

/// A limit on whom the descriptor counts apart: users, addresses, or nobody.
void Translator::put(const DescriptorPath& path, DraftEndpoint& endpoint, DraftLimit limit) {
  const Descriptor* level = path.word(Word::tier);
  const std::string tier = level != nullptr ? level->value : "";
  if (!path.by_address() && !path.has(Word::user_id)) {
    put_in(endpoint.total, tier, path, std::move(limit));
  } else if (path.has(Word::user_id) || level != nullptr) {
    put_in(endpoint.principal, tier, path, std::move(limit));
  } else if (endpoint.client) {
    remark(path,
           fmt::format("the endpoint has a limit per address already, from {}:{}",
                       endpoint.client->origin.file.string(), endpoint.client->origin.line),
           "keep the one that is meant");
  } else {
    endpoint.client = std::move(limit);
  }
}

void Translator::put_in(std::map<std::string, DraftLimit>& limits, const std::string& tier,
                        const DescriptorPath& path, DraftLimit limit) {
  const auto [there, fresh] = limits.emplace(tier, limit);
  if (fresh) return;
  remark(path,
         fmt::format("the endpoint has this limit already, from {}:{}",
                     there->second.origin.file.string(), there->second.origin.line),
         "keep the one that is meant");
}

Translation Translator::finish() {
  Translation done;
  done.endpoints = std::move(endpoints_);
  done.endpoints.push_back(std::move(other_));
  done.keys = reader_.keys();
  done.remarks = std::move(remarks_);
  settle(done);
  return done;
}

const DraftLimit* find_for(const std::map<std::string, DraftLimit>& limits,
                           const std::string& tier) {
  auto found = limits.find(tier);
  if (found == limits.end()) found = limits.find("");
  return found == limits.end() ? nullptr : &found->second;
}

}  // namespace

const DraftLimit* DraftEndpoint::principal_of(const std::string& tier) const {
  return find_for(principal, tier);
}

const DraftLimit* DraftEndpoint::total_of(const std::string& tier) const {
  return find_for(total, tier);
}

Translation translate(std::vector<config::DescriptorFile> files, const KeyWords& words) {
  Translator translator(words);
  for (const config::DescriptorFile& file : files) translator.take(file);
  Translation done = translator.finish();
  done.files = std::move(files);
  return done;
}

}  // namespace tidelimit::cli
