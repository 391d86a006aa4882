#include <cstdio>
#include <fmt/format.h>
#include <string_view>

#include "base/text.hpp"
#include "figures.hpp"
#include "impact/past.hpp"
#include "impact/runs.hpp"

namespace {

using namespace tidelimit;
using namespace tidelimit::impact;

constexpr std::size_t kSeeds = 3;
constexpr Span kEvening{std::chrono::hours{17}, std::chrono::hours{20}};  // with --quick
constexpr std::uint64_t kPastSeed = 7;

int give_up(const Error& error) {
  fmt::print(stderr, "impact_bench: {}\n", error.message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  bool json = false;
  bool quick = false;
  std::uint64_t first_seed = 1;
  for (int i = 1; i < argc; ++i) {
    json = json || std::string_view(argv[i]) == "--json";
    quick = quick || std::string_view(argv[i]) == "--quick";
    if (std::string_view(argv[i]) == "--seed" && i + 1 < argc)
      first_seed = parse_uint(argv[i + 1]).value_or(first_seed);
  }
  const std::size_t seeds = quick ? 2 : kSeeds;
  const Span span = quick ? kEvening : Span{Nanos{0}, std::chrono::hours{24}};

  const auto models = train(forecast::Preset::best, kPastSeed, quick ? 2 : 0);
  if (!models) return give_up(models.error());
  const auto outcomes = play_all(span, first_seed, seeds, *models);
  if (!outcomes) return give_up(outcomes.error());
  if (!json)
    fmt::print("{} in virtual time, {} seeds from {} on\n\n{}\n", quick ? "An evening" : "A day",
               seeds, first_seed, tables(*outcomes));

  bench::Figures figures;
  for (const Promise& promise : promises(*outcomes)) {
    figures.add({.name = std::string(promise.name),
                 .value = promise.value.mean,
                 .unit = "ratio",
                 .aim = std::string(promise.aim)});
  }
  return figures.print(argc, argv);
}
