#include <fmt/format.h>

#include "config/sections.hpp"

namespace tidelimit::config {
namespace {

using Kind = CpuSource::Kind;

/// `cpu: host`, `cpu: pushed`, `cpu: { cgroup: FOLDER }` or `cpu: { prometheus: URL, query: "..."
/// }`
std::optional<CpuSource> read_cpu(const Field& field, const Config& config, Report& report) {
  CpuSource source;
  if (field.node.IsScalar()) {
    const auto kind =
        read_choice<Kind>(field, report, {{"host", Kind::host}, {"pushed", Kind::pushed}});
    if (kind) source.kind = *kind;
    return source;
  }
  Section section(field, report);
  section.read("cgroup", source.cgroup,
               [&](const Field& value, Report& r) { return read_path(value, config, r); });
  section.read("prometheus", source.prometheus, read_url);
  section.read("query", source.query, read_text);
  section.finish();
  if (!field.node.IsMap()) return std::nullopt;
  const bool asks = section.has("prometheus");
  const auto mistake = [&](std::string_view what) {
    report.mistake(field.line, fmt::format("{} {}", field.where, what));
    return std::nullopt;
  };
  if (asks == section.has("cgroup")) {
    return mistake(
        "must name one source: host, pushed, { cgroup: FOLDER } or { prometheus: URL, "
        "query: ... }");
  }
  if (asks != section.has("query")) {
    return mistake(asks ? "has no query: add a PromQL query whose value is a share, 0 to 1"
                        : "has a query without prometheus: remove it");
  }
  source.kind = asks ? Kind::prometheus : Kind::cgroup;
  return source;
}

}  // namespace

void read_signals(Section& top, Config& config, Report& report) {
  const auto field = top.take("signals");
  if (!field) return;
  Section section(*field, report);
  section.read("cpu", config.cpu,
               [&](const Field& value, Report& r) { return read_cpu(value, config, r); });
  section.finish();
}

}  // namespace tidelimit::config
