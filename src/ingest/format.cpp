#include "ingest/format.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/ascii.hpp"
#include "base/text.hpp"
#include "ingest/clf_parser.hpp"
#include "ingest/csv_parser.hpp"
#include "ingest/docker_parser.hpp"
#include "ingest/json_parser.hpp"
#include "ingest/line_reader.hpp"
#include "ingest/named_patterns.hpp"
#include "ingest/pattern_parser.hpp"
#include "ingest/w3c_parser.hpp"

namespace tidelimit::ingest {
namespace {

/// Lines looked at, and lines that settle it: a log may begin with a scanner's garbage.
constexpr std::size_t kLooked = 1000;
constexpr std::size_t kSettled = 20;

bool is_pattern(std::string_view format) {
  return format.find('$') != format.npos;
}

constexpr std::string_view kNamed[] = {"csv", "common", "combined", "json", "w3c"};

/// What --format takes, for messages.
std::string names_of_formats() {
  std::string names;
  for (const std::string_view name : kNamed) names += std::string(name) + ", ";
  for (const NamedPattern& form : kNamedPatterns) names += std::string(form.name) + ", ";
  return names + "or an nginx log_format";
}

const NamedPattern* named_pattern(std::string_view name) {
  const auto* found = std::find_if(kNamedPatterns.begin(), kNamedPatterns.end(),
                                   [&](const NamedPattern& form) { return form.name == name; });
  return found == kNamedPatterns.end() ? nullptr : found;
}

std::unique_ptr<LineParser> parser_of(const NamedPattern& form) {
  return PatternParser::from_pattern(form.pattern, form.name).value();
}

/// The lines of a beginning, in copies that parsers may read beyond.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  std::optional<std::string_view> next() {
    while (!rest_.empty()) {
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      copy_.assign(rest_.substr(0, end));
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      while (copy_.ends_with('\r')) copy_.pop_back();
      copy_.erase(0, copy_.find_first_not_of('\0'));
      if (trim(copy_).empty()) continue;
      const std::size_t size = copy_.size();
      copy_.reserve(size + kLinePadding);
      return std::string_view(copy_.data(), size);
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
  std::string copy_;
};

constexpr std::string_view kColumnsWanted =
    "timestamp, client_ip and path of requests (others' names with --field, as in "
    "--field timestamp=Time), or timestamp, endpoint and requests of ready windows (timestamp and "
    "value for a single one)";

bool is_window_column(std::string_view name) {
  constexpr std::string_view kNames[] = {"timestamp", "endpoint", "requests", "value"};
  return std::any_of(std::begin(kNames), std::end(kNames),
                     [&](auto known) { return equals_ignoring_case(trim(name), known); });
}

/// The byte between the names of a header: the one that makes most names known, then most names.
char separator_of(std::string_view header, const NamedColumns& others) {
  char best = ',';
  std::pair<std::size_t, std::size_t> most{};
  for (const char separator : {',', ';', '\t'}) {
    CsvRow row(separator);
    const auto& names = row.split(header);
    const auto known = std::count_if(names.begin(), names.end(), [&](std::string_view name) {
      return column_of(name, others) != Column::count_ || is_window_column(name);
    });
    const std::pair found{static_cast<std::size_t>(known), names.size()};
    if (found > most) best = separator;
    most = std::max(most, found);
  }
  return best;
}

std::optional<WindowColumns> window_columns(std::string_view header, char separator) {
  WindowColumns columns;
  columns.header = header;
  columns.separator = separator;
  CsvRow row(separator);
  const auto& names = row.split(header);
  columns.width = names.size();
  for (std::size_t at = 0; at < names.size(); ++at) {
    const std::string name = to_lower(trim(names[at]));
    if (name == "timestamp") columns.timestamp = at;
    if (name == "endpoint") columns.endpoint = at;
    if (name == "requests" || (name == "value" && columns.requests == WindowColumns::kAbsent)) {
      columns.requests = at;
    }
    if (name == "error_rate") columns.error_rate = at;
    if (name == "premium_ratio") columns.premium_ratio = at;
    if (name == "client_ip" || name == "path") return std::nullopt;
  }
  const bool complete =
      columns.timestamp != WindowColumns::kAbsent && columns.requests != WindowColumns::kAbsent;
  return complete ? std::optional(std::move(columns)) : std::nullopt;
}

bool looks_like_header(std::string_view line, char separator, const NamedColumns& others) {
  if (trim(line).starts_with('{')) return false;  // JSON may name its fields as csv its columns
  CsvRow row(separator);
  const auto& names = row.split(line);
  return names.size() > 1 && std::count_if(names.begin(), names.end(), [&](std::string_view name) {
                               return column_of(name, others) != Column::count_;
                             }) > 1;
}

Result<InputFormat> from_header(std::string_view header, char separator,
                                const NamedColumns& others) {
  if (auto columns = window_columns(header, separator)) {
    return InputFormat{.parser = nullptr, .windows = *std::move(columns), .separator = separator};
  }
  auto parser = CsvParser::from_header(header, separator, others);
  if (!parser) return tl::unexpected(parser.error());
  return InputFormat{.parser = *std::move(parser), .windows = {}, .separator = separator};
}

/// Whether a line that no format reads may be a header of names: then that is said.
bool may_be_header(const std::vector<std::string_view>& names) {
  return names.size() > 1 && std::all_of(names.begin(), names.end(), [](std::string_view name) {
           name = trim(name);
           return !name.empty() && is_letter(name[0]) && name.size() <= 64 &&
                  name.find_first_of("[]{}\"") == name.npos;
         });
}

/// `parser`, for lines that docker wrapped where the first ones are.
std::unique_ptr<LineParser> unwrapping(std::unique_ptr<LineParser> parser,
                                       std::string_view beginning) {
  Lines lines(beginning);
  for (std::size_t looked = 0; looked < kSettled; ++looked) {
    const auto line = lines.next();
    if (!line) break;
    if (DockerParser::wraps(*line)) return std::make_unique<DockerParser>(std::move(parser));
  }
  return parser;
}

std::size_t readable_lines(LineParser& parser, std::string_view beginning) {
  Lines lines(beginning);
  traffic::Request request;
  std::size_t readable = 0;
  for (std::size_t looked = 0; looked < kLooked && readable < kSettled; ++looked) {
    const auto line = lines.next();
    if (!line) break;
    if (parser.parse(*line, request) == Unreadable::none) ++readable;
  }
  return readable;
}

}  // namespace

Result<FormatChoice> FormatChoice::from_options(const std::string& format,
                                                const std::vector<std::string>& fields) {
  FormatChoice choice;
  choice.format_ = format;
  choice.fields_ = fields;
  std::vector<std::string_view> known(std::begin(kNamed), std::end(kNamed));
  for (const NamedPattern& form : kNamedPatterns) known.push_back(form.name);
  if (is_pattern(format)) {
    if (auto parser = PatternParser::from_pattern(format); !parser) {
      return tl::unexpected(parser.error());
    }
  } else if (!format.empty() && std::find(known.begin(), known.end(), format) == known.end()) {
    const std::string_view near = closest_word(format, known);
    return fail(Code::invalid_argument,
                "--format " + printable(format, 40) + ": no such format" +
                    (near.empty() ? "" : " (did you mean " + std::string(near) + "?)") +
                    "; it is " + names_of_formats() + " with $variables");
  }
  if (!fields.empty() && !format.empty() && format != "json" && format != "csv") {
    return fail(Code::invalid_argument,
                "--field names fields of JSON and columns of csv, but --format is " +
                    printable(format, 40) + "; leave one of them out");
  }
  for (const std::string& field : fields) {
    if (auto added = choice.names_.add_field(field); !added) {
      return tl::unexpected(added.error());
    }
    choice.columns_.push_back(*parse_field(field));
  }
  return choice;
}

Result<InputFormat> FormatChoice::recognise(std::string_view beginning) const {
  return format_.empty() ? by_content(beginning) : by_name(beginning);
}

Result<InputFormat> FormatChoice::by_name(std::string_view beginning) const {
  if (format_ == "csv") {
    Lines lines(beginning);  // the header is a view into it
    const std::string_view header = lines.next().value_or("");
    return from_header(header, separator_of(header, columns_), columns_);
  }
  InputFormat format;
  if (format_ == "w3c") format.parser = std::make_unique<W3cParser>();
  if (format_ == "json") format.parser = std::make_unique<JsonParser>(names_);
  if (format_ == "common" || format_ == "combined") format.parser = std::make_unique<ClfParser>();
  if (const NamedPattern* form = named_pattern(format_)) format.parser = parser_of(*form);
  if (is_pattern(format_)) {
    auto parser = PatternParser::from_pattern(format_);
    if (!parser) return tl::unexpected(parser.error());
    format.parser = *std::move(parser);
  }
  format.parser = unwrapping(std::move(format.parser), beginning);
  return format;
}

Result<InputFormat> FormatChoice::by_content(std::string_view beginning) const {
  Lines lines(beginning);
  const auto first = lines.next();
  if (first) {
    const char separator = separator_of(*first, columns_);
    if (looks_like_header(*first, separator, columns_) || window_columns(*first, separator)) {
      return from_header(*first, separator, columns_);
    }
  }
  InputFormat format;
  if (first && first->starts_with('#')) {
    format.parser = std::make_unique<W3cParser>();
    if (readable_lines(*format.parser, beginning) > 0) {
      format.parser = std::make_unique<W3cParser>();  // without what it has read
      return format;
    }
  }
  std::size_t most = 0;
  const auto try_out = [&](std::unique_ptr<LineParser> parser) {
    parser = unwrapping(std::move(parser), beginning);
    const std::size_t readable = readable_lines(*parser, beginning);
    if (readable > most) format.parser = std::move(parser);
    most = std::max(most, readable);
  };
  try_out(std::make_unique<ClfParser>());
  try_out(std::make_unique<JsonParser>(names_));
  if (most == 0) {  // their patterns are loose
    for (const NamedPattern& form : kNamedPatterns) try_out(parser_of(form));
  }
  if (most == 0) return fail(Code::not_found, unknown(beginning));
  return format;
}

namespace {

/// Whether these are the first lines of a configuration of tidelimit's.
bool is_configuration(std::string_view beginning) {
  Lines lines(beginning);
  for (std::size_t looked = 0; looked < kSettled; ++looked) {
    const auto line = lines.next();
    if (!line) return false;
    for (const std::string_view key : {"mode:", "listen:", "identity:", "tiers:", "endpoints:"})
      if (line->starts_with(key)) return true;
  }
  return false;
}

}  // namespace

/// Why no format reads any of the lines.
std::string FormatChoice::unknown(std::string_view beginning) const {
  Lines lines(beginning);
  const auto first = lines.next();
  const std::string_view shown = first.value_or("");
  const std::string opening =
      "no known format reads its first lines (the first is \"" + printable(shown, 80) + "\"); ";
  if (is_configuration(beginning))
    return opening + "it is a configuration (for --config), not a log";
  if (shown.substr(line_head(shown)).starts_with('{')) {
    if (std::string advice = JsonParser(names_).advice(shown); !advice.empty()) {
      return opening + advice;
    }
  }
  if (W3cParser::is_directive(shown)) {
    W3cParser w3c;
    traffic::Request request;
    auto line = first;
    for (std::size_t looked = 0; line && looked < kSettled; line = lines.next(), ++looked) {
      if (w3c.parse(*line, request) != Unreadable::header) return opening + w3c.advice(*line);
    }
  }
  CsvRow row(separator_of(shown, columns_));
  if (const auto& names = row.split(shown); may_be_header(names)) {
    return opening + "as a csv header it names " + printable(join_names(names)) +
           "; the columns that are wanted are " + std::string(kColumnsWanted);
  }
  return opening + "name it with --format: " + names_of_formats() +
         " such as '$remote_addr [$time_local] \"$request\" $status'";
}

}  // namespace tidelimit::ingest
