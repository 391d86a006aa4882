// The proof of effect: a shop's evening against several gates. With real processes on loopback, or
// with --virtual in virtual time (a whole day; --quick: its evening).
#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "figures.hpp"
#include "impact/impact_page.hpp"
#include "impact/live/live_trial.hpp"
#include "impact/live/shop.hpp"
#include "impact/past.hpp"
#include "impact/runs.hpp"
#include "store/files/file.hpp"

namespace {

using namespace tidelimit;
using namespace tidelimit::impact;

constexpr std::uint64_t kSeeds = 3;
constexpr std::uint64_t kMostSeeds = 10;
constexpr Span kEvening{std::chrono::hours{17}, std::chrono::hours{20}};  // with --quick
constexpr std::uint64_t kPastSeed = 7;

struct Options {
  bool json = false;
  bool in_virtual_time = false;
  bool quick = false;
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = kSeeds;
  std::string report;  ///< a file for the page; empty: none
};

int give_up(const std::string& why) {
  fmt::print(stderr, "impact_bench: {}\n", why);
  return 1;
}

/// Empty: something is wrong, and was said.
std::optional<Options> read(int argc, char** argv) {
  Options options;
  const auto wrong = [](std::string_view word) {
    fmt::print(stderr,
               "impact_bench: {}: there are --json, --report FILE.html, --seed N, --seeds 1 to {}, "
               "--virtual, --quick\n",
               word, kMostSeeds);
    return std::nullopt;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto number = [&] { return i + 1 < argc ? parse_uint(argv[i + 1]) : std::nullopt; };
    if (word == "--json") {
      options.json = true;
    } else if (word == "--virtual") {
      options.in_virtual_time = true;
    } else if (word == "--quick") {
      options.quick = true;
    } else if (word == "--seed" && number()) {
      options.first_seed = *number();
      ++i;
    } else if (word == "--seeds" && number() && *number() >= 1 && *number() <= kMostSeeds) {
      options.seeds = *number();
      ++i;
    } else if (word == "--report" && i + 1 < argc) {
      options.report = argv[++i];
    } else {
      return wrong(word);
    }
  }
  if (options.quick && !options.in_virtual_time) return wrong("--quick without --virtual");
  return options;
}

struct Played {
  Outcomes outcomes;
  std::span<const Arm> arms;
  Span span;
  Flood flood;
  std::string how;
};

Result<Played> play_virtual(const Options& options) {
  const Span span = options.quick ? kEvening : Span{Nanos{0}, std::chrono::hours{24}};
  const auto models = train(forecast::Preset::best, kPastSeed, options.quick ? 2 : 0);
  if (!models) return tl::unexpected(models.error());
  auto outcomes = play_all(span, options.first_seed, options.seeds, *models);
  if (!outcomes) return tl::unexpected(outcomes.error());
  return Played{
      std::move(*outcomes), kVirtualArms, span, Flood{},
      fmt::format("{} in virtual time, {} seeds from {} on", options.quick ? "An evening" : "A day",
                  options.seeds, options.first_seed)};
}

Result<Played> play_with_processes(const Options& options) {
  std::mutex mutex;
  auto outcomes =
      play_all_live(options.first_seed, options.seeds, [&](std::uint64_t seed, Arm arm) {
        std::lock_guard lock(mutex);
        fmt::print(stderr, "seed {}: {}\n", seed, name_of(arm));
      });
  if (!outcomes) return tl::unexpected(outcomes.error());
  return Played{std::move(*outcomes), kLiveArms, kLiveSpan, kLive.flood,
                fmt::format("An evening with real processes on loopback, its calendar {} times as "
                            "fast, {} seeds from {} on",
                            kLive.pace, options.seeds, options.first_seed)};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--shop")
    return run_shop(static_cast<std::uint16_t>(parse_uint(argv[2]).value_or(0)));
  const auto options = read(argc, argv);
  if (!options) return 2;
  const auto played =
      options->in_virtual_time ? play_virtual(*options) : play_with_processes(*options);
  if (!played) return give_up(played.error().message);
  if (!options->report.empty()) {
    const auto page =
        page_of(played->outcomes, played->arms, played->span, played->flood, played->how);
    if (auto written = store::write_file(options->report, page); !written)
      return give_up(written.error().message);
  }
  if (!options->json) fmt::print("{}\n\n{}\n", played->how, tables(played->outcomes, played->arms));
  for (const auto& seed : played->outcomes) {
    for (const Outcome& outcome : seed) {
      for (const std::string& trouble : outcome.troubles) fmt::print(stderr, "{}\n", trouble);
    }
  }

  bench::Figures figures;
  for (const Promise& promise : promises(played->outcomes)) {
    figures.add({.name = std::string(promise.name),
                 .value = promise.value.mean,
                 .unit = "ratio",
                 .aim = std::string(promise.aim)});
  }
  return figures.print(argc, argv);
}
