#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "engine/history.hpp"

namespace tidelimit::serve {

/// Which text a configuration is: 12 hexadecimal digits.
[[nodiscard]] std::string fingerprint_of(std::string_view text);

/// The configuration that is to be in force.
struct ChosenConfiguration {
  config::Config config;
  std::optional<engine::ConfigurationHold> hold;  ///< it is an earlier one, in the file's place
  std::string ended;  ///< why a hold has ended, in words; empty: none did
};

/// The file's, or an earlier one that was returned to while the file stays as it is, be it valid or
/// not. A hold ends when the file says something else that is valid, or when what it names is gone
/// or fits this program no more; that is stored. `history` may be null. Errors are the file's.
[[nodiscard]] Result<ChosenConfiguration> choose_configuration(const std::filesystem::path& file,
                                                               engine::History* history);

/// Keeps a configuration that took effect at this time. What can't be kept is logged.
void keep_configuration(const config::Config& config, engine::History* history, WallTime now);

/// "held: 1f2e77b3a0c4 (by ann: reason) in place of the file, until that changes".
[[nodiscard]] std::string in_words(const engine::ConfigurationHold& hold);

}  // namespace tidelimit::serve
