#include "ingest/input_lines.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace tidelimit::ingest {
namespace {

constexpr std::size_t kExcerpt = 120;

/// How much of an input is looked at to recognise it: usually one buffer, where that tells nothing
/// (a first line of a megabyte) some more.
constexpr std::size_t kFirstLook = 256 * 1024;
constexpr std::size_t kSecondLook = 4 * 1024 * 1024;

std::size_t examples_of(const ReadReport& report, Unreadable reason) {
  return static_cast<std::size_t>(
      std::count_if(report.examples.begin(), report.examples.end(),
                    [&](const UnreadableLine& line) { return line.reason == reason; }));
}

std::string excerpt_of(const Line& line) {
  return printable(line.text, kExcerpt);
}

/// What --strict ends with: the input is wrong, and what can be done about it.
Error refused(const std::string& place_and_reason) {
  return {Code::invalid_argument,
          place_and_reason +
              "\n  mend the input, or leave out --strict to have such input counted and shown"};
}

}  // namespace

std::string describe(const UnreadableLine& line) {
  return line.source + ":" + std::to_string(line.line) + ": " +
         std::string(to_string(line.reason)) + (line.excerpt.empty() ? "" : ": " + line.excerpt);
}

InputLines::InputLines(std::vector<Source> sources, ReadOptions options)
    : sources_(std::move(sources)), options_(std::move(options)) {}

Result<InputLines> InputLines::open(std::vector<Source> sources, ReadOptions options) {
  if (sources.empty()) return fail(Code::invalid_argument, "no input is named");
  InputLines lines(std::move(sources), std::move(options));
  if (!lines.open_next()) return tl::unexpected<Error>(*lines.failure_);
  return lines;
}

bool InputLines::next(Line& line) {
  while (!failure_) {
    if (reader_->next(line)) {
      ++report_.lines;
      return true;
    }
    close_current();
    if (failure_ || !open_next()) return false;
  }
  return false;
}

void InputLines::refuse(const Line& line, Unreadable reason) {
  if (reason == Unreadable::header) {
    --report_.lines;
    return;
  }
  if (reason != Unreadable::too_long && trim(line.text).empty()) reason = Unreadable::blank;
  if (count_refused(reason)) show({source(), line.number, reason, excerpt_of(line)});
}

UnreadableLine InputLines::put_aside(const Line& line, Unreadable reason) {
  ++aside_;
  return {source(), line.number, reason, excerpt_of(line)};
}

void InputLines::accept_aside() {
  --aside_;
  accept();
}

void InputLines::refuse_aside(UnreadableLine line) {
  --aside_;
  if (count_refused(line.reason)) show(std::move(line));
}

/// True: the line is to be shown.
bool InputLines::count_refused(Unreadable reason) {
  ++report_.unreadable;
  ++report_.by_reason[static_cast<std::size_t>(reason)];
  return options_.strict || examples_of(report_, reason) < ReadReport::kExamples;
}

void InputLines::show(UnreadableLine line) {
  if (options_.strict && !failure_) {
    std::string words = describe(line);
    // The last line of what was cut short: say that, too.
    if (reader_->problem()) words += "\n  " + source() + ": " + reader_->problem()->message;
    failure_ = refused(words);
  }
  report_.examples.push_back(std::move(line));
}

/// Goes on to the next input that is not empty and recognises it. False at the end or on failure.
bool InputLines::open_next() {
  while (next_ < sources_.size()) {
    current_ = next_++;
    auto stream = sources_[current_].open();
    if (!stream) {
      failure_ = std::move(stream.error());
      return false;
    }
    reader_.emplace(decompressed(*std::move(stream)));
    if (!reader_->preview(kFirstLook).empty()) return recognise();
    close_current();
    if (failure_) return false;
  }
  finish();
  return false;
}

bool InputLines::recognise() {
  auto format = options_.format.recognise(reader_->preview(kFirstLook));
  if (!format && format.error().code == Code::not_found) {
    format = options_.format.recognise(reader_->preview(kSecondLook));
  }
  if (format) {
    if (recognised_ && format->is_windows() != format_.is_windows()) {
      failure_ = Error{Code::invalid_argument,
                       source() +
                           ": ready windows and requests can't be read together; name "
                           "inputs of one kind"};
      return false;
    }
    format_ = *std::move(format);
    recognised_ = true;
    return true;
  }
  // A rotated file of a few lines of garbage is read as the one before it.
  if (recognised_ && format.error().code == Code::not_found) return true;
  failure_ = Error{Code::invalid_argument, source() + ": " + format.error().message};
  return false;
}

void InputLines::close_current() {
  report_.bytes += reader_->bytes();
  if (recognised_) {
    const std::string name(format_.is_windows() ? "windows" : format_.parser->format());
    if (report_.format.empty())
      report_.format = name;
    else if (report_.format.find(name) == std::string::npos)
      report_.format += ", " + name;
  }
  if (const auto& problem = reader_->problem()) {
    report_.problems.push_back(source() + ": " + problem->message);
    if (options_.strict) failure_ = refused(report_.problems.back());
  }
}

/// At the end of everything: input that held nothing is an error, not an empty result.
void InputLines::finish() {
  if (options_.format.names_fields() && recognised_ &&
      report_.format.find("json") == std::string::npos) {
    report_.problems.push_back("--field names fields of JSON, and no input is JSON (format: " +
                               report_.format + "): it changes nothing");
  }
  if (report_.requests + aside_ > 0) return;
  std::string name = sources_.front().name;
  if (sources_.size() > 1) name = "the " + std::to_string(sources_.size()) + " inputs";
  std::string message = name + ": no readable line";
  if (report_.lines == 0) message = name + (sources_.size() > 1 ? ": all empty" : ": empty input");
  if (!report_.examples.empty())
    message += " in " + std::to_string(report_.lines) +
               "; the first: " + describe(report_.examples.front());
  for (const std::string& problem : report_.problems) message += "\n  " + problem;
  failure_ = Error{Code::invalid_argument, message};
}

}  // namespace tidelimit::ingest
