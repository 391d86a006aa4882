#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "config/mistake.hpp"

namespace tidelimit::config {

/// A unit of time of envoyproxy/ratelimit. As there, a month has 30 days and a year 365.
enum class LimitUnit : std::uint8_t { second, minute, hour, day, week, month, year };
[[nodiscard]] Nanos period_of(LimitUnit unit);
[[nodiscard]] const char* to_string(LimitUnit unit);

/// `rate_limit` of a descriptor.
struct DescriptorLimit {
  std::uint32_t requests_per_unit = 0;  ///< 0: nothing passes
  LimitUnit unit = LimitUnit::second;   ///< not to be read when unlimited
  bool unlimited = false;
  std::string name;                   ///< empty: none
  std::vector<std::string> replaces;  ///< names of limits that this one stands in for
};

/// One descriptor of a domain. A request's descriptor meets the limit of the one that matches all
/// of its entries, each a level deeper; limits further up don't hold for it.
struct Descriptor {
  std::string key;
  std::string value;  ///< empty: any, each counted apart; * in it is any run of characters
  std::optional<DescriptorLimit> limit;  ///< none and nothing nested: passes
  bool shadow_mode = false;              ///< counted, never over the limit
  bool quota_mode = false;       ///< over the limit only where all others of its kind are too
  bool share_threshold = false;  ///< one count for all values that * stands for
  bool detailed_metric = false;
  bool value_to_metric = false;
  bool metadata = false;  ///< it has some
  int line = 0;
  std::vector<Descriptor> descriptors;  ///< nested; in order of the file

  [[nodiscard]] bool wildcard() const { return value.find('*') != std::string::npos; }
};

/// One file of envoyproxy/ratelimit: what it limits in a domain.
struct DescriptorFile {
  std::string domain;
  std::filesystem::path file;
  int line = 0;  ///< of `domain`
  std::vector<Descriptor> descriptors;
};

/// "key=value", or the key alone: as mistakes and metrics name a descriptor.
[[nodiscard]] std::string describe(const Descriptor& descriptor);

/// Reads and checks YAML text of envoyproxy/ratelimit: all mistakes at once, in order of lines.
[[nodiscard]] tl::expected<DescriptorFile, std::vector<Mistake>> parse_descriptors(
    const std::string& yaml, const std::filesystem::path& file);

/// The same from files; one Error whose message has a line per mistake. A domain stands in one file
/// only.
[[nodiscard]] Result<std::vector<DescriptorFile>> load_descriptors(
    const std::vector<std::filesystem::path>& files);

}  // namespace tidelimit::config
