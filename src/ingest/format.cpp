#include "ingest/format.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "ingest/clf_parser.hpp"
#include "ingest/csv_parser.hpp"
#include "ingest/docker_parser.hpp"
#include "ingest/json_parser.hpp"
#include "ingest/pattern_parser.hpp"

namespace tidelimit::ingest {
namespace {

/// Lines looked at, and lines that settle it: a log may begin with a scanner's garbage.
constexpr std::size_t kLooked = 1000;
constexpr std::size_t kSettled = 20;

bool is_pattern(std::string_view format) {
  return format.find('$') != format.npos;
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
      copy_.reserve(size + 64);  // kLinePadding
      return std::string_view(copy_.data(), size);
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
  std::string copy_;
};

std::optional<WindowColumns> window_columns(std::string_view header) {
  WindowColumns columns;
  columns.header = header;
  CsvRow row;
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

bool looks_like_header(std::string_view line) {
  if (trim(line).starts_with('{')) return false;  // JSON may name its fields as csv its columns
  CsvRow row;
  const auto& names = row.split(line);
  const auto is_column = [](std::string_view name) {
    return std::any_of(kColumnNames.begin(), kColumnNames.end(), [&](std::string_view known) {
      return equals_ignoring_case(trim(name), known);
    });
  };
  return names.size() > 1 && std::count_if(names.begin(), names.end(), is_column) > 1;
}

Result<InputFormat> from_header(std::string_view header) {
  if (auto columns = window_columns(header)) {
    return InputFormat{.parser = nullptr, .windows = *std::move(columns)};
  }
  auto parser = CsvParser::from_header(header);
  if (!parser) return tl::unexpected<Error>(parser.error());
  return InputFormat{.parser = *std::move(parser), .windows = {}};
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
  choice.names_fields_ = !fields.empty();
  const std::vector<std::string_view> known = {"csv", "common", "combined", "json"};
  if (is_pattern(format)) {
    if (auto parser = PatternParser::from_pattern(format); !parser) {
      return tl::unexpected<Error>(parser.error());
    }
  } else if (!format.empty() && std::find(known.begin(), known.end(), format) == known.end()) {
    const std::string_view near = closest_word(format, known);
    return fail(Code::invalid_argument,
                "--format " + printable(format, 40) + ": no such format" +
                    (near.empty() ? "" : " (did you mean " + std::string(near) + "?)") +
                    "; it is csv, common, combined, json, or an nginx log_format with $variables");
  }
  if (!fields.empty() && !format.empty() && format != "json") {
    return fail(Code::invalid_argument, "--field names fields of JSON, but --format is " +
                                            printable(format, 40) + "; leave one of them out");
  }
  for (const std::string& field : fields) {
    if (auto added = choice.names_.add_field(field); !added) {
      return tl::unexpected<Error>(added.error());
    }
  }
  return choice;
}

Result<InputFormat> FormatChoice::recognise(std::string_view beginning) const {
  return format_.empty() ? by_content(beginning) : by_name(beginning);
}

Result<InputFormat> FormatChoice::by_name(std::string_view beginning) const {
  if (format_ == "csv") {
    Lines lines(beginning);  // the header is a view into it
    return from_header(lines.next().value_or(""));
  }
  InputFormat format;
  if (format_ == "json") format.parser = std::make_unique<JsonParser>(names_);
  if (format_ == "common" || format_ == "combined") format.parser = std::make_unique<ClfParser>();
  if (is_pattern(format_)) {
    auto parser = PatternParser::from_pattern(format_);
    if (!parser) return tl::unexpected<Error>(parser.error());
    format.parser = *std::move(parser);
  }
  format.parser = unwrapping(std::move(format.parser), beginning);
  return format;
}

Result<InputFormat> FormatChoice::by_content(std::string_view beginning) const {
  Lines lines(beginning);
  const auto first = lines.next();
  if (first && (looks_like_header(*first) || window_columns(*first))) return from_header(*first);

  auto common = unwrapping(std::make_unique<ClfParser>(), beginning);
  auto json = unwrapping(std::make_unique<JsonParser>(names_), beginning);
  const std::size_t common_lines = readable_lines(*common, beginning);
  const std::size_t json_lines = readable_lines(*json, beginning);
  if (common_lines == 0 && json_lines == 0) {
    return fail(Code::not_found,
                "no known format reads its first lines (the first is \"" +
                    printable(first.value_or(""), 80) +
                    "\"); name it with --format: csv, common, combined, json, or an nginx "
                    "log_format such as '$remote_addr [$time_local] \"$request\" $status'");
  }
  InputFormat format;
  if (json_lines > common_lines)
    format.parser = std::move(json);
  else
    format.parser = std::move(common);
  return format;
}

}  // namespace tidelimit::ingest
