#include "serve/admin/configurations.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/hash.hpp"

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
  auto config = config::load(file);
  if (!config) return tl::unexpected(config.error());
  ChosenConfiguration chosen{std::move(*config), {}, {}};
  if (history == nullptr) return chosen;
  auto hold = history->hold();
  if (!hold) {
    chosen.ended = hold.error().message;
    return chosen;
  }
  if (!*hold) return chosen;
  if ((*hold)->over != fingerprint_of(chosen.config.text)) {
    chosen.ended = "the file has changed";
  } else if (auto held = held_configuration(**hold, file, *history)) {
    // As at a reload: these are the process's, whatever a configuration says.
    held->listen = std::move(chosen.config.listen);
    held->state = std::move(chosen.config.state);
    chosen.config = std::move(*held);
    chosen.hold = std::move(*hold);
    return chosen;
  } else {
    chosen.ended = held.error().message;
  }
  if (auto ended = history->put_hold(nullptr); !ended) chosen.ended += "; " + ended.error().message;
  return chosen;
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
