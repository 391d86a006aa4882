// What-if replay on one core: records that are decoded already, and end to end from a file beside
// the reader alone in the same run. 100,000 clients.

#include <array>
#include <bit>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <functional>
#include <vector>

#include "base/random.hpp"
#include "engine/replay/drive.hpp"
#include "figures.hpp"
#include "ingest/record_reader.hpp"
#include "measure.hpp"
#include "temporary_folder.hpp"

namespace tidelimit::engine {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kRecords = 2'000'000;
constexpr std::uint64_t kClients = 100'000;
constexpr std::uint64_t kPerSecond = 1000;  // of virtual time

policy::EndpointSettings endpoint(const char* name, const char* match, std::uint64_t standard) {
  policy::EndpointSettings e;
  e.name = name;
  if (*match != '\0') e.match = {match};
  e.limits.resize(2);
  e.limits[0].rate = Rate{300, seconds{60}};
  e.limits[1].rate = Rate{standard, seconds{60}};
  return e;
}

/// Two tiers, five endpoints, a rule on figures: what a shop has.
Settings shop() {
  Settings settings;
  policy::PolicySettings& policy = settings.policy;
  policy.mode.mode = limiter::Mode::enforce;
  policy.tiers = {"PRM", "STD"};
  policy.default_tier = "STD";
  policy.endpoints = {endpoint("payment", "/payment/**", 100),
                      endpoint("browse", "/browse/**", 100), endpoint("search", "/search/**", 100),
                      endpoint("login", "/login", 10), endpoint("other", "", 100)};
  policy::Rule tool;
  tool.name = "odd-tool";
  tool.when.user_agent = "Postman*";
  tool.when.error_rate = 0.5;
  tool.when.requests = 20;
  tool.then.verdict = limiter::VerdictKind::suspicious;
  tool.then.limit = Rate{10, seconds{60}};
  policy.rules = {tool};
  return settings;
}

/// A decoded record as a reader hands it over: texts of its own beside it, so that a stream of them
/// is read in order. Paths and agents are few.
struct Record {
  ClientId client;
  std::array<char, 16> name;
  std::uint8_t name_size;
  std::uint8_t agent;
  std::uint16_t path;
  bool found;
};

class Traffic {
 public:
  explicit Traffic(bool skewed) {
    Random random(2026);
    constexpr const char* kRoots[] = {"/payment/cart", "/browse/item", "/search/q", "/login"};
    for (int i = 0; i < 4096; ++i) {
      paths_.push_back(i % 4 == 3 ? "/login" : fmt::format("{}/{}?ref=list", kRoots[i % 4], i));
    }
    for (int i = 0; i < 200; ++i) {
      agents_.push_back(
          fmt::format("Mozilla/5.0 (X11; Linux x86_64) Chrome/{}.0 Safari/537.36", i));
    }
    records_.reserve(kRecords);
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      const double u = random.uniform();
      const double at = skewed ? u * u * u : u;
      records_.push_back(record(static_cast<std::uint64_t>(at * kClients), random));
    }
  }

  void get(std::uint64_t i, traffic::Request& request) const {
    const Record& r = records_[i];
    request.time = WallTime{seconds{1'795'000'000 + i / kPerSecond}};
    request.client = r.client;
    request.client_name = name(r);
    request.method = "GET";
    request.path = paths_[r.path];
    request.user_agent = agents_[r.agent];
    request.status = r.found ? 200 : 404;
    request.bytes = 1234;
  }

  [[nodiscard]] std::string line(std::uint64_t i) const {
    const Record& r = records_[i];
    const std::uint64_t s = i / kPerSecond;
    return fmt::format(
        "{} - - [24/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET {} HTTP/1.1\" {} 1234 "
        "\"https://shop.example/browse\" \"{}\"\n",
        name(r), s / 3600 % 24, s / 60 % 60, s % 60, paths_[r.path], r.found ? 200 : 404,
        agents_[r.agent]);
  }

 private:
  [[nodiscard]] static std::string_view name(const Record& r) {
    return {r.name.data(), r.name_size};
  }

  [[nodiscard]] Record record(std::uint64_t client, Random& random) const {
    const std::string name = fmt::format("{}.{}.{}.{}", 11 + client % 180, client / 7 % 256,
                                         client / 256 % 256, client * 31 % 256);
    Record r{};
    r.client = client_of(name);
    r.name_size = static_cast<std::uint8_t>(name.copy(r.name.data(), r.name.size()));
    r.path = static_cast<std::uint16_t>(random.below(paths_.size()));
    r.agent = static_cast<std::uint8_t>(random.below(agents_.size()));
    r.found = random.chance(0.97);
    return r;
  }

  std::vector<std::string> paths_;
  std::vector<std::string> agents_;
  std::vector<Record> records_;
};

[[noreturn]] void give_up(const std::string& why) {
  fmt::print(stderr, "replay_bench: {}\n", why);
  std::exit(1);
}

/// Requests per second.
double rate(const std::function<void()>& round) {
  return bench::best_rate(static_cast<double>(kRecords), round);
}

void check(const ReplayReport& report) {
  if (report.total().requests() != kRecords) give_up("not every request was decided");
}

void replay_decoded(const Traffic& traffic) {
  Replay replay(shop(), nullptr);
  constexpr std::size_t kLent = std::bit_ceil(kAhead + 1);
  std::array<traffic::Request, kLent> lent;
  std::array<EngineWorker::Prepared, kLent> prepared;
  look_ahead(
      kRecords,
      [&](std::size_t i) {
        traffic.get(i, lent[i % kLent]);
        prepared[i % kLent] = replay.prepare(lent[i % kLent]);
      },
      [&](std::size_t i) { replay.add(lent[i % kLent], prepared[i % kLent]); });
  check(replay.finish());
}

/// A file that goes away with the run.
class LogFile {
 public:
  explicit LogFile(const Traffic& traffic) {
    std::FILE* out = std::fopen(path_.c_str(), "wb");
    if (out == nullptr) give_up("no temporary file");
    for (std::uint64_t i = 0; i < kRecords; ++i) {
      const std::string text = traffic.line(i);
      std::fwrite(text.data(), 1, text.size(), out);
    }
    if (std::fclose(out) != 0) give_up("the temporary file can't be written");
  }

  [[nodiscard]] ingest::RecordReader open() const {
    const ingest::Source source{path_, [this]() -> Result<std::unique_ptr<ingest::ByteStream>> {
                                  return ingest::descriptor_stream(::open(path_.c_str(), O_RDONLY),
                                                                   true);
                                }};
    auto reader = ingest::RecordReader::open(
        {source}, {.format = *ingest::FormatChoice::from_options("", {})});
    if (!reader) give_up(reader.error().message);
    return *std::move(reader);
  }

 private:
  const bench::TemporaryFolder folder_;
  const std::string path_ = folder_.file("replay.log");
};

void read_alone(const LogFile& file) {
  auto reader = file.open();
  traffic::Request request;
  while (reader.next(request)) {
  }
  if (reader.report().requests != kRecords) give_up("the file was not read in full");
}

void replay_file(const LogFile& file) {
  auto reader = file.open();
  Replay replay(shop(), nullptr);
  drive([&](traffic::Request& request) { return reader.next(request); },
        [](const auto&, const auto&) {}, replay);
  check(replay.finish());
}

int bench(int argc, char** argv) {
  bench::Figures figures;
  const Traffic uniform(false);
  const double before = bench::peak_megabytes();
  figures.add({.name = "replay_decoded_uniform",
               .value = rate([&] { replay_decoded(uniform); }),
               .unit = "requests/s",
               .aim = ">=1000000"});
  figures.add({.name = "replay_memory_above_records",
               .value = bench::peak_megabytes() - before,
               .unit = "MiB",
               .aim = "<=256"});
  figures.add({.name = "replay_decoded_skewed",
               .value = rate([traffic = Traffic(true)] { replay_decoded(traffic); }),
               .unit = "requests/s",
               .aim = ">=1000000"});
  const LogFile file(uniform);
  const double reading = rate([&] { read_alone(file); });
  figures.add({.name = "replay_end_to_end",
               .value = rate([&] { replay_file(file); }),
               .unit = "requests/s",
               .reference = "reading alone",
               .reference_value = reading,
               .aim = ">=0.6"});
  return figures.print(argc, argv);
}

}  // namespace
}  // namespace tidelimit::engine

int main(int argc, char** argv) {
  return tidelimit::engine::bench(argc, argv);
}
