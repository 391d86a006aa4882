// Lines per second on one core, beside `wc -l` on the same file in the same run. The files are made
// here, the same for every run, and read from the page cache: what is measured is the reading.

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <unistd.h>
#include <vector>

#include "base/random.hpp"
#include "figures.hpp"
#include "ingest/record_reader.hpp"
#include "measure.hpp"
#include "temporary_folder.hpp"

namespace tidelimit::ingest {
namespace {

constexpr std::uint64_t kLines = 1'000'000;

struct Call {
  std::uint64_t second;
  std::uint64_t client;
  std::uint64_t item;
  std::uint64_t bytes;
  std::uint64_t agent;
  bool found;
};

Call draw(Random& random, std::uint64_t i) {
  const double u = random.uniform();
  return {.second = i / 120,  // a busy server: 120 requests a second
          .client = static_cast<std::uint64_t>(u * u * 20'000),
          .item = random.below(50'000),
          .bytes = 200 + random.below(60'000),
          .agent = random.below(200),
          .found = random.chance(0.97)};
}

std::string client(std::uint64_t n) {
  return fmt::format("{}.{}.{}.{}", 11 + n % 180, n / 7 % 256, n / 256 % 256, n * 31 % 256);
}

std::string agent(std::uint64_t n) {
  return fmt::format(
      "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
      "Chrome/{}.0.{}.99 Safari/537.36",
      60 + n % 60, n);
}

std::string combined_line(const Call& c) {
  return fmt::format(
      "{} - - [24/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET /browse/item/{}?ref=list HTTP/1.1\" {} "
      "{} "
      "\"https://shop.example/browse\" \"{}\"\n",
      client(c.client), c.second / 3600 % 24, c.second / 60 % 60, c.second % 60, c.item,
      c.found ? 200 : 404, c.bytes, agent(c.agent));
}

std::string json_line(const Call& c) {
  return fmt::format(
      R"({{"start_time":"2026-11-24T{:02}:{:02}:{:02}.{:03}Z","method":"GET","path":)"
      R"("/browse/item/{}?ref=list","protocol":"HTTP/1.1","response_code":{},"bytes_sent":{},)"
      R"("duration":{},"downstream_remote_address":"{}:4711","user_agent":"{}"}})"
      "\n",
      c.second / 3600 % 24, c.second / 60 % 60, c.second % 60, c.item % 1000, c.item,
      c.found ? 200 : 404, c.bytes, c.bytes % 90, client(c.client), agent(c.agent));
}

std::string csv_line(const Call& c) {
  return fmt::format("{},{},u{},STD,GET,/browse/item/{}?ref=list,{},\"{}\",{}.5,{}\n",
                     1'795'000'000 + c.second, client(c.client), c.client, c.item,
                     c.found ? 200 : 404, agent(c.agent), c.bytes % 90, c.bytes);
}

/// A file of kLines lines; its path.
std::string make(const bench::TemporaryFolder& folder, const char* name, const char* header,
                 std::string (*line)(const Call&)) {
  const std::string file = folder.file(name);
  std::FILE* out = std::fopen(file.c_str(), "wb");
  if (out == nullptr) {
    std::perror(file.c_str());
    std::exit(1);
  }
  std::fputs(header, out);
  Random random(2026);
  for (std::uint64_t i = 0; i < kLines; ++i) {
    const std::string text = line(draw(random, i));
    std::fwrite(text.data(), 1, text.size(), out);
  }
  if (std::fclose(out) != 0) std::exit(1);
  return file;
}

/// Lines per second.
double rate(const std::function<void()>& round) {
  return bench::best_rate(static_cast<double>(kLines), round);
}

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) {
    fmt::print(stderr, "reader_bench: failed: {}\n", command);
    std::exit(1);
  }
}

/// Reads a file through and checks that every line was a request.
void read_through(const std::string& file) {
  const Source source{file, [&]() -> Result<std::unique_ptr<ByteStream>> {
                        return descriptor_stream(::open(file.c_str(), O_RDONLY), true);
                      }};
  auto reader = RecordReader::open({source}, {.format = *FormatChoice::from_options("", {})});
  traffic::Request request;
  std::uint64_t bytes = 0;
  while (reader && reader->next(request)) bytes += static_cast<std::uint64_t>(request.bytes);
  if (!reader || reader->report().requests != kLines || bytes < kLines * 200) {
    fmt::print(stderr, "reader_bench: {} was not read in full{}\n", file,
               reader ? "" : ": " + reader.error().message);
    std::exit(1);
  }
}

int bench(int argc, char** argv) {
  bench::Figures figures;
  const bench::TemporaryFolder folder;
  const std::string combined = make(folder, "combined.log", "", combined_line);
  const double wc = rate([&] { run("wc -l " + combined + " > /dev/null"); });
  const double lines = rate([&] { read_through(combined); });
  figures.add({.name = "reader_combined", .value = lines, .unit = "lines/s", .aim = ">=1500000"});
  figures.add({.name = "reader_combined_over_wc",
               .value = lines,
               .unit = "lines/s",
               .reference = "wc -l",
               .reference_value = wc});

  run("gzip -k -1 " + combined);
  const double unpack = rate([&] { run("gzip -dc " + combined + ".gz > /dev/null"); });
  figures.add({.name = "reader_combined_gzip",
               .value = rate([&] { read_through(combined + ".gz"); }),
               .unit = "lines/s",
               .reference = "gzip -dc",
               .reference_value = unpack});
  std::filesystem::remove(combined);

  const std::string json = make(folder, "envoy.json", "", json_line);
  figures.add(
      {.name = "reader_json", .value = rate([&] { read_through(json); }), .unit = "lines/s"});
  std::filesystem::remove(json);

  const std::string csv =
      make(folder, "requests.csv",
           "timestamp,client_ip,user_id,user_tier,method,path,status,user_agent,latency_ms,bytes\n",
           csv_line);
  figures.add({.name = "reader_csv", .value = rate([&] { read_through(csv); }), .unit = "lines/s"});
  figures.add({.name = "reader_peak_memory",
               .value = bench::peak_megabytes(),
               .unit = "MiB",
               .aim = "<=64"});
  return figures.print(argc, argv);
}

}  // namespace
}  // namespace tidelimit::ingest

int main(int argc, char** argv) {
  return tidelimit::ingest::bench(argc, argv);
}
