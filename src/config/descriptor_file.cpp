#include "config/descriptor_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <limits>
#include <map>

#include "base/text.hpp"
#include "config/document.hpp"
#include "config/values.hpp"

namespace tidelimit::config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct UnitName {
  LimitUnit unit;
  const char* name;
  Nanos period;
};
constexpr std::array kUnits{
    UnitName{LimitUnit::second, "second", seconds{1}},
    UnitName{LimitUnit::minute, "minute", minutes{1}},
    UnitName{LimitUnit::hour, "hour", hours{1}},
    UnitName{LimitUnit::day, "day", hours{24}},
    UnitName{LimitUnit::week, "week", hours{24 * 7}},
    UnitName{LimitUnit::month, "month", hours{24 * 30}},
    UnitName{LimitUnit::year, "year", hours{24 * 365}},
};

constexpr std::size_t kMaxText = 512;  // of a domain, a key or a value
constexpr int kMaxDepth = 16;          // entries of one descriptor; Envoy's have a handful
constexpr std::size_t kMaxBytes = 4u << 20;
constexpr std::size_t kMaxDescriptors = 100'000;  // of a file; aliases make many of a few lines

const UnitName& entry_of(LimitUnit unit) {
  return kUnits[static_cast<std::size_t>(unit)];
}

/// Absent and "" mean the same there.
std::optional<std::string> read_optional_text(const Field& field, Report& report) {
  if (field.node.IsNull() || (field.node.IsScalar() && field.node.Scalar().empty()))
    return std::string();
  return read_text(field, report);
}

std::optional<std::string> read_short_text(const Field& field, Report& report) {
  auto text = read_optional_text(field, report);
  if (!text || text->size() <= kMaxText) return text;
  report.mistake(field.line, fmt::format("{} is longer than {} bytes", field.where, kMaxText));
  return std::nullopt;
}

std::optional<LimitUnit> read_unit(const Field& field, Report& report) {
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const std::string lower = to_lower(*text);
  std::vector<std::string_view> names;
  for (const UnitName& each : kUnits) {
    if (lower == each.name) return each.unit;
    names.emplace_back(each.name);
  }
  report.mistake(field.line, fmt::format("{}: \"{}\" is no unit{}", field.where, printable(*text),
                                         suggestion(lower, names)));
  return std::nullopt;
}

/// A whole number as YAML 1.1 writes it, for so envoyproxy/ratelimit reads: 1_000, +10, 0x10, and
/// 010, which is 8.
std::optional<std::uint64_t> parse_yaml_uint(std::string text) {
  std::erase(text, '_');
  const std::string_view digits = text.starts_with('+') ? std::string_view(text).substr(1) : text;
  const auto in_base = [&](std::size_t prefix, int base) -> std::optional<std::uint64_t> {
    std::uint64_t value = 0;
    const char* end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data() + prefix, end, value, base);
    if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
    return value;
  };
  if (digits.starts_with("0x") || digits.starts_with("0X")) return in_base(2, 16);
  if (digits.starts_with("0b")) return in_base(2, 2);
  if (digits.starts_with("0o")) return in_base(2, 8);
  return digits.size() > 1 && digits.front() == '0' ? in_base(1, 8) : in_base(0, 10);
}

std::optional<std::uint32_t> read_requests(const Field& field, Report& report) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const auto text = read_text(field, report);
  if (!text) return std::nullopt;
  const auto value = parse_yaml_uint(*text);
  if (value && *value <= kMost) return static_cast<std::uint32_t>(*value);
  report.mistake(field.line, fmt::format("{}: \"{}\" must be a whole number from 0 to {}",
                                         field.where, printable(*text), kMost));
  return std::nullopt;
}

void read_replaces(const Field& field, DescriptorLimit& limit, Report& report) {
  if (field.node.IsNull()) return;
  if (!field.node.IsSequence()) {
    report.mistake(field.line, field.where + " must be a list, like [ { name: other-limit } ]");
    return;
  }
  for (const Field& item : read_items(field, report)) {
    Section section(item, report);
    const auto name = section.take("name");
    std::string text;
    if (name) text = read_text(*name, report).value_or("");
    if (!name && item.node.IsMap())
      report.mistake(item.line, item.where + ": an entry has no name: add name: other-limit");
    if (!text.empty() && text == limit.name)
      report.mistake(item.line,
                     fmt::format("{}: \"{}\" is the limit's own name: name another, or remove it",
                                 item.where, printable(text)));
    if (!text.empty()) limit.replaces.push_back(std::move(text));
    section.finish();
  }
}

std::optional<DescriptorLimit> read_rate_limit(const Field& field, Report& report) {
  if (field.node.IsNull()) return std::nullopt;
  DescriptorLimit limit;
  Section section(field, report);
  if (!field.node.IsMap()) return std::nullopt;
  const bool unit_there = section.has("unit");
  section.read("unit", limit.unit, read_unit);
  section.read("requests_per_unit", limit.requests_per_unit, read_requests);
  section.read("unlimited", limit.unlimited, read_bool);
  section.read("name", limit.name, read_short_text);
  if (const auto replaces = section.take("replaces")) read_replaces(*replaces, limit, report);
  if (limit.unlimited && unit_there) {
    report.mistake(field.line, field.where + " is unlimited and has a unit: remove one of them");
  } else if (!limit.unlimited && !unit_there) {
    report.mistake(field.line, field.where + " has no unit: add unit: minute, or unlimited: true");
  }
  section.finish();
  return limit;
}

/// Reads the lists of one file, which may be nested.
class DescriptorLists {
 public:
  explicit DescriptorLists(Report& report) : report_(report) {}
  [[nodiscard]] std::vector<Descriptor> read(const Field& field, int depth);

 private:
  [[nodiscard]] Descriptor read_one(const Field& item, int depth);
  [[nodiscard]] bool has_room(const Field& item);

  Report& report_;
  std::size_t count_ = 0;
};

std::string name_of(const YAML::Node& node, std::size_t number) {
  const auto text = [&](const char* key) {
    const YAML::Node value = node[key];
    return value && value.IsScalar() ? value.Scalar() : std::string();
  };
  if (!node.IsMap() || text("key").empty()) return fmt::format("descriptor {}", number);
  Descriptor named;
  named.key = text("key");
  named.value = text("value");
  return fmt::format("descriptor \"{}\"", describe(named));
}

Descriptor DescriptorLists::read_one(const Field& item, int depth) {
  Report& report = report_;
  Descriptor descriptor;
  descriptor.line = item.line;
  Section section(item, report);
  section.read("key", descriptor.key, read_short_text);
  section.read("value", descriptor.value, read_short_text);
  if (const auto limit = section.take("rate_limit"))
    descriptor.limit = read_rate_limit(*limit, report);
  for (const auto& [key, flag] : {std::pair{"shadow_mode", &descriptor.shadow_mode},
                                  std::pair{"quota_mode", &descriptor.quota_mode},
                                  std::pair{"share_threshold", &descriptor.share_threshold},
                                  std::pair{"detailed_metric", &descriptor.detailed_metric},
                                  std::pair{"value_to_metric", &descriptor.value_to_metric}})
    section.read(key, *flag, read_bool);
  descriptor.metadata = section.take("metadata").has_value();
  if (const auto nested = section.take("descriptors"))
    descriptor.descriptors = read(*nested, depth + 1);
  section.finish();
  if (item.node.IsMap() && descriptor.key.empty())
    report.mistake(item.line,
                   item.where + " has no key: add key: generic_key, or what Envoy sends");
  if (descriptor.share_threshold && !descriptor.wildcard())
    report.mistake(item.line, item.where +
                                  ": share_threshold is for values with a *: add one to the value, "
                                  "or remove it");
  return descriptor;
}

/// Says once that there are too many.
bool DescriptorLists::has_room(const Field& item) {
  if (++count_ == kMaxDescriptors + 1)
    report_.mistake(item.line, fmt::format("more than {} descriptors in one file: split it up",
                                           kMaxDescriptors));
  return count_ <= kMaxDescriptors;
}

std::vector<Descriptor> DescriptorLists::read(const Field& field, int depth) {
  Report& report = report_;
  std::vector<Descriptor> list;
  if (field.node.IsNull()) return list;
  if (depth > kMaxDepth) {
    report.mistake(field.line,
                   fmt::format("descriptors are nested more than {} deep: no request has so many "
                               "entries",
                               kMaxDepth));
    return list;
  }
  if (!field.node.IsSequence()) {
    report.mistake(field.line, "descriptors must be a list of mappings, each with a key");
    return list;
  }
  std::map<std::pair<std::string, std::string>, int> lines;
  std::size_t number = 0;
  for (const auto& node : field.node) {
    const Field item{node, name_of(node, ++number), line_of(node)};
    if (!has_room(item)) break;
    Descriptor read = read_one(item, depth);
    const auto [first, fresh] = lines.emplace(std::pair{read.key, read.value}, read.line);
    if (!fresh && !read.key.empty())
      report.mistake(read.line, fmt::format("{} stands twice; it is already at line {}: remove one",
                                            item.where, first->second));
    list.push_back(std::move(read));
  }
  return list;
}

void read_file_of_domain(const YAML::Node& node, DescriptorFile& out, Report& report) {
  Section top({node, "", 1}, report);
  out.line = line_of(node);
  if (const auto domain = top.take("domain")) {
    out.line = domain->line;
    out.domain = read_short_text(*domain, report).value_or("");
    if (out.domain.empty() && report.clean())
      report.mistake(domain->line, "domain is empty: name the domain of Envoy's filter");
  } else {
    report.mistake(out.line, "domain is missing: add domain: and the domain of Envoy's filter");
  }
  if (const auto list = top.take("descriptors"))
    out.descriptors = DescriptorLists(report).read(*list, 1);
  top.finish();
}

}  // namespace

Nanos period_of(LimitUnit unit) {
  return entry_of(unit).period;
}

const char* to_string(LimitUnit unit) {
  return entry_of(unit).name;
}

std::string describe(const Descriptor& descriptor) {
  const std::string key = printable(descriptor.key, 80);
  return descriptor.value.empty() ? key : key + "=" + printable(descriptor.value, 80);
}

tl::expected<DescriptorFile, std::vector<Mistake>> parse_descriptors(
    const std::string& yaml, const std::filesystem::path& file) {
  Report report;
  DescriptorFile read;
  read.file = file;
  if (const auto node = read_document(yaml, "domain", report))
    read_file_of_domain(*node, read, report);
  if (!report.clean()) return tl::unexpected(report.take_mistakes());
  return read;
}

Result<std::vector<DescriptorFile>> load_descriptors(
    const std::vector<std::filesystem::path>& files) {
  std::vector<DescriptorFile> all;
  std::string wrong;
  const auto note = [&](const std::string& line) { wrong += (wrong.empty() ? "" : "\n") + line; };
  for (const auto& file : files) {
    const auto text = read_whole(file, kMaxBytes);
    if (!text) {
      note(text.error().message);
      continue;
    }
    auto read = parse_descriptors(*text, file);
    if (!read) {
      note(in_lines(read.error(), file));
      continue;
    }
    const auto same = std::find_if(all.begin(), all.end(), [&](const DescriptorFile& other) {
      return other.domain == read->domain;
    });
    if (same == all.end()) {
      all.push_back(std::move(*read));
    } else {
      note(fmt::format("{}:{}: domain \"{}\" stands in {}:{} already: put both into one file",
                       file.string(), read->line, printable(read->domain), same->file.string(),
                       same->line));
    }
  }
  if (!wrong.empty()) return fail(Code::invalid_argument, std::move(wrong));
  return all;
}

}  // namespace tidelimit::config
