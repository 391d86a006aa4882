#include "serve/admin/configurations.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/hash.hpp"
#include "config/document.hpp"

namespace tidelimit::serve {
namespace {

/// The earlier configuration that a hold names.
Result<config::Config> held_configuration(const engine::ConfigurationHold& hold,
                                          const std::filesystem::path& file,
                                          engine::History& history) {
  const auto kept = history.configurations();
  if (!kept) return tl::unexpected(kept.error());
  const auto found = std::find_if(kept->begin(), kept->end(), [&](const auto& record) {
    return record.fingerprint == hold.fingerprint;
  });
  if (found == kept->end()) return fail(Code::not_found, "it is kept no more");
  return config::load(found->text, file);
}

}  // namespace

std::string fingerprint_of(std::string_view text) {
  constexpr std::uint64_t kNoKey = 0;
  return fmt::format("{:016x}", hash_bytes(text, kNoKey)).substr(0, 12);
}

Result<ChosenConfiguration> choose_configuration(const std::filesystem::path& file,
                                                 engine::History* history) {
  const auto text = config::read_whole(file);
  if (!text) return tl::unexpected(text.error());
  auto config = config::load(*text, file);
  std::string ended;
  if (history != nullptr) {
    auto hold = history->hold();
    if (!hold) {
      ended = hold.error().message;
    } else if (*hold && (*hold)->over != fingerprint_of(*text)) {
      ended = "the file has changed";
    } else if (*hold) {
      if (auto held = held_configuration(**hold, file, *history)) {
        // As at a reload: these are the process's, whatever a configuration says.
        if (config) held->listen = std::move(config->listen);
        if (config) held->state = std::move(config->state);
        return ChosenConfiguration{std::move(*held), std::move(*hold), {}};
      } else {
        ended = held.error().message;
      }
    }
  }
  if (!config) return tl::unexpected(config.error());
  if (!ended.empty()) {
    if (auto put = history->put_hold(nullptr); !put) ended += "; " + put.error().message;
  }
  return ChosenConfiguration{std::move(*config), {}, std::move(ended)};
}

void keep_configuration(const config::Config& config, engine::History* history, WallTime now) {
  if (history == nullptr || config.text.empty()) return;
  const auto kept =
      history->put_configuration({fingerprint_of(config.text), config.text, now, now});
  if (!kept) spdlog::warn("the configuration is not kept: {}", kept.error().message);
}

std::string in_words(const engine::ConfigurationHold& hold) {
  return fmt::format("held: {} (by {}: {}) in place of the file, until that changes",
                     hold.fingerprint, hold.by, hold.reason);
}

}  // namespace tidelimit::serve
