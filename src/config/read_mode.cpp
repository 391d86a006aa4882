#include <fmt/format.h>

#include "base/share.hpp"
#include "base/text.hpp"
#include "config/values.hpp"

namespace tidelimit::config {

std::optional<limiter::Mode> read_mode(const Field& field, Report& report) {
  using limiter::Mode;
  return read_choice<Mode>(
      field, report, {{"enforce", Mode::enforce}, {"shadow", Mode::shadow}, {"off", Mode::off}});
}

std::optional<double> read_share(const Field& field, Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  if (const auto share = parse_share(*text); share.value_or(0) > 0) return share;
  report.mistake(field.line,
                 fmt::format("{}: \"{}\" must be a share above 0 and at most 1, like 5%",
                             field.where, printable(*text)));
  return std::nullopt;
}

std::optional<policy::ModeFor> read_mode_for(const Field& field, Report& report) {
  if (!field.node.IsMap()) {
    const auto mode = read_mode(field, report);
    return mode ? std::optional(policy::ModeFor{*mode, 1}) : std::nullopt;
  }
  policy::ModeFor made;
  Section section(field, report);
  section.read("enforce", made.share, read_share);
  section.finish();
  if (section.has("enforce")) return made;
  report.mistake(field.line, field.where + " names no share: write { enforce: 5% }");
  return std::nullopt;
}

}  // namespace tidelimit::config
