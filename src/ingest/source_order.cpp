#include "ingest/source_order.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "base/time.hpp"
#include "ingest/line_reader.hpp"

namespace tidelimit::ingest {
namespace {

constexpr std::size_t kLook = 256 * 1024;

/// So many requests are asked for the time, against a wrong clock in the first.
constexpr std::size_t kAsked = 9;
constexpr Nanos kNear = std::chrono::hours{24 * 7};

std::vector<WallTime> first_times(const Source& source, const FormatChoice& choice) {
  std::vector<WallTime> times;
  auto stream = source.open();
  if (!stream) return times;  // said when its turn comes
  LineReader lines(decompressed(*std::move(stream)));
  const std::string_view beginning = lines.preview(kLook);
  auto format = choice.recognise(beginning);
  if (!format || format->is_windows()) return times;
  if (format->separator != 0) lines.join_quoted(format->separator);
  Line line;
  traffic::Request request;
  std::size_t seen = 0;
  while (times.size() < kAsked && seen <= kLook && lines.next(line)) {
    seen += line.text.size() + 1;
    if (!line.too_long && format->parser->parse(line.text, request) == Unreadable::none) {
      times.push_back(request.time);
    }
  }
  return times;
}

/// The earliest of them that is near their middle: nearly sorted logs don't begin with it.
std::optional<WallTime> beginning_of(const std::vector<WallTime>& times) {
  if (times.empty()) return std::nullopt;
  std::vector<WallTime> sorted = times;
  std::sort(sorted.begin(), sorted.end());
  const WallTime middle = sorted[(sorted.size() - 1) / 2];
  return *std::find_if(sorted.begin(), sorted.end(),
                       [&](WallTime time) { return time >= middle - kNear; });
}

}  // namespace

bool order_by_time(std::vector<Source>& sources, const FormatChoice& format) {
  if (sources.size() < 2) return false;
  struct Begun {
    WallTime time;
    std::size_t place;
  };
  std::vector<Begun> begun;
  for (std::size_t place = 0; place < sources.size(); ++place) {
    if (sources[place].only_once) continue;
    if (const auto time = beginning_of(first_times(sources[place], format))) {
      begun.push_back({*time, place});
    }
  }
  auto ordered = begun;
  std::stable_sort(ordered.begin(), ordered.end(),
                   [](const Begun& a, const Begun& b) { return a.time < b.time; });
  bool changed = false;
  std::vector<Source> moved = sources;
  for (std::size_t i = 0; i < begun.size(); ++i) {
    changed = changed || begun[i].place != ordered[i].place;
    Source& source = moved[begun[i].place] = sources[ordered[i].place];
    source.begins = ordered[i].time;
  }
  // One that tells no time may hold requests of any: it is opened with the one before it.
  for (std::size_t i = 1; i < moved.size(); ++i) {
    if (!moved[i].begins) moved[i].begins = moved[i - 1].begins;
  }
  sources = std::move(moved);
  return changed;
}

}  // namespace tidelimit::ingest
