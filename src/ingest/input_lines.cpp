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

/// What to say of text in another encoding, or with the line ends of another age; else empty.
std::string_view wrong_encoding(std::string_view beginning) {
  constexpr std::size_t kEnough = 8;
  const std::string_view pair = beginning.substr(0, 2);
  bool zeros[2] = {beginning.size() >= kEnough, beginning.size() >= kEnough};
  bool letters[2] = {true, true};
  for (std::size_t i = 0; i < std::min(beginning.size(), kEnough); ++i) {
    zeros[i % 2] = zeros[i % 2] && beginning[i] == '\0';
    letters[i % 2] = letters[i % 2] && beginning[i] != '\0';
  }
  if (pair == "\xff\xfe" || pair == "\xfe\xff" || (zeros[0] && letters[1]) ||
      (zeros[1] && letters[0])) {
    return "is UTF-16 text; make it UTF-8: iconv -f UTF-16 -t UTF-8 FILE "
           "(-f UTF-16LE where it has no byte order mark)";
  }
  if (beginning.find('\n') != beginning.npos) return {};
  const std::size_t first = beginning.find('\r');
  if (first < beginning.size() - 1) {
    return "its lines end in CR alone, as on old Macs; end them in LF: tr '\\r' '\\n' < FILE";
  }
  return {};
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
    : sources_(std::move(sources)),
      options_(std::move(options)),
      fields_met_(options_.format.fields().size()) {}

Result<InputLines> InputLines::open(std::vector<Source> sources, ReadOptions options) {
  if (sources.empty()) return fail(Code::invalid_argument, "no input is named");
  InputLines lines(std::move(sources), std::move(options));
  if (lines.open_more()) return lines;
  if (!lines.failure_) lines.finish();
  return tl::unexpected(*lines.failure_);
}

bool InputLines::next_here(Line& line) {
  if (open_ == nullptr) return false;
  if (open_->reader.next(line)) {
    ++report_.lines;
    if (const auto& turned = sources_[current_].turned)
      line.number = turned->number_of(line.number);
    return true;
  }
  close_current();
  return false;
}

std::optional<WallTime> InputLines::next_begins() const {
  if (next_ == sources_.size()) return std::nullopt;
  return sources_[next_].begins.value_or(WallTime::min());
}

void InputLines::select(std::size_t input) {
  if (current_ == input) return;
  const auto found = std::find_if(opened_.begin(), opened_.end(),
                                  [&](const auto& open) { return open->source == input; });
  current_ = input;
  open_ = found == opened_.end() ? nullptr : found->get();
}

void InputLines::refuse(const Line& line, Unreadable reason) {
  if (reason == Unreadable::header) {
    --report_.lines;
    return;
  }
  if (reason != Unreadable::too_long && trim(line.text).empty()) reason = Unreadable::blank;
  if (!count_refused(reason)) return;
  if (report_.requests == 0 && advice_.empty() && open_ != nullptr && !line.too_long &&
      !open_->format.is_windows()) {
    advice_ = open_->format.parser->advice(line.text);
  }
  show({source(), line.number, reason, excerpt_of(line)});
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
    if (open_ != nullptr && open_->reader.problem())
      words += "\n  " + source() + ": " + open_->reader.problem()->message;
    failure_ = refused(words);
  }
  report_.examples.push_back(std::move(line));
}

bool InputLines::open_more() {
  while (next_ < sources_.size() && !failure_) {
    current_ = next_++;
    open_ = nullptr;
    auto stream = sources_[current_].open();
    if (!stream) {
      failure_ = std::move(stream.error());
      return false;
    }
    open_ = opened_.emplace_back(std::make_unique<Open>(current_, decompressed(*std::move(stream))))
                .get();
    if (!open_->reader.preview(kFirstLook).empty()) return recognise();
    close_current();
  }
  return false;
}

Result<InputFormat> InputLines::format_of_current() {
  for (const std::size_t look : {kFirstLook, kSecondLook}) {
    const std::string_view beginning = open_->reader.preview(look);
    auto format = options_.format.recognise(beginning);
    if (format) known_beginning_ = beginning;
    if (format || format.error().code != Code::not_found) return format;
    // A rotated file of a few lines of garbage is read as the one before it, by a parser of its
    // own: that one may still be in use.
    if (look == kSecondLook)
      return known_beginning_.empty() ? std::move(format)
                                      : options_.format.recognise(known_beginning_);
  }
  return fail(Code::internal, "unreachable");
}

bool InputLines::recognise() {
  const std::string_view wrong = wrong_encoding(open_->reader.preview(kFirstLook));
  if (!wrong.empty()) {
    failure_ = Error{Code::invalid_argument, source() + ": " + std::string(wrong)};
    return false;
  }
  const bool first = known_beginning_.empty();
  auto format = format_of_current();
  if (!format) {
    failure_ = Error{Code::invalid_argument, source() + ": " + format.error().message};
    return false;
  }
  if (!first && format->is_windows() != windows_) {
    failure_ = Error{Code::invalid_argument,
                     source() +
                         ": ready windows and requests can't be read together; name "
                         "inputs of one kind"};
    return false;
  }
  windows_ = format->is_windows();
  open_->format = *std::move(format);
  open_->recognised = true;
  if (open_->format.separator != 0) open_->reader.join_quoted(open_->format.separator);
  return true;
}

/// None is current after it.
void InputLines::close_current() {
  report_.bytes += open_->reader.bytes();
  if (open_->recognised) {
    const auto& format = open_->format;
    const std::string name(format.is_windows() ? "windows" : format.parser->format());
    if (report_.format.empty())
      report_.format = name;
    else if (report_.format.find(name) == std::string::npos)
      report_.format += ", " + name;
    const auto met = format.is_windows() ? std::vector<bool>() : format.parser->fields_met();
    for (std::size_t i = 0; i < met.size(); ++i) fields_met_[i] = fields_met_[i] || met[i];
  }
  if (const auto& problem = open_->reader.problem()) {
    report_.problems.push_back(source() + ": " + problem->message);
    if (options_.strict) failure_ = refused(report_.problems.back());
  }
  std::erase_if(opened_, [this](const auto& open) { return open.get() == open_; });
  open_ = nullptr;
}

/// Names of --field that nothing had.
void InputLines::note_idle_fields() {
  const auto& fields = options_.format.fields();
  if (fields.empty() || known_beginning_.empty()) return;
  const auto note = [this](std::string problem) {
    const auto& said = report_.problems;
    if (std::find(said.begin(), said.end(), problem) == said.end())
      report_.problems.push_back(std::move(problem));
  };
  if (report_.format.find("json") == std::string::npos &&
      report_.format.find("csv") == std::string::npos) {
    note("--field names fields of JSON and columns of csv, and no input is either (format: " +
         report_.format + "): it changes nothing");
    return;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!fields_met_[i])
      note("--field " + printable(fields[i], 80) +
           ": no line has a field or column of this name: it changes nothing");
  }
}

/// At the end of everything: input that held nothing is an error, not an empty result.
void InputLines::finish() {
  note_idle_fields();
  if (report_.requests + aside_ > 0) return;
  std::string name = sources_.front().name;
  if (sources_.size() > 1) name = "the " + std::to_string(sources_.size()) + " inputs";
  std::string message = name + ": no readable line";
  if (report_.lines == 0) message = name + (sources_.size() > 1 ? ": all empty" : ": empty input");
  if (!report_.examples.empty())
    message += " in " + std::to_string(report_.lines) +
               "; the first: " + describe(report_.examples.front());
  if (!advice_.empty()) message += "\n  " + advice_;
  for (const std::string& problem : report_.problems) message += "\n  " + problem;
  failure_ = Error{Code::invalid_argument, message};
}

}  // namespace tidelimit::ingest
