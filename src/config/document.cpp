#include "config/document.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <vector>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>

#include "base/text.hpp"
#include "base/utf8.hpp"

namespace tidelimit::config {
namespace {

/// Walks a text before it is loaded, for what yaml-cpp 0.7 does not survive: its LoadAll never ends
/// on text that no document takes up, and an alias within its own anchor is never freed.
class Survey : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    ++documents;
    if (documents == 2) second = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (std::count(open_.begin(), open_.end(), anchor) > 0 && !cycle) cycle = mark;
  }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back(anchor);
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back(anchor);
  }
  void OnMapEnd() override { open_.pop_back(); }

  int documents = 0;
  YAML::Mark second;
  std::optional<YAML::Mark> cycle;

 private:
  std::vector<YAML::anchor_t> open_;  ///< anchors of the lists and mappings around this place
};

std::string_view line_at(const std::string& yaml, int line) {
  const auto lines = split(yaml, '\n');
  const auto i = static_cast<std::size_t>(std::max(line, 0));
  return i < lines.size() ? lines[i] : std::string_view{};
}

/// What the YAML library says, with the mend of the usual slips.
std::string syntax_error(const YAML::Exception& error, const std::string& yaml) {
  const std::string prefix = "not readable as YAML: ";
  if (error.msg == "end of sequence flow not found") {
    return prefix + "a [ before this is not closed by ]";
  }
  if (error.msg == "end of map flow not found") {
    return prefix + "a { before this is not closed by }";
  }
  const auto line = line_at(yaml, error.mark.line);
  const auto tab = line.find('\t');
  const bool indented = tab != std::string_view::npos && trim(line.substr(0, tab)).empty();
  return prefix + printable(error.msg) + (indented ? "; indent with spaces, not tabs" : "");
}

/// Names and reasons go into answers, which a caller can't read with bytes that are none of UTF-8.
bool check_encoding(const std::string& yaml, Report& report) {
  int number = 0;
  for (const std::string_view line : split(yaml, '\n')) {
    ++number;
    if (is_utf8(line)) continue;
    report.mistake(number, fmt::format("\"{}\" is not UTF-8: save the file as UTF-8",
                                       printable(trim(line), 80)));
    return false;
  }
  return true;
}

/// Whether the text is one document without aliases in circles.
bool survey(const std::string& yaml, Report& report) {
  std::istringstream text(yaml);
  YAML::Parser parser(text);
  Survey seen;
  while (seen.documents < 2 && parser.HandleNextDocument(seen)) continue;
  if (seen.documents > 1) {
    const bool marked = line_at(yaml, seen.second.line).starts_with("---") ||
                        line_at(yaml, seen.second.line - 1).starts_with("---");
    report.mistake(seen.second.line + 1,
                   marked ? "a second document begins here (---): put all into one"
                          : "not readable as YAML: this belongs to nothing before it");
    return false;
  }
  if (seen.cycle) {
    report.mistake(seen.cycle->line + 1, "an alias (*) within what it stands for: write it out");
    return false;
  }
  return true;
}

}  // namespace

std::optional<YAML::Node> read_document(const std::string& yaml, std::string_view needed,
                                        Report& report) {
  try {
    if (!check_encoding(yaml, report) || !survey(yaml, report)) return std::nullopt;
    const YAML::Node document = YAML::Load(yaml);
    if (!document.IsDefined() || document.IsNull()) {
      report.mistake(1, fmt::format("the file is empty: at least {} is needed", needed));
    } else if (!document.IsMap()) {
      report.mistake(line_of(document), "the file must be a mapping (key: value)");
    } else {
      return document;
    }
  } catch (const YAML::DeepRecursion& deep) {
    report.mistake(std::max(deep.mark.line, 0) + 1, "not readable as YAML: nested too deeply");
  } catch (const YAML::Exception& error) {
    report.mistake(std::max(error.mark.line, 0) + 1, syntax_error(error, yaml));
  }
  return std::nullopt;
}

Result<std::string> read_whole(const std::filesystem::path& file, std::size_t most) {
  using std::filesystem::file_type;
  std::error_code unreadable;
  const auto type = std::filesystem::status(file, unreadable).type();
  if (type == file_type::directory) {
    return fail(Code::invalid_argument, file.string() + ": is a folder: name a YAML file");
  }
  // Whoever opens a pipe waits for its other end. What a shell hands over (/dev/stdin, /dev/fd/63)
  // has one.
  const bool there = type != file_type::not_found && type != file_type::none;
  if (there && type != file_type::regular && !file.native().starts_with("/dev/")) {
    return fail(Code::invalid_argument, file.string() + ": is no regular file: name a YAML file");
  }
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return fail(Code::not_found, fmt::format("{}: {}", file.string(), std::strerror(errno)));
  }
  std::string text(most + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > most) {
    return fail(Code::invalid_argument,
                fmt::format("{}: larger than {} KiB: is this the configuration?", file.string(),
                            most >> 10));
  }
  return text;
}

std::string in_lines(const std::vector<Mistake>& mistakes, const std::filesystem::path& file) {
  std::string lines;
  for (const auto& mistake : mistakes) {
    if (!lines.empty()) lines += '\n';
    lines += fmt::format("{}:{}: {}", file.string(), mistake.line, mistake.message);
  }
  return lines;
}

}  // namespace tidelimit::config
