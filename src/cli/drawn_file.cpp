#include "cli/drawn_file.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <optional>

#include "cli/report/page.hpp"
#include "config/config.hpp"
#include "model/digest.hpp"

namespace tidelimit::cli {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSeal = "# Sealed (an edited file is not written over): sha256 ";

std::string seal_of(std::string_view first_line, std::string_view rest) {
  return fmt::format("{}{}\n", kSeal, model::sha256_hex(std::string(first_line).append(rest)));
}

/// The text up to and with its first line end.
std::string_view first_line_of(std::string_view text) {
  const std::size_t end = text.find('\n');
  return end == text.npos ? text : text.substr(0, end + 1);
}

bool fits_seal(std::string_view text) {
  const std::string_view head = first_line_of(text);
  const std::string_view seal = first_line_of(text.substr(head.size()));
  return seal.starts_with(kSeal) && seal == seal_of(head, text.substr(head.size() + seal.size()));
}

/// The whole of a regular file, or what can be read of it.
std::optional<std::string> text_of(const std::string& file) {
  if (std::error_code unknown; !fs::is_regular_file(file, unknown)) return {};
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  return in.bad() ? std::nullopt : std::optional(std::move(text));
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

std::string sealed(const std::string& yaml) {
  const std::string_view head = first_line_of(yaml);
  const std::string_view rest = std::string_view(yaml).substr(head.size());
  return std::string(head) + seal_of(head, rest) + std::string(rest);
}

bool is_drawn_and_unedited(const std::string& file, std::string_view mark) {
  const auto text = text_of(file);
  return text && text->starts_with(mark) && fits_seal(*text);
}

Result<std::string> place_to_draw(const std::string& file) {
  std::error_code unknown;
  const fs::file_status there = fs::status(file, unknown);
  if (fs::exists(there) && !fs::is_regular_file(there))
    return fail(Code::invalid_argument,
                fmt::format("{}: is no regular file; name one, or - to have it printed", file));
  if (!fs::is_symlink(file, unknown)) return file;
  const fs::path target = fs::path(file).parent_path() / fs::read_symlink(file, unknown);
  return fs::weakly_canonical(fs::absolute(target, unknown), unknown).string();
}

Result<void> require_unedited(const std::string& file, std::string_view mark,
                              std::string_view command) {
  if (!fs::exists(file)) return {};
  const auto text = text_of(file);
  if ((text && text->empty()) || is_drawn_and_unedited(file, mark)) return {};
  if (text && text->starts_with(mark))
    return fail(Code::invalid_argument,
                fmt::format("{}: was edited since {} drew it, or drawn by a version that did not "
                            "seal its files; choose another name and carry over what was edited, "
                            "or --force to lose that",
                            file, command));
  return fail(Code::invalid_argument,
              fmt::format("{}: is there already and was not drawn by {}; choose another name, or "
                          "--force to replace it",
                          file, command));
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
  if (!fs::exists(report)) return {};
  const auto text = text_of(report);
  if (text && (text->empty() || text->starts_with(report::kMark))) return {};
  return fail(Code::invalid_argument,
              fmt::format("{}: is there already and was not drawn by replay or evaluate; choose "
                          "another name, or remove that file first",
                          report));
}

Result<void> require_valid(const std::string& yaml, const std::string& file) {
  const auto parsed = config::parse(yaml, file);
  if (parsed) return {};
  return fail(Code::internal,
              fmt::format("line {} of the configuration drawn is not valid: {}",
                          parsed.error().front().line, parsed.error().front().message));
}

}  // namespace tidelimit::cli
