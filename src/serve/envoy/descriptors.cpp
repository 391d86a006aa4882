#include "serve/envoy/descriptors.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "base/hash.hpp"
#include "base/text.hpp"
#include "limiter/loose_limits.hpp"
#include "serve/gate/settings.hpp"

namespace tidelimit::serve::envoy {
namespace {

using ::envoy::type::v3::RateLimitUnit;

constexpr std::uint64_t kMarkSeed = 0x656e766f79;  // keys are hashed anew with the process's seed

}  // namespace

tl::unexpected<Error> wrong_descriptor(std::size_t at, std::string_view what) {
  return fail(Code::invalid_argument, fmt::format("descriptors[{}]: {}", at, what));
}

std::optional<Nanos> period_of(RateLimitUnit unit) {
  using config::LimitUnit;
  switch (unit) {
    case RateLimitUnit::SECOND:
      return config::period_of(LimitUnit::second);
    case RateLimitUnit::MINUTE:
      return config::period_of(LimitUnit::minute);
    case RateLimitUnit::HOUR:
      return config::period_of(LimitUnit::hour);
    case RateLimitUnit::DAY:
      return config::period_of(LimitUnit::day);
    case RateLimitUnit::MONTH:
      return config::period_of(LimitUnit::month);
    case RateLimitUnit::YEAR:
      return config::period_of(LimitUnit::year);
    default:
      return std::nullopt;
  }
}

limiter::Hits hits_of(const RateLimitRequest& call, const DescriptorMessage& one) {
  if (!one.has_hits_addend()) return call.hits_addend() == 0 ? 1 : call.hits_addend();
  return static_cast<limiter::Hits>(std::min<std::uint64_t>(
      one.hits_addend().value(), std::numeric_limits<limiter::Hits>::max()));
}

tl::unexpected<Error> too_many_descriptors(std::size_t count, std::size_t most) {
  return fail(Code::invalid_argument,
              fmt::format("descriptors: {} are more than the {} of one call", count, most));
}

std::optional<Address> address_in(std::string_view entry) {
  const auto zone = entry.find('%');
  return parse_address(zone == entry.npos || entry.find(':') > zone ? entry
                                                                    : entry.substr(0, zone));
}

Result<void> check_shape(const RateLimitRequest& call) {
  if (call.descriptors_size() == 0)
    return fail(Code::invalid_argument, "descriptors: there is none");
  for (int i = 0; i < call.descriptors_size(); ++i) {
    const auto& entries = call.descriptors(i).entries();
    if (entries.empty()) return wrong_descriptor(static_cast<std::size_t>(i), "it has no entries");
    if (call.descriptors(i).is_negative_hits())
      return wrong_descriptor(static_cast<std::size_t>(i),
                              "is_negative_hits: hits are not given back here; charge them when "
                              "the response is done (apply_on_stream_done)");
    for (const auto& entry : entries)
      if (entry.key().empty())
        return wrong_descriptor(static_cast<std::size_t>(i), "an entry has no key");
  }
  return {};
}

Result<std::span<const engine::EngineWorker::Asked>> DescriptorReader::read(
    const RateLimitRequest& call, const config::DescriptorNames& names, const Address& caller) {
  const auto count = static_cast<std::size_t>(call.descriptors_size());
  if (count > kMost) return too_many_descriptors(count, kMost);
  for (std::size_t i = 0; i < count; ++i) {
    if (auto read = read_words(call.descriptors(static_cast<int>(i)), names, i); !read)
      return tl::unexpected(read.error());
  }
  const Words common = in_common(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& descriptor = call.descriptors(static_cast<int>(i));
    const auto word = [&](Word which) {
      const auto& own = words_[i].said[which];
      return own ? *own : common.said[which].value_or(std::string_view());
    };
    asked_[i] = {};
    traffic::Request& request = asked_[i].request;
    request.path = word(kPath);
    request.method = word(kMethod);
    if (request.method.empty()) request.method = kDefaultMethod;
    request.user_id = word(kUserId);
    request.tier = word(kTier);
    request.user_agent = word(kUserAgent);
    asked_[i].hits = hits_of(call, descriptor);
    if (auto read = read_client(words_[i], common, caller, i); !read)
      return tl::unexpected(read.error());
    if (!descriptor.has_limit()) continue;
    if (auto read = read_limit(descriptor, i); !read) return tl::unexpected(read.error());
  }
  return std::span<const engine::EngineWorker::Asked>(asked_.data(), count);
}

std::optional<DescriptorReader::Word> DescriptorReader::word_of(
    std::string_view key, const config::DescriptorNames& names) {
  if (key == names.path) return kPath;
  if (key == names.method) return kMethod;
  if (key == names.user_id) return kUserId;
  if (key == names.tier) return kTier;
  if (key == names.remote_address) return kRemoteAddress;
  if (key == names.masked_remote_address) return kMaskedAddress;
  if (key == names.user_agent) return kUserAgent;
  return std::nullopt;
}

Result<void> DescriptorReader::read_words(const Descriptor& descriptor,
                                          const config::DescriptorNames& names, std::size_t at) {
  Words& words = words_[at];
  words = {};
  for (const auto& entry : descriptor.entries()) {
    words.mark = mix(words.mark, hash_bytes(entry.key(), kMarkSeed));
    const auto word = word_of(entry.key(), names);
    if (!word) {
      words.mark = mix(words.mark, hash_bytes(entry.value(), kMarkSeed));
      continue;
    }
    auto& said = words.said[*word];
    if (said && *said != entry.value())
      return wrong_descriptor(at, fmt::format("{} is said twice, and not the same", entry.key()));
    said = entry.value();
  }
  return {};
}

DescriptorReader::Words DescriptorReader::in_common(std::size_t count) const {
  Words common;
  for (std::size_t word = 0; word < kWords; ++word) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto& said = words_[i].said[word];
      if (!said) continue;
      if (common.said[word] && *common.said[word] != *said) {
        common.said[word].reset();
        break;
      }
      common.said[word] = said;
    }
  }
  return common;
}

Result<void> DescriptorReader::read_client(const Words& own, const Words& common,
                                           const Address& caller, std::size_t at) {
  traffic::Request& request = asked_[at].request;
  const auto first_of = [&](Word which) {
    return own.said[which] ? own.said[which] : common.said[which];
  };
  // The descriptor that said it, which may be another one of the call.
  const auto sayer = [&](Word which) {
    const auto said = [&](const Words& words) { return words.said[which].has_value(); };
    if (said(own)) return at;
    return static_cast<std::size_t>(std::find_if(words_.begin(), words_.end(), said) -
                                    words_.begin());
  };
  if (const auto text = first_of(kRemoteAddress)) {
    const auto address = address_in(*text);
    if (!address)
      return wrong_descriptor(
          sayer(kRemoteAddress),
          fmt::format("remote_address \"{}\" is no IP address: send it as Envoy's "
                      "remote_address action does, like 203.0.113.7",
                      printable(text->substr(0, 64))));
    request.client = client_of(*address);
    request.client_name = *text;
    return {};
  }
  if (const auto text = first_of(kMaskedAddress)) {
    const auto prefix = parse_prefix(*text);
    if (!prefix)
      return wrong_descriptor(
          sayer(kMaskedAddress),
          fmt::format("masked_remote_address \"{}\" is no network like 203.0.113.0/24",
                      printable(text->substr(0, 64))));
    request.client = client_of(prefix->address);
    request.client_name = *text;
    return {};
  }
  request.client = client_of(caller);
  return {};
}

Result<void> DescriptorReader::read_limit(const Descriptor& descriptor, std::size_t at) {
  const auto& limit = descriptor.limit();
  const auto period = period_of(limit.unit());
  if (!period) return wrong_descriptor(at, kNoUnit);
  const std::uint64_t count = limit.requests_per_unit();
  given_[at].limit = limiter::gcra_limit(count, *period);
  given_[at].bucket = mix(words_[at].mark, static_cast<std::uint64_t>(limit.unit()));
  asked_[at].given = &given_[at];
  return {};
}

}  // namespace tidelimit::serve::envoy
