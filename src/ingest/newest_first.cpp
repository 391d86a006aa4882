#include "ingest/newest_first.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/time.hpp"
#include "ingest/backward_lines.hpp"
#include "ingest/line_reader.hpp"

namespace tidelimit::ingest {
namespace {

constexpr std::size_t kSample = 64 * 1024;
constexpr std::uint64_t kSamples = 8;  ///< behind the beginning

/// So many times in turn must fall, where it can't be seen how the input ends.
constexpr std::size_t kFallsOfAStart = 8;

/// How times follow one another.
struct Trend {
  std::size_t rises = 0;
  std::size_t falls = 0;
  WallTime middle{};
  bool known = false;

  [[nodiscard]] bool falling() const { return falls >= 9 * rises; }
};

Trend trend_of(std::string_view text, LineParser& parser) {
  LineReader lines(memory_stream(std::string(text)));
  std::vector<WallTime> times;
  Line line;
  traffic::Request request;
  while (lines.next(line)) {
    if (!line.too_long && parser.parse(line.text, request) == Unreadable::none) {
      times.push_back(request.time);
    }
  }
  Trend trend;
  for (std::size_t i = 1; i < times.size(); ++i) {
    trend.rises += times[i] > times[i - 1] ? 1 : 0;
    trend.falls += times[i] < times[i - 1] ? 1 : 0;
  }
  if (times.empty()) return trend;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  trend.middle = *middle;
  trend.known = true;
  return trend;
}

/// Whole lines of `text`, a piece of an input.
std::string_view whole_lines(std::string_view text, bool from_begin, bool to_end) {
  if (!from_begin) text.remove_prefix(std::min(text.size(), text.find('\n') + 1));
  if (!to_end) text = text.substr(0, text.rfind('\n') + 1);
  return text;
}

/// Whether times fall wherever one looks.
bool falls_throughout(const StoredBytes& bytes, Trend before, LineParser& parser) {
  if (bytes.size() <= kSample) return true;
  std::string text(kSample, '\0');
  for (std::uint64_t i = 1; i <= kSamples; ++i) {
    const std::uint64_t at = (bytes.size() - kSample) / kSamples * i;
    const auto n = bytes.read_at(at, text);
    if (!n) return false;
    const bool to_end = at + *n == bytes.size();
    const Trend trend =
        trend_of(whole_lines(std::string_view(text).substr(0, *n), false, to_end), parser);
    if (!trend.known) continue;
    if (!trend.falling() || trend.middle > before.middle) return false;
    before = trend;
  }
  return true;
}

/// Whether it is what was read of it, behind a byte order mark perhaps.
bool is_plain(const StoredBytes& bytes, std::string_view beginning) {
  std::string raw(beginning.size() + 3, '\0');
  const auto n = bytes.read_at(0, raw);
  return n && (raw.starts_with(beginning) || raw.ends_with(beginning));
}

/// Whether a quoted value somewhere spans lines.
bool joins_lines(const Source& source, char separator) {
  auto stream = source.open();
  if (!stream) return false;
  LineReader lines(*std::move(stream));
  lines.join_quoted(separator);
  Line line;
  while (lines.next(line)) {
    if (line.text.find('\n') != line.text.npos) return true;
  }
  return false;
}

enum class Order { as_it_is, turned, stuck };

Order look_at(Source& source, const FormatChoice& choice) {
  auto stream = source.open();
  if (!stream) return Order::as_it_is;  // said when its turn comes
  LineReader lines(decompressed(*std::move(stream)));
  const std::string beginning(lines.preview(kSample).substr(0, kSample));
  auto format = choice.recognise(beginning);
  if (!format || format->is_windows()) return Order::as_it_is;
  const Trend start =
      trend_of(whole_lines(beginning, true, beginning.size() < kSample), *format->parser);
  if (start.falls < 2 || !start.falling()) return Order::as_it_is;

  const auto bytes =
      source.stored ? source.stored() : Result<std::shared_ptr<const StoredBytes>>{nullptr};
  if (!bytes) return Order::as_it_is;
  if (*bytes == nullptr || !is_plain(**bytes, beginning)) {
    return start.falls >= kFallsOfAStart ? Order::stuck : Order::as_it_is;
  }
  if (!falls_throughout(**bytes, start, *format->parser)) return Order::as_it_is;
  const auto count = count_lines(**bytes);
  if (!count) return Order::as_it_is;
  // Line by line the end of one record would be read with the beginning of another.
  if (format->separator != 0 && joins_lines(source, format->separator)) return Order::stuck;
  LineReader again(memory_stream(beginning));
  Line line;
  traffic::Request request;
  const bool header =
      again.next(line) && format->parser->parse(line.text, request) == Unreadable::header;
  source.turned = Turned{*count, header};
  source.open = [stored = *bytes, header]() -> Result<std::unique_ptr<ByteStream>> {
    return backward_lines(stored, header);
  };
  return Order::turned;
}

}  // namespace

NewestFirst turn_newest_first(std::vector<Source>& sources, const FormatChoice& choice) {
  NewestFirst found;
  for (Source& source : sources) {
    if (source.only_once) continue;
    const Order order = look_at(source, choice);
    if (order == Order::turned) found.turned.push_back(source.name);
    if (order == Order::stuck) found.stuck.push_back(source.name);
  }
  return found;
}

}  // namespace tidelimit::ingest
