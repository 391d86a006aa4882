#include <algorithm>
#include <fmt/format.h>
#include <glob.h>

#include "base/text.hpp"
#include "config/document.hpp"
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

/// By which keys descriptors of the own domain name its words.
void read_entries(const Field& field, DescriptorNames& names, Report& report) {
  Section words(field, report);
  std::vector<std::string> keys;
  for (const auto& [word, name] :
       {std::pair{"path", &names.path}, std::pair{"method", &names.method},
        std::pair{"user_id", &names.user_id}, std::pair{"tier", &names.tier},
        std::pair{"remote_address", &names.remote_address},
        std::pair{"masked_remote_address", &names.masked_remote_address},
        std::pair{"user_agent", &names.user_agent}}) {
    words.read(word, *name, read_key);
    if (std::find(keys.begin(), keys.end(), *name) != keys.end())
      report.mistake(field.line,
                     fmt::format("{}: two words are named \"{}\": give each a key of its own",
                                 field.where, printable(*name)));
    keys.push_back(*name);
  }
  words.finish();
}

std::optional<limiter::Counting> read_window(const Field& field, Report& report) {
  using limiter::Counting;
  return read_choice<Counting>(field, report,
                               {{"gcra", Counting::gcra}, {"fixed", Counting::fixed}});
}

/// The names that a pattern stands for at this moment, in order; itself where it is no pattern.
std::vector<std::filesystem::path> files_of(const std::filesystem::path& pattern) {
  std::error_code why;
  if (pattern.string().find_first_of("*?[") == std::string::npos) {
    if (std::filesystem::exists(pattern, why) || why) return {pattern};
    return {};
  }
  glob_t found{};
  std::vector<std::filesystem::path> files;
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0)
    files.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  return files;
}

/// What a file of envoyproxy/ratelimit says and this gate can't do; and what it need not.
class Objections {
 public:
  Objections(const DescriptorFile& file, Config& config, std::string& mistakes)
      : file_(file), config_(config), mistakes_(mistakes) {}

  void look() {
    if (file_.domain == kOwnDomain)
      object(file_.line, "domain \"tidelimit\" is spoken in the gate's own words: rename this one");
    look(file_.descriptors);
  }

 private:
  void look(const std::vector<Descriptor>& descriptors) {
    for (const Descriptor& each : descriptors) {
      const std::string where = "descriptor \"" + describe(each) + "\": ";
      if (each.quota_mode)
        object(each.line, where +
                              "quota_mode is not supported: any limit that is met denies; "
                              "remove it");
      if (each.detailed_metric || each.value_to_metric)
        warn(each.line, where +
                            "values of requests never become labels of metrics: "
                            "detailed_metric and value_to_metric change nothing");
      if (each.metadata) warn(each.line, where + "metadata is answered to nobody");
      look(each.descriptors);
    }
  }
  void object(int line, const std::string& what) {
    mistakes_ += (mistakes_.empty() ? "" : "\n") + in_lines({{line, what}}, file_.file);
  }
  void warn(int line, const std::string& what) {
    config_.warnings.push_back(in_lines({{line, what}}, file_.file));
  }

  const DescriptorFile& file_;
  Config& config_;
  std::string& mistakes_;
};

}  // namespace

void read_ratelimit(Section& top, Config& config, Report& report) {
  const auto field = top.take("ratelimit");
  if (!field) return;
  Section section(*field, report);
  Domains& domains = config.domains;
  if (const auto list = section.take("domains")) {
    domains.line = list->line;
    for (const Field& item : read_items(*list, report))
      if (auto pattern = read_path(item, config, report))
        domains.patterns.push_back(std::move(*pattern));
    if (!config.listen.grpc)
      report.warning(list->line, list->where + ": nobody can ask for them without listen.grpc");
  }
  if (const auto window = section.take("window")) {
    if (const auto counting = read_window(*window, report)) domains.counting = *counting;
    if (!section.has("domains"))
      report.warning(window->line, window->where +
                                       " is for the domains of ratelimit.domains, and "
                                       "there are none");
  }
  if (const auto entries = section.take("entries"))
    read_entries(*entries, config.descriptors, report);
  section.finish();
}

std::vector<std::filesystem::path> domain_files(const Config& config) {
  std::vector<std::filesystem::path> all;
  for (const auto& pattern : config.domains.patterns)
    for (const auto& file : files_of(pattern))
      if (std::find(all.begin(), all.end(), file) == all.end()) all.push_back(file);
  return all;
}

Result<void> read_domains(Config& config) {
  std::string mistakes;
  for (const auto& pattern : config.domains.patterns)
    if (files_of(pattern).empty())
      mistakes += (mistakes.empty() ? "" : "\n") +
                  in_lines({{config.domains.line, "ratelimit.domains: no file matches " +
                                                      printable(pattern.string()) +
                                                      ": correct the name, or remove it"}},
                           config.file);
  auto files = load_descriptors(domain_files(config));
  if (!files) {
    mistakes += (mistakes.empty() ? "" : "\n") + files.error().message;
  } else {
    config.domains.files = std::move(*files);
    for (const DescriptorFile& file : config.domains.files)
      Objections(file, config, mistakes).look();
  }
  if (!mistakes.empty()) return fail(Code::invalid_argument, std::move(mistakes));
  return {};
}

}  // namespace tidelimit::config
