#include <algorithm>
#include <fmt/format.h>

#include "config/sections.hpp"

namespace tidelimit::config {
namespace {

/// A key as proxies write them into descriptors: printable, without spaces.
std::optional<std::string> read_key(const Field& field, Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const bool good =
      !text->empty() && text->size() <= 128 &&
      std::all_of(text->begin(), text->end(), [](char c) { return c > ' ' && c <= '~'; });
  if (good) return text;
  report.mistake(
      field.line,
      fmt::format("{}: \"{}\" is no descriptor key: 1 to 128 printable characters without "
                  "spaces, like user_id",
                  field.where, printable(*text)));
  return std::nullopt;
}

}  // namespace

void read_ratelimit(Section& top, Config& config, Report& report) {
  const auto field = top.take("ratelimit");
  if (!field) return;
  Section section(*field, report);
  for (const char* later : {"domains", "window"}) section.refuse(later);
  if (const auto entries = section.take("entries")) {
    DescriptorNames& names = config.descriptors;
    Section words(*entries, report);
    std::vector<std::string> keys;
    for (const auto& [word, name] :
         {std::pair{"path", &names.path}, std::pair{"method", &names.method},
          std::pair{"user_id", &names.user_id}, std::pair{"tier", &names.tier},
          std::pair{"remote_address", &names.remote_address},
          std::pair{"masked_remote_address", &names.masked_remote_address},
          std::pair{"user_agent", &names.user_agent}}) {
      words.read(word, *name, read_key);
      if (std::find(keys.begin(), keys.end(), *name) != keys.end())
        report.mistake(entries->line,
                       fmt::format("{}: two words are named \"{}\": give each a key of its own",
                                   entries->where, printable(*name)));
      keys.push_back(*name);
    }
    words.finish();
  }
  section.finish();
}

}  // namespace tidelimit::config
