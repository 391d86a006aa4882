#include "cli/input.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <map>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/text.hpp"
#include "ingest/newest_first.hpp"
#include "ingest/source_order.hpp"

namespace tidelimit::cli {
namespace {

bool has_wildcard(const std::string& name) {
  return name.find_first_of("*?[") != std::string::npos;
}

bool exists(const std::string& name) {
  struct stat status {};
  return ::stat(name.c_str(), &status) == 0;
}

Result<std::vector<std::string>> expand(const std::string& pattern) {
  glob_t found{};
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> names(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  if (status == 0) return names;
  return fail(Code::not_found, pattern + ": no file matches");
}

/// "-", names and globs as a list of files; "-" stays.
Result<std::vector<std::string>> expand_all(const std::vector<std::string>& inputs) {
  std::vector<std::string> files;
  for (const std::string& input : inputs) {
    if (!has_wildcard(input) || exists(input)) {
      files.push_back(input);
      continue;
    }
    auto names = expand(input);
    if (!names) return names;
    files.insert(files.end(), names->begin(), names->end());
  }
  return files;
}

Result<std::unique_ptr<ingest::ByteStream>> open_file(const std::string& name) {
  if (name == "-") return ingest::descriptor_stream(STDIN_FILENO, false);
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) {
    ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
    return ingest::descriptor_stream(descriptor, true);
  }
  const Code code = errno == EACCES ? Code::permission_denied : Code::not_found;
  return fail(code, name + ": can't be opened: " + std::strerror(errno));
}

Result<std::shared_ptr<const ingest::StoredBytes>> stored(const std::string& name) {
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) return ingest::stored_file(descriptor);
  return fail(Code::not_found, name + ": can't be opened: " + std::strerror(errno));
}

/// An unnamed temporary file that holds what a stream gave, to be read again and again.
class Spool {
 public:
  static Result<std::shared_ptr<Spool>> fill(ingest::ByteStream& stream) {
    auto spool = std::make_shared<Spool>();
    if (!spool->file_) return failed();
    std::array<char, 64 * 1024> piece{};
    for (;;) {
      const auto n = stream.read(piece);
      if (!n) return tl::unexpected(n.error());
      if (*n == 0) break;
      if (std::fwrite(piece.data(), 1, *n, spool->file_.get()) != *n) return failed();
    }
    if (std::fflush(spool->file_.get()) != 0) return failed();
    return spool;
  }

  std::unique_ptr<ingest::ByteStream> rewound() const {
    std::rewind(file_.get());
    return ingest::descriptor_stream(::fileno(file_.get()), false);
  }
  Result<std::shared_ptr<const ingest::StoredBytes>> stored() const {
    const int descriptor = ::fcntl(::fileno(file_.get()), F_DUPFD_CLOEXEC, 0);
    if (descriptor >= 0) return ingest::stored_file(descriptor);
    return failed();
  }

  static tl::unexpected<Error> failed() {
    return fail(Code::resource_exhausted,
                std::string("a temporary copy of it can't be written: ") + std::strerror(errno));
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_{std::tmpfile()};
};

Result<ingest::Source> spooled(const std::string& file, const std::string& shown) {
  auto stream = open_file(file);
  if (!stream) return tl::unexpected(stream.error());
  auto spool = Spool::fill(**stream);
  if (!spool) return fail_in(shown, spool.error());
  return ingest::Source{.name = shown,
                        .open = [spool = *spool]() -> Result<std::unique_ptr<ingest::ByteStream>> {
                          return spool->rewound();
                        },
                        .stored = [spool = *spool] { return spool->stored(); }};
}

Result<ingest::Source> source_of(const std::string& file, Passes passes) {
  const std::string shown = file == "-" ? kStandardInput : file;
  bool regular = false;
  if (file != "-") {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
      return fail(Code::not_found, file + ": " + std::strerror(errno));
    }
    if (S_ISDIR(status.st_mode)) {
      return fail(Code::invalid_argument,
                  file + ": is a directory; name the files in it, as in '" + file + "/*'");
    }
    if (::access(file.c_str(), R_OK) != 0) {
      return fail(Code::permission_denied, file + ": " + std::strerror(errno));
    }
    regular = S_ISREG(status.st_mode);
  }
  if (!regular && passes == Passes::several) return spooled(file, shown);
  ingest::Source source{
      .name = shown, .open = [file] { return open_file(file); }, .only_once = !regular};
  if (regular) source.stored = [file] { return stored(file); };
  return source;
}

/// Says which files are named twice, by whatever name: all that is in them would count twice.
void warn_of_repeats(const std::vector<std::string>& files) {
  std::map<std::pair<dev_t, ino_t>, std::string> seen;
  for (const std::string& file : files) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const auto [first, fresh] = seen.try_emplace({status.st_dev, status.st_ino}, file);
    if (fresh) continue;
    const bool same_name = first->second == file;
    fmt::print(stderr, "warning: {} is named twice{}: its requests count twice; name it once\n",
               file, same_name ? "" : " (it is the same file as " + first->second + ")");
  }
}

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  const std::size_t shown = std::min(names.size(), kShown);
  std::string list = fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (names.size() > shown) list += fmt::format(" and {} more", names.size() - shown);
  return list;
}

/// Newest requests first are turned; rotated files come by name with the newest first.
Result<void> put_in_order(std::vector<ingest::Source>& sources, const ingest::FormatChoice& format,
                          Order order) {
  const auto found = ingest::turn_newest_first(sources, format);
  if (!found.stuck.empty() && order == Order::matters) {
    return fail(Code::invalid_argument,
                fmt::format("{}: the newest requests come first, and what is compressed, or has "
                            "values that span lines, can't be read backwards; unpack it, or sort "
                            "it by time, and name that file",
                            listed(found.stuck)));
  }
  if (!found.turned.empty()) {
    fmt::print(stderr,
               "note: the newest requests come first, so lines are read from the last one "
               "on: {}\n",
               listed(found.turned));
  }
  if (!ingest::order_by_time(sources, format)) return {};
  std::vector<std::string> names;
  for (const ingest::Source& source : sources) names.push_back(source.name);
  fmt::print(stderr, "note: the inputs are read in the order of their times: {}\n", listed(names));
  return {};
}

}  // namespace

void add_input_options(Command command, InputOptions& options, Takes takes) {
  command
      .add_option("INPUT", options.inputs,
                  std::string("Access logs, csv, JSON lines") +
                      (takes == Takes::windows_too ? " or ready windows" : "") +
                      ": files, globs, or - for standard input; gzip and zstd are recognised")
      .required()
      .type_name("");
  command
      .add_option("--format", options.format,
                  "csv, common, combined, json, w3c, envoy, istio, haproxy, alb, or an nginx "
                  "log_format with its $variables; recognised by content where absent")
      .type_name("FORMAT");
  command
      .add_option(
          "--field", options.fields,
          "Where a JSON line has a field, as in client_ip=peer.address, or what a csv column is "
          "called (repeatable); names: "
          "timestamp, client_ip, user_id, user_tier, method, path, status, user_agent, "
          "latency_ms, bytes")
      .type_name("NAME=PATH")
      .one_value_each();
  command.add_flag("--strict", options.strict, "Fail at the first line that can't be read");
}

Result<Input> Input::find(const InputOptions& options, Passes passes, Order order) {
  Input input;
  auto format = ingest::FormatChoice::from_options(options.format, options.fields);
  if (!format) return tl::unexpected(format.error());
  input.options_ = {.format = *std::move(format), .strict = options.strict};
  const auto files = expand_all(options.inputs);
  if (!files) return tl::unexpected(files.error());
  warn_of_repeats(*files);
  bool standard_input = false;
  for (const std::string& file : *files) {
    if (file == "-" && std::exchange(standard_input, true)) {
      return fail(Code::invalid_argument, "standard input (-) is named twice");
    }
    auto source = source_of(file, passes);
    if (!source) return tl::unexpected(source.error());
    input.sources_.push_back(*std::move(source));
  }
  if (auto done = put_in_order(input.sources_, input.options_.format, order); !done) {
    return tl::unexpected(done.error());
  }
  return input;
}

std::string reading_notes(const ingest::ReadReport& report) {
  std::string notes;
  for (const std::string& problem : report.problems) notes += "warning: " + problem + "\n";
  if (report.never_asked > 0) {
    notes += fmt::format(
        "note: {} of {} requests were answered by the gateway, which never asked tidelimit "
        "(\"asked\":"
        "\"0\"): they count among their clients' errors, and no limit or window counts them\n",
        report.never_asked, report.requests);
  }
  if (report.unreadable == 0) return notes;
  notes += fmt::format("{} of {} lines can't be read:\n", report.unreadable, report.lines);
  for (std::size_t i = 0; i < ingest::kUnreadable; ++i) {
    if (report.by_reason[i] == 0) continue;
    const auto reason = static_cast<ingest::Unreadable>(i);
    notes += fmt::format("  {:>9}  {}\n", report.by_reason[i], to_string(reason));
    for (const ingest::UnreadableLine& line : report.examples) {
      if (line.reason != reason) continue;
      notes += fmt::format("             {}:{}: {}\n", line.source, line.line, line.excerpt);
    }
  }
  return notes;
}

std::string gap_note(const traffic::WindowGrid& windows) {
  std::vector<std::string> found;
  for (std::size_t e = 0; e < windows.endpoints.size(); ++e) {
    const auto& row = windows.stats[e];
    const auto gaps = std::count_if(row.begin(), row.end(),
                                    [](const traffic::WindowStats& one) { return !one.observed; });
    if (gaps > 0)
      found.push_back(
          fmt::format("{} {} of {}", printable(windows.endpoints[e], 40), gaps, row.size()));
  }
  if (found.empty()) return {};
  return fmt::format(
      "note: windows that have no row, or not all of their finer ones, count as gaps, not as no "
      "requests: {}; where the export leaves zeros out, write them\n",
      listed(found));
}

std::string order_note(const ingest::ReadReport& report) {
  if (report.out_of_order * 100 <= report.requests) return {};
  return fmt::format(
      "note: {} requests were older than one before them, by up to {}: they count at the later "
      "time; are the inputs in order?{}\n",
      report.out_of_order, format_duration(report.out_of_order_worst),
      report.out_of_order_worst > std::chrono::hours{1}
          ? " If a pipe gave the newest first: write it to a file, and name that"
          : "");
}

}  // namespace tidelimit::cli
