// One source, one libFuzzer binary per parser (FUZZ_TARGET): whatever bytes come, a line ends as a
// request whose views can be read, or as unreadable with a reason.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "ingest/clf_parser.hpp"
#include "ingest/csv_parser.hpp"
#include "ingest/json_parser.hpp"
#include "ingest/line_reader.hpp"
#include "ingest/pattern_parser.hpp"
#include "ingest/record_reader.hpp"
#include "ingest/summary.hpp"
#include "ingest/windows_reader.hpp"

namespace tidelimit::ingest {
namespace {

#define REQUIRE(condition) \
  if (!(condition)) std::abort()

/// Reads every byte of every view, so that the sanitizers see a dangling one.
std::uint64_t touch(const traffic::Request& r) {
  std::uint64_t sum = r.status + static_cast<std::uint64_t>(r.bytes);
  for (const std::string_view view :
       {r.client_name, r.user_id, r.tier, r.method, r.path, r.user_agent}) {
    for (const char c : view) sum += static_cast<unsigned char>(c);
  }
  return sum;
}

volatile std::uint64_t sink;

/// Parses each line of the input, in a copy of its own with exactly the padding that is promised.
void parse_lines(LineParser& parser, std::string_view text) {
  traffic::Request request;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto padded = std::make_unique<char[]>(line.size() + kLinePadding);
    std::copy(line.begin(), line.end(), padded.get());
    const Unreadable reason = parser.parse({padded.get(), line.size()}, request);
    REQUIRE(static_cast<std::size_t>(reason) < kUnreadable);
    if (reason != Unreadable::none) continue;
    REQUIRE(!request.client_name.empty() && request.status <= 999);
    REQUIRE(request.time.time_since_epoch().count() >= 0);
    sink = touch(request);
  }
}

[[maybe_unused]] void clf(std::string_view text) {
  ClfParser parser;
  parse_lines(parser, text);
}

[[maybe_unused]] void json(std::string_view text) {
  static JsonParser parser{JsonNames{}};
  parse_lines(parser, text);
}

/// The first line is the header.
[[maybe_unused]] void csv(std::string_view text) {
  const std::string_view header = text.substr(0, text.find('\n'));
  const auto parser = CsvParser::from_header(header);
  if (parser) parse_lines(**parser, text.substr(header.size()));
}

/// The first line is the pattern.
[[maybe_unused]] void pattern(std::string_view text) {
  const std::string_view format = text.substr(0, text.find('\n'));
  const auto parser = PatternParser::from_pattern(format);
  if (parser) parse_lines(**parser, text.substr(format.size()));
}

/// The whole way: decompression, recognition, lines, and the sums that inspect shows.
[[maybe_unused]] void stream(std::string_view text) {
  const Source source{"fuzz", [text]() -> Result<std::unique_ptr<ByteStream>> {
                        return memory_stream(std::string(text));
                      }};
  auto reader = RecordReader::open({source}, {.format = *FormatChoice::from_options("", {})});
  if (!reader) return;
  if (reader->is_windows()) {
    const auto windows = read_windows(*reader, std::chrono::minutes{15});
    REQUIRE(!windows || windows->grid.size() > 0);
  } else {
    Summary summary;
    traffic::Request request;
    while (reader->next(request)) summary.add(request);
    REQUIRE(summary.requests() == reader->report().requests);
    const auto found = summary.endpoints();
    std::uint64_t requests = found.other.requests;
    for (const auto& endpoint : found.endpoints) requests += endpoint.tally.requests;
    REQUIRE(requests == summary.requests());
  }
  const ReadReport& report = reader->report();
  REQUIRE(report.lines == report.requests + report.unreadable);
}

}  // namespace
}  // namespace tidelimit::ingest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tidelimit::ingest::FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
