#include "anomaly/outlier_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <unistd.h>

#include "base/text.hpp"
#include "ingest/byte_stream.hpp"

namespace tidelimit::bench {
namespace {

Result<std::string> read_whole(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return fail(Code::invalid_argument, "is a folder, not a file");
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail(Code::not_found, "can't be opened; is the path right?");
  const auto stream = ingest::decompressed(ingest::descriptor_stream(descriptor, true));
  std::string text;
  std::vector<char> block(1u << 16);
  for (;;) {
    const auto got = stream->read(block);
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return text;
    text.append(block.data(), *got);
  }
}

/// Without the quotes that some writers put around names.
std::string_view unquoted(std::string_view field) {
  field = trim(field);
  const bool quoted = field.size() >= 2 && field.front() == '"' && field.back() == '"';
  return quoted ? trim(field.substr(1, field.size() - 2)) : field;
}

Result<float> number(std::string_view field) {
  const auto value = parse_double(trim(field));
  const char* trouble = nullptr;
  if (!value)
    trouble = "is not a number";
  else if (std::fabs(*value) > std::numeric_limits<float>::max())
    trouble = "is too large for a float";
  if (trouble == nullptr) return static_cast<float>(*value);
  return fail(Code::invalid_argument, fmt::format("\"{}\" {}", printable(field, 60), trouble));
}

Result<OutlierTable> parse(std::string_view text) {
  OutlierTable table;
  std::vector<std::string_view> names;
  bool labelled = false;
  std::size_t line_number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++line_number;
    if (line.empty()) continue;
    const std::vector<std::string_view> fields = split(line, ',');
    if (names.empty()) {
      names = fields;
      // A label that goes for a number would tell what is to be found out.
      labelled = equals_ignoring_case(unquoted(names.back()), "label");
      table.columns = names.size() - (labelled ? 1 : 0);
      if (table.columns == 0) {
        return fail(Code::invalid_argument, "the header names no column beside the label");
      }
      continue;
    }
    if (fields.size() != names.size()) {
      return fail(Code::invalid_argument, fmt::format("line {}: {} fields where the header has {}",
                                                      line_number, fields.size(), names.size()));
    }
    for (std::size_t c = 0; c < table.columns; ++c) {
      const auto value = number(fields[c]);
      if (!value)
        return fail(value.error().code,
                    fmt::format("line {}, column {}: {}", line_number,
                                printable(unquoted(names[c]), 60), value.error().message));
      table.values.push_back(*value);
    }
    table.outlier.push_back(labelled && unquoted(fields.back()) == "1");
  }
  if (table.outlier.size() < 2) {
    return fail(Code::invalid_argument,
                fmt::format("a forest needs a header and at least 2 rows, and there are {}",
                            table.outlier.size()));
  }
  return table;
}

}  // namespace

Result<OutlierTable> read_outliers(const std::filesystem::path& path) {
  const auto text = read_whole(path);
  if (!text) return fail_in(path.string(), text.error());
  auto table = parse(*text);
  if (!table) return fail_in(path.string(), table.error());
  const std::string file = path.filename().string();
  table->name = file.substr(0, file.find('.'));
  return table;
}

std::vector<OutlierTable> read_all_outliers(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename().string().find(".csv") != std::string::npos) {
      paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<OutlierTable> all;
  for (const auto& path : paths) {
    auto table = read_outliers(path);
    if (table) {
      all.push_back(std::move(*table));
    } else {
      std::fprintf(stderr, "%s\n", table.error().message.c_str());
    }
  }
  return all;
}

}  // namespace tidelimit::bench
