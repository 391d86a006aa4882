#include "cli/import/descriptor_path.hpp"

#include <fmt/format.h>

#include "base/endpoint_name.hpp"
#include "base/text.hpp"
#include "cli/import/converted_limit.hpp"
#include "cli/import/override_call.hpp"
#include "config/config.hpp"

namespace tidelimit::cli {

using config::Descriptor;

bool PathReader::read(DescriptorPath& path) {
  remark_extras(path);
  return read_words(path) && has_place(path) && has_tier(path);
}

/// What goes along with a limit and changes nothing of it.
void PathReader::remark_extras(const DescriptorPath& path) {
  const Descriptor& last = path.last();
  if (last.detailed_metric || last.value_to_metric)
    remark(path,
           "values of requests never become labels of metrics (detailed_metric, "
           "value_to_metric)",
           "ask a live gate: tidelimit why --user ID, or GET /v1/decisions");
  if (last.metadata) remark(path, "metadata is answered to nobody", "leave it out");
  if (last.limit && !last.limit->replaces.empty())
    remark(path,
           fmt::format("replaces: this limit and \"{}\" hold together here",
                       printable(fmt::format("{}", fmt::join(last.limit->replaces, "\", \"")))),
           "remove the one that is not wanted");
}

/// Which words the levels say. False where one of them says none, or says what no word can.
bool PathReader::read_words(DescriptorPath& path) {
  if (path.last().quota_mode) {
    remark(path, "quota_mode has no equivalent: any limit that is met denies", "leave it out");
    return false;
  }
  for (const Descriptor* level : path.levels) {
    const auto word = words_.word_of(level->key);
    if (!word) {
      remark(path,
             fmt::format("\"{}\" is none of the words that describe a request ({})",
                         printable(level->key), words_of(path.last().limit)),
             fmt::format("make an endpoint of the paths whose routes send it, or say which word it "
                         "is: --word path={}",
                         printable(level->key)));
      return false;
    }
    const auto at = static_cast<std::size_t>(*word);
    if (path.words[at] != nullptr) {
      remark(path, fmt::format("{} is said twice in one descriptor", to_string(*word)),
             "say it once");
      return false;
    }
    path.words[at] = level;
    if (keys_[at].empty()) keys_[at] = level->key;
    if (keys_[at] == level->key) continue;
    remark(path,
           fmt::format("{} is said by \"{}\" elsewhere and by \"{}\" here, and has one name only",
                       to_string(*word), printable(keys_[at]), printable(level->key)),
           "send the same key from all of Envoy's routes");
    return false;
  }
  return true;
}

/// False for what belongs to no endpoint: limits of one user or address, of an agent, of every
/// path.
bool PathReader::has_place(const DescriptorPath& path) {
  for (const Word who : {Word::user_id, Word::remote_address, Word::masked_remote_address}) {
    const Descriptor* level = path.word(who);
    if (level == nullptr || level->value.empty()) continue;
    if (level->wildcard()) {
      remark(path, "a pattern of users or addresses has no limit of its own here",
             who == Word::user_id ? "give these users a tier"
                                  : "put their network on hold by an override: PUT "
                                    "/v1/overrides/203.0.113.0/24");
    } else {
      remark(path, "the limit of one user or address is an override, over all endpoints",
             override_call(who, level->value, path.last().limit));
    }
    return false;
  }
  if (path.has(Word::user_agent)) {
    remark(
        path, "user agents have rules instead of limits",
        "rules: - { name: agents, when: { user_agent: \"curl*\", requests: 20 }, then: { verdict: "
        "suspicious, limit: 10/min, for: 10m } }");
    return false;
  }
  for (const Word which : {Word::path, Word::method}) {
    const Descriptor* level = path.word(which);
    if (level == nullptr || !level->value.empty()) continue;
    remark(path,
           fmt::format("each {} had a count of its own ({})", to_string(which),
                       words_of(path.last().limit)),
           fmt::format("make an endpoint of each {} that matters, or a limit on `other` for all of "
                       "them together",
                       to_string(which)));
    return false;
  }
  return true;
}

bool PathReader::has_tier(const DescriptorPath& path) {
  const Descriptor* tier = path.word(Word::tier);
  if (tier == nullptr || tier->value.empty()) return true;
  if (tier->wildcard()) {
    remark(path, "a pattern of tiers has no limit of its own", "name each of the tiers");
    return false;
  }
  if (!config::is_name(tier->value) || reserved_tier(tier->value) ||
      tier->value == kOtherEndpoint) {
    remark(path, fmt::format("\"{}\" can't be the name of a tier", printable(tier->value)),
           "give the tier another name: letters, digits and _ . : / -, at most 64");
    return false;
  }
  return true;
}

}  // namespace tidelimit::cli
