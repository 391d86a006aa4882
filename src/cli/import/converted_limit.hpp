#pragma once

#include <optional>
#include <string>

#include "base/rate.hpp"
#include "config/descriptor_file.hpp"

namespace tidelimit::cli {

/// A limit per unit as a rate of the configuration, which knows no unit longer than a day.
struct ConvertedLimit {
  Rate rate;
  std::uint64_t burst = 1;  ///< what the unit lets through at once, as far as a burst may go
  bool exact = true;        ///< else the rate is rounded down
  bool whole = true;        ///< else the burst is less than the unit lets through
};

/// Nothing where it lets more through than a rate can say, or less than one a day. The limit is
/// neither unlimited nor 0.
[[nodiscard]] std::optional<ConvertedLimit> convert(const config::DescriptorLimit& limit);

/// "10 per minute", "unlimited"; nothing at all: "no limit".
[[nodiscard]] std::string words_of(const std::optional<config::DescriptorLimit>& limit);

}  // namespace tidelimit::cli
