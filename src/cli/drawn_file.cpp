#include "cli/drawn_file.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>

#include "cli/report/page.hpp"
#include "config/config.hpp"

namespace tidelimit::cli {

namespace {

namespace fs = std::filesystem;

/// Whether the file is empty or begins with `mark`.
bool begins_with(const std::string& file, std::string_view mark) {
  if (!fs::is_regular_file(file)) return false;
  std::ifstream in(file, std::ios::binary);
  std::string head(mark.size(), '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(in.gcount()));
  return !in.bad() && (head == mark || (head.empty() && in.eof()));
}

/// One file under two names, too: by links, or ./ before it.
bool same_file(const std::string& a, const std::string& b) {
  std::error_code unknown;
  return fs::equivalent(a, b, unknown) && !unknown;
}

Result<void> require_place(const std::string& report) {
  if (report == "-")
    return fail(Code::invalid_argument,
                "--report: a page is not printed; name a file, as in report.html");
  const fs::path folder = fs::path(report).parent_path();
  if (!folder.empty() && !fs::is_directory(folder))
    return fail(Code::not_found, fmt::format("--report {}: there is no folder {}; make it, or name "
                                             "another place",
                                             report, folder.string()));
  if (!fs::is_directory(report)) return {};
  return fail(Code::invalid_argument,
              fmt::format("--report {}: is a folder; name a file in it", report));
}

}  // namespace

Result<void> require_replaceable(const std::string& file, std::string_view mark,
                                 std::string_view command, std::string_view or_else) {
  if (!fs::exists(file) || begins_with(file, mark)) return {};
  return fail(Code::invalid_argument,
              fmt::format("{}: is there already and was not drawn by {}; choose another name, or "
                          "{}",
                          file, command, or_else));
}

Result<void> require_report_place(const std::string& report, const Input& input,
                                  const std::vector<ReadFile>& others) {
  if (report.empty()) return {};
  if (auto place = require_place(report); !place) return place;
  const auto is_read = [&](std::string_view what) {
    return fail(Code::invalid_argument,
                fmt::format("--report {}: is {}, and would be written over; choose another name",
                            report, what));
  };
  for (const auto& source : input.sources()) {
    const bool standard_input = source.name == kStandardInput;
    if (same_file(report, standard_input ? "/dev/stdin" : source.name))
      return is_read(standard_input ? "what standard input reads" : "an input");
  }
  for (const ReadFile& other : others) {
    if (!other.file.empty() && same_file(report, other.file))
      return is_read(fmt::format("the file of {}", other.option));
  }
  return require_replaceable(report, report::kMark, "replay or evaluate", "remove that file first");
}

Result<void> require_valid(const std::string& yaml, const std::string& file) {
  const auto parsed = config::parse(yaml, file);
  if (parsed) return {};
  return fail(Code::internal,
              fmt::format("line {} of the configuration drawn is not valid: {}",
                          parsed.error().front().line, parsed.error().front().message));
}

}  // namespace tidelimit::cli
